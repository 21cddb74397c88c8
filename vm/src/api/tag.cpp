#include "store/store_impl.hpp"
#include "store/use.hpp"

#include <warpbeam/vm/tag.hpp>

#include <algorithm>

namespace warpbeam {

std::expected<Tag, Error> Tag::create(Store& store, std::span<const ValType> params,
                                      std::span<const ValType> results) noexcept {
    const vm::Use use{store};
    if (!use)
        return std::unexpected{use.error()};
    const TypeRegistry& types = store.engine().types();
    const auto is_known = [&](ValType type) { return types.contains(type); };
    if (!std::ranges::all_of(params, is_known) || !std::ranges::all_of(results, is_known))
        return std::unexpected{Error{ErrorCode::usage, "a type of the tag is not in the engine's registry"}};
    StoreImpl& impl = *vm::Internal::impl(store);
    SubType type;
    type.func = {params, results};
    const TypeId id = store.engine().types().add_group({&type, 1});
    vm::TagInst* const tag =
        id != TypeRegistry::failed ? impl.objects.make(vm::TagInst{{id}, &impl}) : nullptr;
    if (tag == nullptr)
        return std::unexpected{no_memory()};
    return vm::make_handle<Tag>(tag);
}

TagType Tag::type() const noexcept {
    const vm::Use use{*this};
    return use ? TagType{inst_->type} : TagType{};
}
std::span<const ValType> Tag::params() const noexcept {
    const vm::Use use{*this};
    return use ? inst_->store->types().func(inst_->type).params : std::span<const ValType>{};
}

} // namespace warpbeam
