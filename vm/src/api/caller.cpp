#include "store/store_impl.hpp"
#include "trap/trap_builder.hpp"

#include <warpbeam/vm/host_func.hpp>

#include <algorithm>

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
    Backtrace frames{store_.engine().allocator()};
    TrapBuilder::walk(*vm::Internal::impl(store_)->stacks.running(), frames, 1);
    return frames.empty() ? std::nullopt : std::optional{frames[0]};
}

bool Caller::is_interrupted() const noexcept {
    const vm::Execution* const running = vm::Internal::impl(store_)->stacks.running();
    return running != nullptr && running->must_stop();
}

bool Caller::can_suspend() const noexcept {
    const vm::Execution* const running = vm::Internal::impl(store_)->stacks.running();
    return running != nullptr && running->may_suspend;
}

void Caller::take_fuel(uint64_t bytes) noexcept {
    vm::Execution* const running = vm::Internal::impl(store_)->stacks.running();
    constexpr int64_t deepest = INT64_MIN / 2;
    if (running != nullptr && store_.engine().config().fuel && running->fuel > deepest)
        running->fuel -= static_cast<int64_t>(std::min(bytes, uint64_t{INT64_MAX / 2}));
}

Backtrace Caller::backtrace() const noexcept {
    Backtrace frames{store_.engine().allocator()};
    if (instance_ != nullptr)
        TrapBuilder::walk(*vm::Internal::impl(store_)->stacks.running(), frames);
    return frames;
}

} // namespace warpbeam
