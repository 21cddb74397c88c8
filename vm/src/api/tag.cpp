#include "store/store_impl.hpp"

#include <warpbeam/vm/tag.hpp>

namespace warpbeam {

std::expected<Tag, Error> Tag::create(Store& store, std::span<const ValType> params) noexcept {
    SubType type;
    type.func.params = params;
    const TypeId id = store.engine().types().add_group({&type, 1});
    vm::TagInst* const tag = id != TypeRegistry::failed && store.impl() != nullptr
                                 ? store.impl()->objects.make(vm::TagInst{{id}, store.impl()})
                                 : nullptr;
    if (tag == nullptr)
        return std::unexpected{no_memory()};
    return Tag{tag};
}

TagType Tag::type() const noexcept { return {inst_->type}; }
std::span<const ValType> Tag::params() const noexcept {
    return inst_->store->types().func(inst_->type).params;
}

} // namespace warpbeam
