#include "store/exception.hpp"

#include "heap/heap.hpp"
#include "heap/reference.hpp"
#include "store/store_impl.hpp"
#include "trap/trap_details.hpp"

#include <warpbeam/vm/exception.hpp>

#include <algorithm>

/// Exceptions in the host's hands.

namespace warpbeam {
namespace vm {

ExceptionRoots::~ExceptionRoots() {
    for (ExceptionRoot* const root : roots_) {
        root->store = nullptr;
        root->release();
    }
}

void ExceptionRoots::drop_unused() noexcept {
    size_t kept = 0;
    for (ExceptionRoot* const root : roots_) {
        if (root->owners.is_only_one())
            root->release();
        else
            roots_[kept++] = root;
    }
    roots_.truncate(kept);
}

Ref<ExceptionRoot> ExceptionRoots::add(StoreImpl& store, Slot exception) noexcept {
    if (roots_.size() == roots_.capacity()) {
        drop_unused();
        // Leaving half of the room free, so that it is some time until the next look.
        if (!roots_.reserve(std::max<size_t>(8, 2 * roots_.size())))
            return {};
    }
    auto fresh = Ref<ExceptionRoot>::adopt(
        create<ExceptionRoot>(store.allocator(), store.allocator(), &store, exception));
    if (fresh) {
        fresh->retain();
        (void)roots_.push(fresh.get()); // there is room
    }
    return fresh;
}

void ExceptionRoots::mark(Heap& heap) noexcept {
    drop_unused();
    for (const ExceptionRoot* const root : roots_)
        heap.mark({&root->exception, 1});
}

namespace {

const ExceptionObject& object_of(const Ref<ExceptionRoot>& root) noexcept {
    return *reinterpret_cast<const ExceptionObject*>(static_cast<uintptr_t>(root->exception));
}

} // namespace
} // namespace vm

Exception::Exception(Ref<vm::ExceptionRoot> root) noexcept : root_{std::move(root)} {}
Exception::Exception(const Exception&) noexcept = default;
Exception& Exception::operator=(Exception other) noexcept {
    std::swap(root_, other.root_);
    return *this;
}
Exception::~Exception() = default;

std::expected<Exception, Error> Exception::create(Tag tag, std::span<const Value> values) noexcept {
    StoreImpl& store = *tag.inst()->store;
    const std::span<const ValType> types = tag.params();
    if (values.size() != types.size())
        return std::unexpected{Error{ErrorCode::usage,
                                     "the tag's exceptions carry %zu values; given were %zu", types.size(),
                                     values.size()}};
    Vec<vm::Slot> payload{store.allocator()};
    for (size_t i = 0; i < values.size(); ++i) {
        if (!vm::fits(values[i], types[i], store))
            return std::unexpected{Error{ErrorCode::usage, "value %zu is not of the tag's type", i}};
        if (!payload.append({values[i].slots(), vm::slots_of(types[i])}))
            return std::unexpected{no_memory()};
    }
    const vm::ExceptionObject* const object = store.heap().allocate_exception(*tag.inst(), payload);
    if (object == nullptr)
        return std::unexpected{store.heap().failure() == vm::Exit::out_of_memory
                                   ? no_memory()
                                   : Error{ErrorCode::limit, "the store's heap is full"}};
    auto root = store.exceptions().add(store, reinterpret_cast<uintptr_t>(object));
    if (!root)
        return std::unexpected{no_memory()};
    return Exception{std::move(root)};
}

std::expected<Exception, Error> Exception::from(Store& store, const Value& value) noexcept {
    constexpr ValType exnref = ValType::reference(HeapType::exn, false);
    if (store.impl() == nullptr || !vm::fits(value, exnref, *store.impl()))
        return std::unexpected{Error{ErrorCode::usage, "the value is not a reference to an exception"}};
    auto root = store.impl()->exceptions().add(*store.impl(), value.slots()[0]);
    if (!root)
        return std::unexpected{no_memory()};
    return Exception{std::move(root)};
}

Tag Exception::tag() const noexcept { return Tag{const_cast<vm::TagInst*>(vm::object_of(root_).tag)}; }
size_t Exception::size() const noexcept { return tag().params().size(); }

Value Exception::operator[](size_t i) const noexcept {
    const std::span<const ValType> types = tag().params();
    const vm::ExceptionObject& object = vm::object_of(root_);
    return vm::to_value(types[i], object.payload() + vm::slots_of(types.first(i)),
                        object.tag->store->types());
}

Value Exception::reference() const noexcept {
    return Value::from_slots(ValType::reference(HeapType::exn, false), &root_->exception);
}

bool operator==(const Exception& a, const Exception& b) noexcept {
    return a.root_->exception == b.root_->exception;
}

// ---- In a trap ----

Trap Trap::thrown(const Exception& exception) noexcept {
    Trap trap{TrapCode::uncaught_exception};
    Details* const details = trap.own_details(exception.root()->allocator);
    if (details == nullptr)
        return Trap{TrapCode::out_of_memory};
    details->exception = exception.root();
    return trap;
}

std::optional<Exception> Trap::exception() const noexcept {
    if (details_ == nullptr || !details_->exception || details_->exception->store == nullptr)
        return std::nullopt;
    return Exception{details_->exception};
}

} // namespace warpbeam
