#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/wasi/file.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

namespace warpbeam::wasi {

/// The standard streams, numbered like their file descriptors.
enum class Stream : uint8_t { in, out, err };

/// The clocks. https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#clockid
enum class Clock : uint8_t { realtime, monotonic, process_cpu, thread_cpu };

/// A stream of the operating system, and what it is to be ready for.
struct WaitFor {
    int descriptor;  ///< of the operating system
    Readiness which; ///< reading or writing
};
/// Whether a wait is to end. Valid during the call that gets it.
struct InterruptCheck {
    bool (*function)(const void* object) noexcept; ///< what is asked
    const void* object;                            ///< and of whom
    /// Asks.
    bool operator()() const noexcept { return function(object); }
};

/// A program's access to its environment. Derive from it to give a program other streams, clocks or random
/// numbers than those of the current process (`native_host`), or to observe it.
/// Thread-safety: a host shared by stores in different threads must be thread-safe.
class Host {
public:
    virtual ~Host() = default;

    /// Reads from the stream `in`; waits until there is at least one byte (the library asks whether it is
    /// `ready` before). Returns the number of bytes read, or 0 at the end of the stream.
    [[nodiscard]] virtual std::expected<size_t, Errno> read(std::span<uint8_t> into) noexcept = 0;
    /// Writes to `out` or `err`; returns the number of bytes written.
    [[nodiscard]] virtual std::expected<size_t, Errno> write(Stream stream,
                                                             std::span<const uint8_t> bytes) noexcept = 0;
    /// Whether the stream is a terminal.
    [[nodiscard]] virtual bool is_terminal(Stream stream) const noexcept = 0;
    /// The attributes of the stream; unless overridden, only whether it is a terminal.
    [[nodiscard]] virtual Result<Filestat> stat(Stream stream) const noexcept;
    /// Whether reading or writing would do something at once; always, unless overridden.
    [[nodiscard]] virtual Result<Ready> ready(Stream stream, Readiness which) noexcept;
    /// See File::native_descriptor.
    [[nodiscard]] virtual int native_descriptor(Stream stream) const noexcept;

    /// The time in nanoseconds: since 1970 for `realtime`, since some fixed moment for the others. What waits
    /// for some time on either of the first two counts it by `monotonic`, unless that is an error: it must
    /// advance.
    [[nodiscard]] virtual std::expected<uint64_t, Errno> now(Clock clock) const noexcept = 0;
    /// The clock's resolution in nanoseconds.
    [[nodiscard]] virtual std::expected<uint64_t, Errno> resolution(Clock clock) const noexcept = 0;
    /// Waits for that time.
    virtual void sleep(uint64_t nanoseconds) noexcept = 0;
    /// Waits until one of the streams is ready, or the time is over (UINT64_MAX: never), or `is_interrupted`
    /// says so, which is asked at least every 10 ms. It may also end for no reason. Unless overridden, it
    /// waits for streams as `native_host` does, and sleeps for the whole time if there are none.
    virtual void wait(std::span<const WaitFor> streams, uint64_t nanoseconds,
                      const InterruptCheck& is_interrupted) noexcept;

    /// Fills `into` with unpredictable bytes.
    [[nodiscard]] virtual std::expected<void, Errno> random(std::span<uint8_t> into) noexcept = 0;
    /// Whether `random` may be called for gigabytes, which takes seconds; always, unless overridden. If not,
    /// an Execution stops as if it had to wait for no time (Context::set_suspends), and asks again when it
    /// goes on: on a thread that has time.
    [[nodiscard]] virtual bool has_time() noexcept { return true; }
};

/// The streams, clocks and random numbers of this process. A closed pipe is the error `pipe`, never a signal.
/// Thread-safe.
[[nodiscard]] WARPBEAM_API Host& native_host() noexcept;

} // namespace warpbeam::wasi
