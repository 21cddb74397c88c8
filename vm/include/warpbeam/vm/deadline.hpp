#pragma once

#include <warpbeam/vm/execution.hpp>

#include <chrono>

/// @file
/// Slices of an Execution that end at a point in time. Config::interruption must be set.

namespace warpbeam {

/// A timer of the embedder. Thread-safety: functions are called by the thread that uses the store.
class DeadlineTimer {
public:
    /// Calls `handle.interrupt()` at that time, in any thread or in a signal handler, unless `disarm` is
    /// called before. A call that is late does no harm.
    virtual void arm(std::chrono::steady_clock::time_point when, const InterruptHandle& handle) noexcept = 0;
    /// What was armed last is not needed any more.
    virtual void disarm() noexcept = 0;

protected:
    ~DeadlineTimer() = default;
};

/// Resumes an execution of the store until `when` at the latest: it is then `interrupted`, and can go on. An
/// interrupt from elsewhere that comes between two of these slices stops the next one.
/// Errors: those of Execution::resume. Thread-safety: that of the store.
[[nodiscard]] inline std::expected<ExecutionState, Error>
resume_until(Execution& execution, Store& store, DeadlineTimer& timer,
             std::chrono::steady_clock::time_point when, const Budget& budget = {}) noexcept {
    timer.arm(when, store.next_interrupt_handle());
    auto state = execution.resume(budget);
    timer.disarm();
    (void)store.next_interrupt_handle(); // the timer may be late
    return state;
}

} // namespace warpbeam
