#include "store/store_impl.hpp"
#include "store/values.hpp"

#include <warpbeam/vm/global.hpp>

#include <algorithm>

namespace warpbeam {

std::expected<Global, Error> Global::create(Store& store, const GlobalType& type,
                                            const Value& value) noexcept {
    if (store.impl() == nullptr)
        return std::unexpected{no_memory()};
    if (!vm::fits(value, type.content, *store.impl()))
        return std::unexpected{Error{ErrorCode::usage, "the value is not of the global's type"}};
    vm::ObjectFactory& objects = store.impl()->objects;
    auto* const global =
        objects.make(vm::GlobalInst{{value.slots()[0], value.slots()[1]}, type, store.impl()});
    if (global == nullptr || !objects.list(*global))
        return std::unexpected{no_memory()};
    return Global{global};
}

GlobalType Global::type() const noexcept { return inst_->type; }
Value Global::get() const noexcept {
    // Without memory for that, the object lives as long as the global refers to it.
    (void)vm::keep({&inst_->type.content, 1}, inst_->value, *inst_->store);
    return vm::to_value(inst_->type.content, inst_->value, inst_->store->types());
}

std::expected<void, Error> Global::set(const Value& value) const noexcept {
    if (!inst_->type.is_mutable)
        return std::unexpected{Error{ErrorCode::usage, "the global is immutable"}};
    if (!vm::fits(value, inst_->type.content, *inst_->store))
        return std::unexpected{Error{ErrorCode::usage, "the value is not of the global's type"}};
    std::copy_n(value.slots(), 2, inst_->value);
    return {};
}

} // namespace warpbeam
