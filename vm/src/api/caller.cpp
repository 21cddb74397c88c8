#include "store/store_impl.hpp"
#include "trap/trap_builder.hpp"

#include <warpbeam/vm/host_func.hpp>

/// Information for a host function about its call.

namespace warpbeam {

std::optional<Instance> Caller::instance() const noexcept {
    return instance_ != nullptr ? std::optional{vm::make_handle<Instance>(instance_)} : std::nullopt;
}

std::optional<Memory> Caller::memory() const noexcept {
    if (instance_ == nullptr)
        return std::nullopt;
    vm::MemoryInst* const memory = static_cast<vm::InstanceObject*>(instance_)->exported_memory;
    return memory != nullptr ? std::optional{vm::make_handle<Memory>(memory)} : std::nullopt;
}

std::optional<Memory> Caller::memory(uint32_t index) const noexcept {
    return instance_ != nullptr && index < instance_->memory_count
               ? std::optional{vm::make_handle<Memory>(instance_->memories[index])}
               : std::nullopt;
}

std::optional<Extern> Caller::find_export(std::string_view name) const noexcept {
    const auto found = instance();
    return found ? found->find_export(name) : std::nullopt;
}

std::optional<Frame> Caller::position() const noexcept {
    if (instance_ == nullptr)
        return std::nullopt;
    return TrapBuilder::caller_of(*vm::Internal::impl(store_)->stacks.running());
}

Backtrace Caller::backtrace() const noexcept {
    Backtrace frames{store_.engine().allocator()};
    if (instance_ != nullptr)
        TrapBuilder::walk(*vm::Internal::impl(store_)->stacks.running(), frames);
    return frames;
}

} // namespace warpbeam
