#include "store/objects.hpp"

#include <warpbeam/vm/host_func.hpp>

namespace warpbeam {

std::optional<Instance> Caller::instance() const noexcept {
    return instance_ != nullptr ? std::optional{Instance{instance_}} : std::nullopt;
}

std::optional<Memory> Caller::memory() const noexcept {
    if (instance_ == nullptr)
        return std::nullopt;
    vm::MemoryInst* const memory = static_cast<vm::InstanceObject*>(instance_)->exported_memory;
    return memory != nullptr ? std::optional{Memory{memory}} : std::nullopt;
}

std::optional<Extern> Caller::find_export(std::string_view name) const noexcept {
    return instance_ != nullptr ? Instance{instance_}.find_export(name) : std::nullopt;
}

} // namespace warpbeam
