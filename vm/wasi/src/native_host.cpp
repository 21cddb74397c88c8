#include <warpbeam/wasi/host.hpp>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <sys/random.h>
#include <unistd.h>

namespace warpbeam::wasi {

namespace {

constexpr uint64_t nanoseconds_per_second = 1'000'000'000;

Errno last_error() noexcept {
    switch (errno) {
    case EAGAIN:
        return Errno::again;
    case EBADF:
        return Errno::badf;
    case EINVAL:
        return Errno::inval;
    case ENOSPC:
        return Errno::nospc;
    case EPIPE:
        return Errno::pipe;
    default:
        return Errno::io;
    }
}

/// Repeats a system call that was interrupted by a signal.
template <typename Call>
std::expected<size_t, Errno> retried(Call call) noexcept {
    for (;;) {
        const ssize_t done = call();
        if (done >= 0)
            return static_cast<size_t>(done);
        if (errno != EINTR)
            return std::unexpected{last_error()};
    }
}

clockid_t native_clock(Clock clock) noexcept {
    switch (clock) {
    case Clock::realtime:
        return CLOCK_REALTIME;
    case Clock::monotonic:
        return CLOCK_MONOTONIC;
    case Clock::process_cpu:
        return CLOCK_PROCESS_CPUTIME_ID;
    case Clock::thread_cpu:
        return CLOCK_THREAD_CPUTIME_ID;
    }
    return CLOCK_MONOTONIC;
}

/// The result of clock_gettime or clock_getres, in nanoseconds.
template <typename Call>
std::expected<uint64_t, Errno> clock_value(Call call, Clock clock) noexcept {
    timespec time{};
    if (call(native_clock(clock), &time) != 0)
        return std::unexpected{last_error()};
    return static_cast<uint64_t>(time.tv_sec) * nanoseconds_per_second + static_cast<uint64_t>(time.tv_nsec);
}

class NativeHost final : public Host {
public:
    std::expected<size_t, Errno> read(std::span<uint8_t> into) noexcept override {
        return retried([&] { return ::read(STDIN_FILENO, into.data(), into.size()); });
    }
    std::expected<size_t, Errno> write(Stream stream, std::span<const uint8_t> bytes) noexcept override {
        return retried([&] { return ::write(static_cast<int>(stream), bytes.data(), bytes.size()); });
    }
    bool is_terminal(Stream stream) const noexcept override {
        return ::isatty(static_cast<int>(stream)) == 1;
    }

    std::expected<uint64_t, Errno> now(Clock clock) const noexcept override {
        return clock_value(::clock_gettime, clock);
    }
    std::expected<uint64_t, Errno> resolution(Clock clock) const noexcept override {
        return clock_value(::clock_getres, clock);
    }
    void sleep(uint64_t nanoseconds) noexcept override {
        timespec left{static_cast<time_t>(nanoseconds / nanoseconds_per_second),
                      static_cast<long>(nanoseconds % nanoseconds_per_second)};
        while (::clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
        }
    }

    std::expected<void, Errno> random(std::span<uint8_t> into) noexcept override {
        constexpr size_t max_at_once = 256; // the limit of getentropy
        while (!into.empty()) {
            const size_t size = std::min(into.size(), max_at_once);
            if (::getentropy(into.data(), size) != 0)
                return std::unexpected{last_error()};
            into = into.subspan(size);
        }
        return {};
    }
};

} // namespace

Host& native_host() noexcept {
    static NativeHost host;
    return host;
}

} // namespace warpbeam::wasi
