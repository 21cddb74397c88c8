#pragma once

#include "handlers/instance_data.hpp"
#include "store/guest_stack.hpp"
#include "store/internal.hpp"

#include <warpbeam/memory/ref.hpp>
#include <warpbeam/vm/execution.hpp>

namespace warpbeam::vm {

/// What an Execution handle refers to. It may outlive the store, which then has taken back the computation.
class ExecutionObject : public RefCounted<ExecutionObject> {
public:
    /// The arguments must fit the function. Null when there is no memory.
    [[nodiscard]] static Ref<ExecutionObject> create(FuncInst& func, std::span<const Value> args) noexcept;
    ExecutionObject(Allocator& allocator, FuncInst& func, Execution& execution) noexcept
        : RefCounted{allocator}, func_{func}, execution_{&execution} {}

    /// Frees the computation, or lets it be freed when it stops.
    void drop() noexcept;
    /// The store ends, and frees the computation.
    void forget() noexcept { execution_ = nullptr; }

    [[nodiscard]] std::expected<ExecutionState, Error> resume(const Budget& budget) noexcept;
    [[nodiscard]] ExecutionState state() const noexcept {
        return execution_ != nullptr ? state_ : ExecutionState::trapped;
    }
    /// Null after the store has ended.
    [[nodiscard]] Execution* execution() const noexcept { return execution_; }
    [[nodiscard]] StoreImpl& store() const noexcept { return *execution_->store; }
    [[nodiscard]] const FuncType& type() const noexcept;
    [[nodiscard]] const std::optional<Trap>& trap() const noexcept { return trap_; }
    /// The host function that waits. Precondition: one does.
    [[nodiscard]] HostFunc& waiting() const noexcept;
    void answer(std::span<const Value> values) noexcept;
    void refuse(Trap trap) noexcept;

private:
    enum class Step : uint8_t { begin, go_on, return_values, trap };
    [[nodiscard]] Exit advance() noexcept;
    void settle(Exit exit) noexcept;

    FuncInst& func_;
    Execution* execution_;
    GuestStack guest_stack_;
    ExecutionState state_ = ExecutionState::ready;
    Step next_ = Step::begin;
    bool dropped_ = false;     ///< while it ran
    std::optional<Trap> trap_; ///< that ended it, or that its host call is answered with
};

} // namespace warpbeam::vm
