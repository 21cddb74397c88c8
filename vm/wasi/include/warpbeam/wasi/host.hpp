#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/wasi/errno.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

namespace warpbeam::wasi {

/// The standard streams, numbered like their file descriptors.
enum class Stream : uint8_t { in, out, err };

/// https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#clockid
enum class Clock : uint8_t { realtime, monotonic, process_cpu, thread_cpu };

/// A program's access to the world. Derive from it to serve a program from elsewhere, or to watch it;
/// `native_host` is the current process. Thread-safety: a host shared by stores on different threads must be
/// thread-safe.
class Host {
public:
    virtual ~Host() = default;

    /// Reads from the stream `in`; waits until there is at least one byte. 0 is the end of the stream.
    [[nodiscard]] virtual std::expected<size_t, Errno> read(std::span<uint8_t> into) noexcept = 0;
    /// Writes to `out` or `err`; returns the number of bytes accepted.
    [[nodiscard]] virtual std::expected<size_t, Errno> write(Stream stream,
                                                             std::span<const uint8_t> bytes) noexcept = 0;
    /// Whether the stream is a terminal.
    [[nodiscard]] virtual bool is_terminal(Stream stream) const noexcept = 0;

    /// In nanoseconds: since 1970 for `realtime`, since some fixed moment for the others.
    [[nodiscard]] virtual std::expected<uint64_t, Errno> now(Clock clock) const noexcept = 0;
    /// The resolution in nanoseconds.
    [[nodiscard]] virtual std::expected<uint64_t, Errno> resolution(Clock clock) const noexcept = 0;
    /// Waits for that time, then returns.
    virtual void sleep(uint64_t nanoseconds) noexcept = 0;

    /// Fills `into` with unpredictable bytes.
    [[nodiscard]] virtual std::expected<void, Errno> random(std::span<uint8_t> into) noexcept = 0;
};

/// The streams, clocks and random numbers of this process. Thread-safe.
[[nodiscard]] WARPBEAM_API Host& native_host() noexcept;

} // namespace warpbeam::wasi
