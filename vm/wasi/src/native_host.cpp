#include "native_calls.hpp"
#include "native_file.hpp"

#ifndef _WIN32

#include <warpbeam/wasi/host.hpp>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <poll.h>
#include <sys/random.h>
#include <unistd.h>

namespace warpbeam::wasi {

namespace {

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
        return last_error();
    return static_cast<uint64_t>(time.tv_sec) * nanoseconds_per_second + static_cast<uint64_t>(time.tv_nsec);
}

class NativeHost final : public Host {
public:
    std::expected<size_t, Errno> read(std::span<uint8_t> into) noexcept override {
        return moved([&] { return ::read(STDIN_FILENO, into.data(), into.size()); });
    }
    std::expected<size_t, Errno> write(Stream stream, std::span<const uint8_t> bytes) noexcept override {
        if (!ignores_signal())
            return write_without_signal(static_cast<int>(stream), bytes);
        return moved([&] { return ::write(static_cast<int>(stream), bytes.data(), bytes.size()); });
    }
    Result<Filestat> stat(Stream stream) const noexcept override {
        struct stat status{};
        if (::fstat(static_cast<int>(stream), &status) != 0)
            return last_error();
        return to_filestat(status);
    }
    Result<Ready> ready(Stream stream, Readiness which) noexcept override {
        return native_ready(static_cast<int>(stream), which);
    }
    int native_descriptor(Stream stream) const noexcept override { return static_cast<int>(stream); }
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
        sleep_for({static_cast<time_t>(nanoseconds / nanoseconds_per_second),
                   static_cast<long>(nanoseconds % nanoseconds_per_second)});
    }
    void wait(std::span<const WaitFor> streams, uint64_t nanoseconds,
              const InterruptCheck& is_interrupted) noexcept override {
        constexpr size_t max_streams = 512; // more are looked at in turns, each for a part of the time
        pollfd entries[max_streams];
        const size_t turns = std::max<size_t>((streams.size() + max_streams - 1) / max_streams, 1);
        const uint64_t longest = longest_wait / std::min<size_t>(turns, max_turns);
        const uint64_t end = add_time(now(Clock::monotonic).value_or(0), nanoseconds);
        for (size_t first = 0; !is_interrupted(); first += max_streams) {
            if (first >= streams.size())
                first = 0;
            const auto some = streams.subspan(first, std::min(max_streams, streams.size() - first));
            for (size_t i = 0; i < some.size(); ++i)
                entries[i] = {some[i].descriptor,
                              static_cast<short>(some[i].which == Readiness::read ? POLLIN : POLLOUT), 0};
            const uint64_t time = now(Clock::monotonic).value_or(end);
            if (time >= end)
                return;
            const uint64_t part = std::min(end - time, longest);
            const timespec timeout{0, static_cast<long>(part)};
            if (poll_for(entries, some.size(), timeout) > 0)
                return;
        }
    }

    std::expected<void, Errno> random(std::span<uint8_t> into) noexcept override {
        constexpr size_t max_at_once = 256; // the limit of getentropy
        while (!into.empty()) {
            const size_t size = std::min(into.size(), max_at_once);
            if (::getentropy(into.data(), size) != 0)
                return last_error();
            into = into.subspan(size);
        }
        return {};
    }

private:
    /// After that time, an interrupt is noticed.
    static constexpr uint64_t longest_wait = 10'000'000;
    /// So often that time is divided: more would use the processor for nothing.
    static constexpr size_t max_turns = 10;
    static uint64_t add_time(uint64_t time, uint64_t more) noexcept {
        return more > UINT64_MAX - time ? UINT64_MAX : time + more;
    }
    /// Whether the process ignores SIGPIPE, and so needs no protection from it. Asked for each write, since
    /// it may change that at any time; that is one system call instead of two.
    static bool ignores_signal() noexcept {
        struct sigaction action{};
        return ::sigaction(SIGPIPE, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
    }
};

} // namespace

Host& native_host() noexcept {
    static NativeHost host;
    return host;
}

} // namespace warpbeam::wasi

#endif
