#pragma once

#ifndef _WIN32

#include "native_errno.hpp"

#include <algorithm>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/// Calls of Linux that macOS lacks, and what stands for them there. What is for macOS is written by its
/// documentation, and not tested.

namespace warpbeam::wasi {

#ifdef __linux__

/// How a directory is opened in order to go on from there.
inline constexpr int search_only = O_PATH;
/// The flag with which `send` to a closed connection raises no signal.
inline constexpr int no_signal = MSG_NOSIGNAL;

inline int sync_data(int file) noexcept { return ::fdatasync(file); }
/// Returns an errno.
inline int allocate_range(int file, off_t offset, off_t size) noexcept {
    return ::posix_fallocate(file, offset, size);
}
/// The connection does not wait, and is closed by exec.
inline int accept_connection(int listener) noexcept {
    return ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
}
/// Takes a signal of this set away, which is blocked, if there is one.
inline void take_pending(const sigset_t& signals) noexcept {
    const timespec at_once{};
    (void)retried([&] { return ::sigtimedwait(&signals, nullptr, &at_once); });
}
inline void sleep_for(timespec left) noexcept {
    while (::clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
    }
}
inline int poll_for(pollfd* entries, size_t count, const timespec& time) noexcept {
    return ::ppoll(entries, count, &time, nullptr);
}
inline const timespec& accessed(const struct stat& status) noexcept { return status.st_atim; }
inline const timespec& modified(const struct stat& status) noexcept { return status.st_mtim; }
inline const timespec& changed(const struct stat& status) noexcept { return status.st_ctim; }

#else

#ifdef O_SEARCH
inline constexpr int search_only = O_SEARCH;
#else
inline constexpr int search_only = O_RDONLY;
#endif
inline constexpr int no_signal = 0; // there is no such flag

inline int sync_data(int file) noexcept { return ::fsync(file); }
/// Makes the file longer; room on the medium is found when it is written.
inline int allocate_range(int file, off_t offset, off_t size) noexcept {
    struct stat status{};
    if (size > INT64_MAX - offset)
        return EFBIG;
    if (::fstat(file, &status) != 0)
        return errno;
    return status.st_size >= offset + size || ::ftruncate(file, offset + size) == 0 ? 0 : errno;
}
inline int accept_connection(int listener) noexcept {
    const int accepted = ::accept(listener, nullptr, nullptr);
    if (accepted < 0)
        return accepted;
    (void)::fcntl(accepted, F_SETFD, FD_CLOEXEC);
    (void)::fcntl(accepted, F_SETFL, O_NONBLOCK);
    return accepted;
}
inline void take_pending(const sigset_t& signals) noexcept {
    sigset_t pending;
    int taken = 0;
    if (::sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1)
        (void)::sigwait(&signals, &taken);
}
inline void sleep_for(timespec left) noexcept {
    while (::nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}
inline int poll_for(pollfd* entries, size_t count, const timespec& time) noexcept {
    return ::poll(entries, static_cast<nfds_t>(count),
                  static_cast<int>(time.tv_sec * 1000 + (time.tv_nsec + 999'999) / 1'000'000));
}
#ifdef __APPLE__
inline const timespec& accessed(const struct stat& status) noexcept { return status.st_atimespec; }
inline const timespec& modified(const struct stat& status) noexcept { return status.st_mtimespec; }
inline const timespec& changed(const struct stat& status) noexcept { return status.st_ctimespec; }
#else
inline const timespec& accessed(const struct stat& status) noexcept { return status.st_atim; }
inline const timespec& modified(const struct stat& status) noexcept { return status.st_mtim; }
inline const timespec& changed(const struct stat& status) noexcept { return status.st_ctim; }
#endif

#endif

} // namespace warpbeam::wasi

#endif
