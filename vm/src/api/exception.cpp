#include "store/store_impl.hpp"
#include "store/use.hpp"
#include "store/values.hpp"
#include "trap/trap_builder.hpp"

#include <warpbeam/vm/exception.hpp>

namespace warpbeam {
namespace {

const vm::ExceptionObject& object_of(const Ref<vm::ExceptionRoot>& root) noexcept {
    return *reinterpret_cast<const vm::ExceptionObject*>(static_cast<uintptr_t>(root->exception));
}
vm::TagInst* tag_of(const vm::ExceptionObject& object) noexcept {
    return const_cast<vm::TagInst*>(static_cast<const vm::TagInst*>(object.tag));
}

} // namespace

Exception::Exception(Ref<vm::ExceptionRoot> root) noexcept : root_{std::move(root)} {}
Exception::Exception(const Exception&) noexcept = default;
Exception& Exception::operator=(const Exception&) noexcept = default;
Exception::~Exception() = default;

std::expected<Exception, Error> Exception::create(Tag tag, std::span<const Value> values) noexcept {
    const vm::Use use{tag};
    if (!use)
        return std::unexpected{use.error()};
    const vm::TagInst& inst = *vm::Internal::inst(tag);
    StoreImpl& store = *inst.store;
    if (!has_objects)
        return std::unexpected{Error{store.allocator(), ErrorCode::unsupported,
                                     "this build has no exceptions (WARPBEAM_EXCEPTIONS=0)"}};
    const std::span<const ValType> types = tag.params();
    if (values.size() != types.size())
        return std::unexpected{Error{ErrorCode::usage, "the tag's exceptions carry %zu value%s, not %zu",
                                     types.size(), types.size() == 1 ? "" : "s", values.size()}};
    if (const size_t i = vm::first_misfit(values, types, store); i != values.size())
        return std::unexpected{Error{ErrorCode::usage, "value %zu does not match the tag's type", i}};
    Vec<vm::Slot> payload{store.allocator()};
    if (!payload.resize(slots_of(types)))
        return std::unexpected{no_memory()};
    vm::store_values(payload.data(), values);
    const vm::ExceptionObject* const object = store.heap.allocate_exception(inst, payload);
    if (object == nullptr)
        return std::unexpected{no_room(store.heap)};
    auto root = store.roots.add_exception(reinterpret_cast<uintptr_t>(object));
    if (!root)
        return std::unexpected{no_memory()};
    return Exception{std::move(root)};
}

std::expected<Exception, Error> Exception::from(Store& store, const Value& value) noexcept {
    const vm::Use use{store};
    if (!use)
        return std::unexpected{use.error()};
    StoreImpl* const impl = vm::Internal::impl(store);
    constexpr ValType exnref = ValType::reference(HeapType::exn, false);
    if (!vm::fits(value, exnref, *impl))
        return std::unexpected{Error{ErrorCode::usage, "the value is not an exception reference"}};
    auto root = impl->roots.add_exception(value.slots()[0]);
    if (!root)
        return std::unexpected{no_memory()};
    return Exception{std::move(root)};
}

Tag Exception::tag() const noexcept {
    return root_->store != nullptr ? vm::make_handle<Tag>(tag_of(object_of(root_))) : Tag{};
}
size_t Exception::size() const noexcept { return tag().params().size(); }

Value Exception::operator[](size_t i) const noexcept {
    const std::span<const ValType> types = tag().params();
    if (i >= types.size())
        return {};
    const vm::ExceptionObject& object = object_of(root_);
    return vm::to_value(types[i], object.payload() + slots_of(types.first(i)),
                        tag_of(object)->store->types());
}

Value Exception::reference() const noexcept {
    return Value::from_slots(ValType::reference(HeapType::exn, false), &root_->exception);
}

bool operator==(const Exception& a, const Exception& b) noexcept {
    return a.root_->exception == b.root_->exception;
}

// ---- In a trap ----

Trap Trap::thrown(const Exception& exception) noexcept {
    return TrapBuilder::thrown(vm::Internal::root(exception));
}

std::optional<Exception> Trap::exception() const noexcept {
    Ref<vm::ExceptionRoot> root = TrapBuilder::exception_of(*this);
    return root && root->store != nullptr ? std::optional{vm::Internal::exception(std::move(root))}
                                          : std::nullopt;
}

} // namespace warpbeam
