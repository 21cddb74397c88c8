#pragma once

#include <warpbeam/build.hpp>

#include <mutex> // std::lock_guard and std::unique_lock need no threads
#if WARPBEAM_HOST_THREADS
#include <condition_variable>
#endif

/// @file
/// The locks of the library. In a build for one thread (`WARPBEAM_HOST_THREADS=0`) they do nothing, and need
/// neither std::mutex nor thread-local storage, which the platform may not have.

#if WARPBEAM_HOST_THREADS
#define WARPBEAM_THREAD_LOCAL thread_local
#else
#define WARPBEAM_THREAD_LOCAL
#endif

namespace warpbeam {

#if WARPBEAM_HOST_THREADS

/// A lock for std::lock_guard and std::unique_lock.
using Mutex = std::mutex;
/// What threads wait for.
using Condition = std::condition_variable;

#else

/// A lock for std::lock_guard and std::unique_lock.
class Mutex {
public:
    /// @{ Does nothing.
    void lock() noexcept {}
    void unlock() noexcept {}
    /// @}
};

/// Nothing can wait in such a build, since it has no shared memories.
class Condition {
public:
    /// @{ Does nothing.
    void wait(std::unique_lock<Mutex>&) noexcept {}
    template <typename Time>
    void wait_until(std::unique_lock<Mutex>&, const Time&) noexcept {}
    void notify_one() noexcept {}
    /// @}
};

#endif

} // namespace warpbeam
