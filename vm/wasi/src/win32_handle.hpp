#pragma once

#ifdef _WIN32

#include <warpbeam/wasi/file.hpp>

#include <utility>
#ifndef NOMINMAX
#define NOMINMAX
#endif
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

/// What the files, directories and streams of Windows have in common.

namespace warpbeam::wasi {

/// Owns a handle, or a descriptor of the C library with its handle.
class Handle {
public:
    explicit Handle(HANDLE handle) noexcept : handle_{handle} {}
    /// Precondition: the descriptor is one of the process.
    Handle(HANDLE handle, int descriptor) noexcept : handle_{handle}, descriptor_{descriptor} {}
    Handle(Handle&& other) noexcept
        : handle_{std::exchange(other.handle_, INVALID_HANDLE_VALUE)},
          descriptor_{std::exchange(other.descriptor_, -1)} {}
    Handle& operator=(Handle&&) = delete;
    ~Handle();
    [[nodiscard]] HANDLE get() const noexcept { return handle_; }
    /// -1 if it is only a handle.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

private:
    HANDLE handle_;
    int descriptor_ = -1;
};

/// The system's error in WASI's terms.
[[nodiscard]] Errno to_errno(DWORD error) noexcept;
/// What GetLastError says, as the error of a Result.
[[nodiscard]] inline std::unexpected<Errno> last_error() noexcept {
    return std::unexpected{to_errno(GetLastError())};
}
/// The outcome of a function that returns 0 if it fails.
[[nodiscard]] inline Result<> done(BOOL succeeded) noexcept {
    return succeeded != 0 ? Result<>{} : last_error();
}

/// A time in nanoseconds since 1970; 0 if it is earlier.
[[nodiscard]] uint64_t from_filetime(uint64_t time) noexcept;
[[nodiscard]] inline uint64_t to_number(const FILETIME& time) noexcept {
    return uint64_t{time.dwHighDateTime} << 32 | time.dwLowDateTime;
}

/// The handle of a descriptor of the C library; INVALID_HANDLE_VALUE if it has none.
[[nodiscard]] HANDLE handle_of(int descriptor) noexcept;
[[nodiscard]] Result<Filestat> stat_of(HANDLE handle) noexcept;
/// Precondition: the handle may write attributes.
[[nodiscard]] Result<> set_times_of(HANDLE handle, const NewTimes& times) noexcept;
/// Waits until what was written is on the medium. Does nothing for a handle that may only read.
[[nodiscard]] Result<> sync_of(HANDLE handle) noexcept;

/// Reads from a stream; 0 at the end.
[[nodiscard]] Result<size_t> read_from(HANDLE handle, std::span<uint8_t> into) noexcept;
[[nodiscard]] Result<size_t> write_to(HANDLE handle, std::span<const uint8_t> bytes) noexcept;
/// Whether a stream can be read without waiting; the system doesn't tell whether it can be written, so it
/// always seems so.
[[nodiscard]] Result<Ready> ready_of(HANDLE handle, Readiness which) noexcept;

/// A file or stream, anything but a directory. Errors: `nomem`.
[[nodiscard]] Result<Ref<File>> adopt_handle(Handle handle, Allocator& allocator) noexcept;
/// A directory. Errors: `nomem`.
[[nodiscard]] Result<Ref<Directory>> adopt_directory(Handle handle, Allocator& allocator) noexcept;

} // namespace warpbeam::wasi

#endif
