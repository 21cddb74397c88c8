#pragma once

#include "handlers/continuation.hpp"
#include "handlers/fuel.hpp"
#include "handlers/stop_points.hpp"
#include "store/native_stack.hpp"

#include <warpbeam/memory/ref.hpp>
#include <warpbeam/vm/engine.hpp>
#include <warpbeam/vm/trap.hpp>
#include <warpbeam/vm/value.hpp>

#include <utility>

namespace warpbeam {

/// What an InterruptHandle keeps alive beyond the end of its store.
struct InterruptTarget : RefCounted<InterruptTarget>, vm::InterruptRequest {
    InterruptTarget(Allocator& allocator, Ref<vm::StopPoints> points) noexcept
        : RefCounted{allocator}, InterruptRequest{.stop_points = points.get()}, kept_{std::move(points)} {}

    /// To be called after a change of the word, with its bits before and after.
    void changed(uint64_t before, uint64_t after) const noexcept {
        if (stop_points == nullptr)
            return;
        const bool was = (before & requested) != 0;
        const bool is = (after & requested) != 0;
        if (is && !was)
            stop_points->request();
        else if (was && !is)
            stop_points->withdraw();
    }

private:
    Ref<vm::StopPoints> kept_;
};

namespace vm {

class AnswerCell;
class GuestStack;

/// What keeps an execution while it does not run. Hosts that use none don't link its implementation.
class ExecutionOwner {
public:
    /// The store ends, and frees the execution.
    virtual void forget() noexcept = 0;
    /// The values for it that another thread has put down, which the collector is to see.
    [[nodiscard]] virtual std::span<const Value> answered() const noexcept = 0;
    /// The C frames that it has in linear memory.
    [[nodiscard]] virtual const GuestStack& guest_stack() const noexcept = 0;
    /// For a host function of this type that runs: where the answer to its call is put down, if it returns
    /// "later". Null when there is no memory. With `first`, what an earlier host function has asked for is
    /// void, since that has returned.
    [[nodiscard]] virtual Ref<AnswerCell>
    cell_of_call(const FuncType& type, bool first, void (*dropped)(void*) noexcept, void* data) noexcept = 0;
    /// For one without an execution, which the store keeps for the next: it is not needed any more.
    virtual void release_spare() noexcept = 0;

protected:
    ~ExecutionOwner() = default;
};

/// Fuel as the host counts it, and as code does.
[[nodiscard]] constexpr int64_t to_fuel(uint64_t units) noexcept {
    return static_cast<int64_t>(std::min<uint64_t>(units, INT64_MAX / 2 / fuel_unit)) * fuel_unit;
}
[[nodiscard]] constexpr uint64_t to_units(int64_t fuel) noexcept {
    return static_cast<uint64_t>(std::max<int64_t>(fuel, 0) / fuel_unit);
}

/// The bytes of a stack.
[[nodiscard]] inline size_t block_size(const StackState& state) noexcept {
    return static_cast<size_t>(reinterpret_cast<char*>(state.stack_end) -
                               reinterpret_cast<char*>(state.stack));
}
/// The bytes to which a stack may grow.
[[nodiscard]] size_t max_block(const Execution& execution) noexcept;
/// Gives back the running continuations of an execution up to `end`, whose stack it then has. Null: its own.
void leave_continuations(Execution& execution, Continuation* end) noexcept;
/// Whether the stack has room for a first frame of `slots` slots.
[[nodiscard]] inline bool has_room(const Execution& execution, size_t slots) noexcept {
    return slots <= (block_size(execution) - call_records * sizeof(Record)) / sizeof(Slot);
}

/// The executions of a store. At most one runs. If it was started by a host function, the execution that
/// called that function is below it in a list, and so on. Each has its own stack, so that a stack can move
/// when it grows.
class Stacks {
public:
    Stacks(StoreImpl& owner, const Engine& engine, Ref<InterruptTarget> target) noexcept;
    Stacks(const Stacks&) = delete;
    Stacks& operator=(const Stacks&) = delete;
    ~Stacks();

    [[nodiscard]] const Ref<InterruptTarget>& interrupt_target() const noexcept { return target_; }

    /// The innermost execution; null while no code of the store runs.
    [[nodiscard]] Execution* running() const noexcept { return running_; }
    /// A fresh execution, which then runs, with room for `slots` values at the beginning of its stack; null
    /// when there is no memory, or calls nest too deep: `failure` is why.
    [[nodiscard]] Execution* begin(size_t slots, TrapCode& failure) noexcept {
        Execution* const execution = idle_;
        if (execution == nullptr || running_ != nullptr || !has_room(*execution, slots) || max_depth_ == 0 ||
            !has_native_stack(native_stack_reserve_)) [[unlikely]]
            return begin_slowly(slots, failure);
        idle_ = execution->outer;
        --idle_count_;
        execution->max_stack = max_stack_;
        execution->fuel = fuel_;
        execution->outer = nullptr;
        running_ = execution;
        return execution;
    }
    /// Ends the running execution; the one below it continues.
    void end() noexcept {
        Execution& execution = *running_;
        running_ = execution.outer;
        fuel() = execution.fuel;
        put_back(execution);
    }

