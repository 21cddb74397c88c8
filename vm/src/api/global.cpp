#include "store/store_impl.hpp"
#include "store/use.hpp"
#include "store/values.hpp"

#include <warpbeam/vm/global.hpp>

#include <algorithm>

namespace warpbeam {

std::expected<Global, Error> Global::create(Store& store, const GlobalType& type,
                                            const Value& value) noexcept {
    const vm::Use use{store};
    if (!use)
        return std::unexpected{use.error()};
    StoreImpl& impl = *vm::Internal::impl(store);
    if (!vm::fits(value, type.content, impl))
        return std::unexpected{Error{ErrorCode::usage, "the value does not match the global's type"}};
    vm::ObjectFactory& objects = impl.objects;
    auto* const global = objects.make(vm::GlobalInst{{value.slots()[0], value.slots()[1]}, type, &impl});
    if (global == nullptr || !objects.list(*global))
        return std::unexpected{no_memory()};
    return vm::make_handle<Global>(global);
}

GlobalType Global::type() const noexcept {
    const vm::Use use{*this};
    return use ? inst_->type : GlobalType{};
}
Value Global::get() const noexcept {
    const vm::Use use{*this};
    if (!use)
        return {};
    // If memory runs out for this, the object lives only as long as the global refers to it.
    (void)vm::keep({&inst_->type.content, 1}, inst_->value, *inst_->store);
    return vm::to_value(inst_->type.content, inst_->value, inst_->store->types());
}

std::expected<void, Error> Global::set(const Value& value) const noexcept {
    const vm::Use use{*this};
    if (!use)
        return std::unexpected{use.error()};
    if (!inst_->type.is_mutable)
        return std::unexpected{Error{ErrorCode::usage, "the global is immutable"}};
    if (!vm::fits(value, inst_->type.content, *inst_->store))
        return std::unexpected{Error{ErrorCode::usage, "the value does not match the global's type"}};
    std::copy_n(value.slots(), 2, inst_->value);
    return {};
}

} // namespace warpbeam
