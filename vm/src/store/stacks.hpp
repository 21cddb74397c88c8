#pragma once

#include "handlers/instance_data.hpp"

#include <warpbeam/memory/ref.hpp>
#include <warpbeam/vm/engine.hpp>

namespace warpbeam {

/// What an InterruptHandle keeps alive beyond the end of its store.
struct InterruptTarget : RefCounted<InterruptTarget> {
    using RefCounted::RefCounted;
    vm::Execution execution{};
};

namespace vm {

/// The stacks that a store's code runs on, and where on them it stands.
class Stacks {
public:
    Stacks(StoreImpl& owner, const Engine& engine, Ref<InterruptTarget> target) noexcept;
    Stacks(const Stacks&) = delete;
    Stacks& operator=(const Stacks&) = delete;
    ~Stacks();

    [[nodiscard]] Execution& execution() const noexcept { return target_->execution; }
    [[nodiscard]] const Ref<InterruptTarget>& interrupt_target() const noexcept { return target_; }

    /// Gets the memory, unless it is there; false when there is none. Code may run only after that.
    [[nodiscard]] bool prepare() noexcept;
    /// What is in use of the value stack.
    [[nodiscard]] std::span<const Slot> in_use() const noexcept;
    /// Takes what the work of a collection amounts to from the fuel.
    void charge(uint64_t work) noexcept;

private:
    const Engine& engine_;
    Ref<InterruptTarget> target_;
    size_t slots_ = 0;
    size_t records_ = 0;
};

} // namespace vm
} // namespace warpbeam
