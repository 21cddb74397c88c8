#pragma once

#include <warpbeam/build.hpp>

#include <atomic>

namespace warpbeam::vm {

/// A lock that takes a byte, for what is short; made for std::lock_guard. A signal handler may call
/// `try_lock` and `unlock`.
class FlagLock {
public:
    void lock() noexcept {
#if WARPBEAM_HOST_THREADS
        while (!try_lock())
            flag_.wait(true, std::memory_order_relaxed);
#else
        (void)try_lock(); // only signal handlers find it taken
#endif
    }
    [[nodiscard]] bool try_lock() noexcept { return !flag_.test_and_set(std::memory_order_seq_cst); }
    void unlock() noexcept {
        flag_.clear(std::memory_order_seq_cst);
#if WARPBEAM_HOST_THREADS
        flag_.notify_one();
#endif
    }

private:
    std::atomic_flag flag_ = ATOMIC_FLAG_INIT;
};

} // namespace warpbeam::vm
