#pragma once

#include "handlers/instance_data.hpp"

#include <warpbeam/memory/ref.hpp>
#include <warpbeam/vm/engine.hpp>

namespace warpbeam {

/// The part of a store that an InterruptHandle keeps alive.
struct InterruptTarget : RefCounted<InterruptTarget> {
    using RefCounted::RefCounted;
    vm::Execution execution{};
};

namespace vm {

/// The stacks of a store's code, and the current positions on them.
class Stacks {
public:
    Stacks(StoreImpl& owner, const Engine& engine, Ref<InterruptTarget> target) noexcept;
    Stacks(const Stacks&) = delete;
    Stacks& operator=(const Stacks&) = delete;
    ~Stacks();

    [[nodiscard]] Execution& execution() const noexcept { return target_->execution; }
    [[nodiscard]] const Ref<InterruptTarget>& interrupt_target() const noexcept { return target_; }

    /// Allocates the stacks, unless they exist; false if memory runs out. Required before code may run.
    [[nodiscard]] bool prepare() noexcept;
    /// The part of the value stack that is in use.
    [[nodiscard]] std::span<const Slot> in_use() const noexcept;
    /// Subtracts the cost of a collection from the fuel.
    void charge(uint64_t work) noexcept;

private:
    const Engine& engine_;
    Ref<InterruptTarget> target_;
    size_t slots_ = 0;
    size_t records_ = 0;
};

} // namespace vm
} // namespace warpbeam
