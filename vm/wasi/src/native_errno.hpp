#pragma once

#ifndef _WIN32

#include <warpbeam/wasi/file.hpp>

#include <cerrno>
#include <cstddef>
#include <sys/types.h>

/// The operating system's errors in WASI's terms.

namespace warpbeam::wasi {

[[nodiscard]] Errno to_errno(int error) noexcept;

/// What `errno` says, as the error of a Result.
[[nodiscard]] inline std::unexpected<Errno> last_error() noexcept { return std::unexpected{to_errno(errno)}; }

/// Repeats a system call that a signal interrupted; returns its result, or -1.
template <typename Call>
auto retried(Call call) noexcept {
    for (;;)
        if (const auto done = call(); done >= 0 || errno != EINTR)
            return done;
}

/// The same for one that returns a number of bytes.
template <typename Call>
Result<size_t> moved(Call call) noexcept {
    const ssize_t done = retried(call);
    if (done < 0)
        return last_error();
    return static_cast<size_t>(done);
}

/// The same for one that returns zero.
template <typename Call>
Result<> done(Call call) noexcept {
    if (retried(call) < 0)
        return last_error();
    return {};
}

} // namespace warpbeam::wasi

#endif
