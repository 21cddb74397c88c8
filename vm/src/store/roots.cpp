#include "store/roots.hpp"

#include "heap/heap.hpp"
#include "store/frame_roots.hpp"

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

void Roots::mark(Heap& heap) noexcept {
    stacks_.visit_all([&](const Execution& execution) { mark_frames(execution, heap); });
    stacks_.visit_owned([&](const ExecutionOwner& execution) {
        for (const Value& value : execution.answered())
            if (value.type().is_ref())
                heap.mark({value.slots(), 1});
    });
    for (const auto* link = objects_.globals(); link != nullptr; link = link->next)
        if (link->global->type.content.is_ref())
            heap.mark({link->global->value, 1});
    for (const TableObject* table = objects_.tables(); table != nullptr; table = table->next)
        if (!engine_.types().matches(table->type.element.heap(), HeapType::func))
            heap.mark(table->slots);
    for (const Root* root = first_; root != nullptr; root = root->next_)
        heap.mark({root->value_.slots(), 1});
    const auto mark_elements = [&](const InstanceObject& instance) {
        for (size_t i = 0; i < instance.module->elements().size(); ++i)
            heap.mark(instance.elems[i].values);
    };
    for (const InstanceObject* instance = objects_.instances(); instance != nullptr;
         instance = instance->next)
        mark_elements(*instance);
    if (unfinished_ != nullptr)
        mark_elements(*unfinished_);
    drop_unused_exceptions();
    for (const ExceptionRoot* const exception : exceptions_)
        heap.mark({&exception->exception, 1});
}

} // namespace warpbeam::vm
