#pragma once

#include "handlers/instance_data.hpp"
#include "store/answer_cell.hpp"
#include "store/guest_stack.hpp"
#include "store/internal.hpp"
#include "store/stacks.hpp"

#include <warpbeam/memory/ref.hpp>
#include <warpbeam/vm/execution.hpp>

namespace warpbeam::vm {

/// What an Execution handle refers to. It may outlive the store, which then has taken back the computation.
class ExecutionObject final : public RefCounted<ExecutionObject>, public ExecutionOwner {
public:
    /// One of a function, whose arguments must fit. Errors: `limit`, `out_of_memory`.
    [[nodiscard]] static std::expected<Ref<ExecutionObject>, Error>
    create(FuncInst& func, std::span<const Value> args) noexcept;
    /// One of an instantiation, for which `set_instance` is still needed.
    [[nodiscard]] static std::expected<Ref<ExecutionObject>, Error> create(StoreImpl& store) noexcept;
    explicit ExecutionObject(Allocator& allocator) noexcept : RefCounted{allocator} {}
    /// Begins a call with room for `slots` arguments or results, if nothing else runs and all that it needs
    /// is there from calls before; otherwise null. `start` follows, when the arguments are at the beginning
    /// of its stack.
    [[nodiscard]] static ExecutionObject* begin(FuncInst& func, size_t slots) noexcept;
    /// Runs the call with this budget. If it is done, its results are at the beginning of its stack, and
    /// `finish` follows; otherwise the caller is the owner. `fuel_used` as in StartedCall.
    [[nodiscard]] ExecutionState start(const Budget& budget, uint64_t& fuel_used) noexcept;
    void finish() noexcept;
    /// The three at once, for arguments and results in the slots of `frame`. False if the call can't begin
    /// so; `stopped` gets it if it is not done.
    [[nodiscard]] static bool start(FuncInst& func, Slot* frame, size_t params, size_t results,
                                    const Budget& budget, uint64_t& fuel_used,
                                    ExecutionObject*& stopped) noexcept;
    void set_instance(InstanceData& instance) noexcept;
    /// The one of which it is the instantiation; null if it is a call.
    [[nodiscard]] InstanceData* instance() const noexcept { return instance_; }

    /// Frees the computation, or lets it be freed when it stops.
    void drop() noexcept;
    /// The same for the only handle, after which the store keeps the object for the next execution.
    static void drop(Ref<ExecutionObject> object) noexcept;
    void forget() noexcept override;
    void release_spare() noexcept override { release(); }
    [[nodiscard]] std::span<const Value> answered() const noexcept override {
        return cell_ && cell_->is_answered() ? cell_->values() : std::span<const Value>{};
    }
    [[nodiscard]] const GuestStack& guest_stack() const noexcept override { return guest_stack_; }
    /// Before it begins.
    [[nodiscard]] GuestStack& guest_stack() noexcept { return guest_stack_; }
    [[nodiscard]] Ref<AnswerCell> cell_of_call(const FuncType& type, bool first, AnswerCell::Dropped dropped,
                                               void* data) noexcept override;

    [[nodiscard]] std::expected<ExecutionState, Error> resume(const Budget& budget) noexcept;
    /// @{ See warpbeam::Execution.
    [[nodiscard]] uint64_t fuel() const noexcept;
    [[nodiscard]] uint64_t fuel_debt() const noexcept;
    /// @}
    [[nodiscard]] ExecutionState state() const noexcept {
        if (execution_ == nullptr)
            return ExecutionState::trapped;
        return cell_ && cell_->is_answered() ? ExecutionState::ready : state_;
    }
    /// Null after the store has ended.
    [[nodiscard]] Execution* execution() const noexcept { return execution_; }
    [[nodiscard]] StoreImpl& store() const noexcept { return *execution_->store; }
    [[nodiscard]] FuncType type() const noexcept;
    [[nodiscard]] const std::optional<Trap>& trap() const noexcept { return trap_; }
    /// The host function that waits. Precondition: one does.
    [[nodiscard]] HostFunc& waiting() const noexcept;
    /// Where a token's answer to the call that waits is put down; null when there is no memory.
    [[nodiscard]] Ref<AnswerCell> cell(AnswerCell::Dropped dropped, void* data) noexcept;
    /// See warpbeam::Execution.
    [[nodiscard]] bool notify(AnswerCell::Notify tell, void* data) noexcept {
        return state_ == ExecutionState::host_call && cell_ && cell_->notify(tell, data);
    }
    /// Closes the cell; false if it has an answer already.
    [[nodiscard]] bool close_cell() noexcept;
    void answer(std::span<const Value> values) noexcept;
    void refuse(Trap trap) noexcept;

    // ---- For snapshots ----

    /// What the next `resume` does.
    enum class Step : uint8_t { begin, go_on, return_values, trap };
    /// All that an execution has besides its stack.
    struct Saved {
        ExecutionState state = ExecutionState::ready;
        Step step = Step::begin;
        FuncInst* func = nullptr;
        InstanceData* instance = nullptr;
    };
    [[nodiscard]] Saved saved() const noexcept { return {state_, next_, func_, instance_}; }
    /// One that does not run anything yet: its stack is still to be made. Errors as for `create`.
    [[nodiscard]] static std::expected<Ref<ExecutionObject>, Error> create(StoreImpl& store,
                                                                           const Saved& saved) noexcept;
    /// Takes the answer that a token has put down, as `resume` would; an error if it does not fit.
    [[nodiscard]] std::expected<void, Error> settle_answer() noexcept {
        const bool has_one = state_ == ExecutionState::host_call && cell_ && cell_->is_answered();
        return has_one ? take_answer() : std::expected<void, Error>{};
    }
    /// The frame of a host function that has been answered has results.
    void set_answered() noexcept;
    /// That of one whose answer is a trap has no values.
    void set_refused() noexcept;
    /// With `Step::trap`, the answer.
    [[nodiscard]] const Trap* answer() const noexcept {
        return next_ == Step::trap && trap_ ? &*trap_ : nullptr;
    }
    void set_answer(Trap trap) noexcept { trap_ = std::move(trap); }

private:
    /// `resume`, while somebody else keeps the object.
    [[nodiscard]] std::expected<ExecutionState, Error> go_on(const Budget& budget) noexcept;
    [[nodiscard]] Exit advance() noexcept;
    void settle(Exit exit) noexcept;
    [[nodiscard]] std::expected<void, Error> take_answer() noexcept;
    [[nodiscard]] Exit name_limit(Exit exit) noexcept;
    void drop_array() noexcept;
    void drop_cell() noexcept {
        if (cell_)
            std::exchange(cell_, nullptr)->drop();
    }

    [[nodiscard]] static std::expected<Ref<ExecutionObject>, Error>
    create(StoreImpl& store, FuncInst* func, const FuncType& type, std::span<const Value> args) noexcept;
    /// The one that the store keeps, or a new one; null when there is no memory.
    [[nodiscard]] static Ref<ExecutionObject> take(StoreImpl& store) noexcept;

    FuncInst* func_ = nullptr; ///< null for an instance without a start function
    InstanceData* instance_ = nullptr;
    Execution* execution_ = nullptr;
    GuestStack guest_stack_;
    Ref<AnswerCell> cell_; ///< while a call waits for which there are tokens
    ExecutionState state_ = ExecutionState::ready;
    Step next_ = Step::begin;
    bool dropped_ = false;     ///< while it ran
    std::optional<Trap> trap_; ///< that ended it, or that its host call is answered with
};

} // namespace warpbeam::vm
