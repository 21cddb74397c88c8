#pragma once

#include "isa/code_index.hpp"
#include "isa/flag_lock.hpp"
#include "isa/stop_table.hpp"

#include <warpbeam/memory/ref.hpp>

#include <atomic>

/// Interrupts that cost nothing until they come (Config::patched_interruption). Code has no checks; while any
/// store of an engine is asked to stop, the handlers of all stop points are replaced by one that checks.
/// Other threads may run that code meanwhile: they see the old handler or the new one, since the address is
/// written as a whole.

namespace warpbeam::vm {

/// The stop points of all code of an engine. Any thread may call its functions, and signal handlers
/// `request`.
class StopPoints : public RefCounted<StopPoints> {
public:
    explicit StopPoints(Allocator& allocator) noexcept : RefCounted{allocator}, codes_{allocator} {}

    /// Code that may run from now on; false if memory runs out.
    [[nodiscard]] bool add(const Code& code) noexcept;
    /// This code no longer runs.
    void remove(CodeIndex& codes) noexcept;

    /// A store is asked to stop. Lock-free: what another thread does at this moment, or the interrupted
    /// function of this thread, includes this request at its end.
    void request() noexcept;
    /// It has stopped, or need no longer stop.
    void withdraw() noexcept;

    /// The handler that belongs to a stop point.
    [[nodiscard]] Handler handler_at(const Instr* ip) noexcept;

    /// @{ For std::lock_guard; nothing else locks it. `unlock` does what was asked for meanwhile.
    void lock() noexcept { lock_.lock(); }
    void unlock() noexcept {
        lock_.unlock();
        settle();
    }
    /// @}

private:
    /// Changes the code to what the requests ask for, unless another does so.
    void settle() noexcept;

    std::atomic<uint64_t> requests_ = 0;
    FlagLock lock_;
    std::atomic<bool> are_set_ = false; ///< changed only with the lock, as what follows
    CodeIndex codes_;
};

/// The handler at a stop point while there are requests.
[[nodiscard]] Handler stop_handler() noexcept;

} // namespace warpbeam::vm
