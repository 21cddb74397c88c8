#include "store/roots.hpp"

#include "heap/heap.hpp"
#include "store/frame_roots.hpp"

#include <warpbeam/loader/built_features.hpp>

#include <algorithm>

namespace warpbeam::vm {

Roots::~Roots() {
    while (first_ != nullptr)
        remove(*first_);
    for (ExceptionRoot* const exception : exceptions_) {
        exception->store = nullptr;
        exception->release();
    }
}

void Roots::add(Root& root) noexcept {
    root.store_ = &owner_;
    root.next_ = first_;
    if (first_ != nullptr)
        first_->before_ = &root;
    first_ = &root;
}

void Roots::remove(Root& root) noexcept {
    (root.before_ != nullptr ? root.before_->next_ : first_) = root.next_;
    if (root.next_ != nullptr)
        root.next_->before_ = root.before_;
    root.value_ = {};
    root.store_ = nullptr;
    root.next_ = root.before_ = nullptr;
}

void Roots::drop_unused_exceptions() noexcept {
    size_t kept = 0;
    for (ExceptionRoot* const exception : exceptions_) {
        if (exception->has_one_owner())
            exception->release();
        else
            exceptions_[kept++] = exception;
    }
    exceptions_.truncate(kept);
}

Ref<ExceptionRoot> Roots::add_exception(Slot exception) noexcept {
    if (exceptions_.size() == exceptions_.capacity()) {
        drop_unused_exceptions();
        // Leaves half of the capacity free, so that the next search is not needed soon.
        if (!exceptions_.reserve(std::max<size_t>(8, 2 * exceptions_.size())))
            return {};
    }
    Allocator& allocator = engine_.allocator();
    auto fresh = Ref<ExceptionRoot>::adopt(create<ExceptionRoot>(allocator, allocator, &owner_, exception));
    if (fresh) {
        fresh->retain();
        (void)exceptions_.push(fresh.get()); // there is room
    }
    return fresh;
}

/// What is short, and the lists of what is not.
void Roots::begin_marking(Heap& heap) noexcept {
    stacks_.visit_running([&](const Execution& execution) { mark_frames(execution, heap); });
    drop_unused_exceptions();
    for (const ExceptionRoot* const exception : exceptions_)
        heap.mark({&exception->exception, 1});
    if (unfinished_ != nullptr)
        for (size_t i = 0; i < unfinished_->module->elements().size(); ++i)
            heap.mark(unfinished_->elems[i].values);
    marking_ = {stacks_.owned(), objects_.globals(), objects_.tables(), first_, objects_.instances(), 0, {}};
}

/// Marks a part, or finds the next slots.
bool Roots::next_part(Heap& heap, uint32_t& looked_at) noexcept {
    Marking& left = *marking_;
    if (const Execution* const execution = left.execution; execution != nullptr) {
        if (!execution->is_running)
            mark_frames(*execution, heap);
        for (const Value& value : execution->owner->answered())
            if (value.type().is_ref())
                heap.mark({value.slots(), 1});
        looked_at += 8 + static_cast<uint32_t>(used(*execution) / sizeof(Slot));
        left.execution = execution->next;
    } else if (const auto* const global = left.global; global != nullptr) {
        if (global->global->type.content.is_ref())
            left.slots = {global->global->value, 1};
        left.global = global->next;
    } else if (const TableObject* const table = left.table; table != nullptr) {
        if (!engine_.types().matches(table->type.element.heap(), HeapType::func))
            left.slots = table->slots;
        left.table = table->next;
    } else if (const Root* const root = left.root; root != nullptr) {
        left.slots = {root->value_.slots(), 1};
        left.root = root->next_;
    } else if (const InstanceObject* const instance = left.instance; instance != nullptr) {
        if (left.element != instance->module->elements().size()) {
            left.slots = instance->elems[left.element++].values;
        } else {
            left.instance = instance->next;
            left.element = 0;
        }
    } else {
        return false;
    }
    return true;
}

bool Roots::mark(Heap& heap, uint32_t count) noexcept {
    if (!has_objects)
        return true;
    if (!marking_)
        begin_marking(heap);
    for (uint32_t looked_at = 0; looked_at < count; ++looked_at) {
        const auto part = marking_->slots.first(std::min<size_t>(marking_->slots.size(), count - looked_at));
        heap.mark(part);
        looked_at += static_cast<uint32_t>(part.size());
        marking_->slots = marking_->slots.subspan(part.size());
        if (marking_->slots.empty() && !next_part(heap, looked_at)) {
            marking_.reset();
            return true;
        }
    }
    return false;
}

} // namespace warpbeam::vm