    /// The same for executions that an ExecutionOwner keeps. They have their own fuel. `failure` may be
    /// `limit`.
    [[nodiscard]] Execution* take_owned(size_t slots, TrapCode& failure) noexcept;
    /// The same for one that then runs, if nothing else does, and if there is one with its owner from before.
    [[nodiscard]] Execution* begin_owned(size_t slots) noexcept {
        Execution* const execution = idle_;
        if (execution == nullptr || spare_ == nullptr || running_ != nullptr ||
            !has_room(*execution, slots) || max_depth_ == 0 || !has_native_stack(native_stack_reserve_))
            [[unlikely]]
            return nullptr;
        idle_ = execution->outer;
        --idle_count_;
        execution->max_stack = max_stack_;
        execution->owner = take_spare();
        execution->outer = nullptr;
        execution->inst = nullptr;
        execution->may_suspend = execution->is_running = true;
        running_ = execution;
        return execution;
    }
    /// It does not run after all.
    void end_owned() noexcept {
        Execution& execution = *running_;
        leave();
        keep_spare(*execution.owner);
        put_back(execution);
    }
    void add(Execution& execution, ExecutionOwner& owner) noexcept;
    void remove(Execution& execution) noexcept;
    /// @{ The object of an execution that has ended is kept for the next one. Null: there is none.
    [[nodiscard]] ExecutionOwner* take_spare() noexcept { return std::exchange(spare_, nullptr); }
    /// Releases the object if there is one already.
    void keep_spare(ExecutionOwner& owner) noexcept {
        if (spare_ != nullptr)
            owner.release_spare();
        else
            spare_ = &owner;
    }
    /// @}
    /// Frees the arrays that executions are making (Execution::array).
    void drop_unfinished() noexcept;
    template <typename Predicate>
    [[nodiscard]] bool any_owned(Predicate predicate) const noexcept {
        for (const Execution* execution = owned_; execution != nullptr; execution = execution->next)
            if (predicate(*execution->owner))
                return true;
        return false;
    }
    /// The last one that was added, from which `next` leads to the others.
    [[nodiscard]] const Execution* owned() const noexcept { return owned_; }
    /// Keeps or frees one that has ended, or did not begin.
    void put_back(Execution& execution) noexcept {
        execution.has_values = false;
        execution.may_suspend = false;
        execution.calls_again = false;
        execution.collection = 0;
        if (idle_ != nullptr) [[unlikely]]
            return put_back_slowly(execution);
        keep_idle(execution);
    }
    [[nodiscard]] bool enter(Execution& execution, TrapCode& failure) noexcept;
    void leave() noexcept {
        running_->is_running = false;
        running_ = running_->outer;
    }

    /// Whether an interrupt is to stop what runs next.
    [[nodiscard]] bool is_interrupted() const noexcept {
        return engine_.config().interruption && target_->is_made();
    }
    /// Of all executions that run, in bytes.
    [[nodiscard]] size_t max_stack() const noexcept { return max_stack_; }
    /// Config::fuel.
    [[nodiscard]] bool has_fuel() const noexcept { return has_fuel_; }
    /// An interrupt has had its effect.
    void clear_request() noexcept {
        target_->changed(target_->word.fetch_and(~InterruptRequest::bits, std::memory_order_relaxed), 0);
    }

    /// From now on no code may run, since the store is being destroyed: `begin` fails with `usage`.
    void close() noexcept {
        closed_ = true;
        max_depth_ = 0;
    }
    /// What is left of the fuel, in the unit of handlers/fuel.hpp.
    [[nodiscard]] int64_t& fuel() noexcept { return running_ != nullptr ? running_->fuel : fuel_; }

    /// Calls `visit(const Execution&)` for each execution that has begun.
    template <typename Visit>
    void visit_running(Visit visit) const noexcept {
        for (const Execution* execution = running_; execution != nullptr; execution = execution->outer)
            visit(*execution);
    }
    /// The same, and for each that is owned.
    template <typename Visit>
    void visit_all(Visit visit) const noexcept {
        visit_running(visit);
        for (const Execution* execution = owned_; execution != nullptr; execution = execution->next)
            if (!execution->is_running)
                visit(*execution);
    }

    // Continuations, in continuations.cpp
    [[nodiscard]] Exit make_continuation(FuncInst& func, ContObject& object) noexcept;
    void free_continuation(Continuation& continuation) noexcept;
    /// Frees those whose object is not marked; returns how many are left.
    [[nodiscard]] uint64_t sweep_continuations(Heap& heap) noexcept;

private:
    void keep_idle(Execution& execution) noexcept {
        execution.outer = idle_;
        idle_ = &execution;
        ++idle_count_;
    }
    /// Whether calls of the host may nest once more; if not, `failure` says why.
    [[nodiscard]] bool may_nest(TrapCode& failure) const noexcept;
    [[nodiscard]] Execution* begin_slowly(size_t slots, TrapCode& failure) noexcept;
    void put_back_slowly(Execution& execution) noexcept;
    [[nodiscard]] Execution* create() noexcept;
    [[nodiscard]] Execution* take(size_t slots, size_t max_stack, TrapCode& failure) noexcept;
    void destroy(Execution* execution) noexcept;

    StoreImpl& owner_;
    const Engine& engine_;
    Ref<InterruptTarget> target_;
    const size_t max_stack_;
    uint32_t max_depth_;
    bool closed_ = false;
    const bool has_fuel_;
    const int64_t native_stack_reserve_;
    int64_t fuel_; ///< while none runs
    Execution* running_ = nullptr;
    Execution* owned_ = nullptr; ///< linked by `next`
    Execution* idle_ = nullptr;  ///< for the next ones, linked by `outer`
    ExecutionOwner* spare_ = nullptr;
    unsigned idle_count_ = 0;
    Continuation* continuations_ = nullptr; ///< all, linked by `next`
};

} // namespace vm
} // namespace warpbeam
