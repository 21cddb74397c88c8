#pragma once

#include "isa/stop_table.hpp"

#include <warpbeam/memory/ref.hpp>
#include <warpbeam/memory/vec.hpp>

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
    [[nodiscard]] bool add(const Code& code, const void* owner) noexcept;
    /// All code of an owner, which then no longer runs.
    void remove(const void* owner) noexcept;

    /// A store is asked to stop. Lock-free: what another thread does at this moment, or the interrupted
    /// function of this thread, includes this request at its end.
    void request() noexcept;
    /// It has stopped, or need no longer stop.
    void withdraw() noexcept;

    /// The handler that belongs to a stop point.
    [[nodiscard]] Handler handler_at(const Instr* ip) noexcept;

private:
    struct Owned {
        const Code* code;
        const void* owner;
    };
    void lock() noexcept;
    [[nodiscard]] bool try_lock() noexcept { return !locked_.test_and_set(std::memory_order_seq_cst); }
    void unlock() noexcept;
    /// Changes the code to what the requests ask for, unless another does so.
    void settle() noexcept;

    std::atomic<uint64_t> requests_ = 0;
    std::atomic_flag locked_ = ATOMIC_FLAG_INIT;
    std::atomic<bool> are_set_ = false; ///< changed only with the lock, as what follows
    size_t sorted_ = 0;                 ///< how many of `codes_` are sorted by address
    Vec<Owned> codes_;
};

/// The handler at a stop point while there are requests.
[[nodiscard]] Handler stop_handler() noexcept;

} // namespace warpbeam::vm
