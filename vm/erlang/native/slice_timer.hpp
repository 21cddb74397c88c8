#pragma once

#include <warpbeam/vm/store.hpp>

#include <chrono>

/// Fuel bounds how many instructions a slice executes, but one of them may take long: an array of millions of
/// elements, or a collection of a large heap. So a thread interrupts slices that take too long; they go on in
/// the next one. It starts when it is needed first, and sleeps while nothing runs.

namespace warpbeam::erlang {

/// While it lives, what runs in the store is interrupted after a millisecond or two.
class SliceTimer {
public:
    explicit SliceTimer(Store& store) noexcept;
    /// Withdraws an interrupt that came too late, but none that others have asked for.
    ~SliceTimer();
    SliceTimer(const SliceTimer&) = delete;
    SliceTimer& operator=(const SliceTimer&) = delete;

private:
    friend class SliceClock;
    Store& store_;
    const InterruptHandle handle_;
    /// Only schedulers can read the clock of the runtime system.
    const std::chrono::steady_clock::time_point begin_;
    bool is_over_ = false; ///< it was interrupted
    /// @{ In the list of those that live.
    SliceTimer* previous_ = nullptr;
    SliceTimer* next_ = nullptr;
    /// @}
};

/// Ends the thread, when the library is unloaded.
void stop_slice_clock() noexcept;

} // namespace warpbeam::erlang
