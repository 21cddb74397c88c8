#include "win32_handle.hpp"

#ifdef _WIN32

#include <warpbeam/wasi/host.hpp>

#include <algorithm>

// After windows.h, which it needs.
#include <ntsecapi.h>

namespace warpbeam::wasi {

namespace {

constexpr uint64_t second = 1'000'000'000;
constexpr uint64_t millisecond = 1'000'000;

/// The ticks of the monotonic clock in a second.
uint64_t frequency() noexcept {
    static const uint64_t value = [] {
        LARGE_INTEGER result{};
        return QueryPerformanceFrequency(&result) != 0 ? static_cast<uint64_t>(result.QuadPart) : 1;
    }();
    return value;
}

uint64_t monotonic() noexcept {
    LARGE_INTEGER ticks{};
    (void)QueryPerformanceCounter(&ticks);
    const auto count = static_cast<uint64_t>(ticks.QuadPart);
    return count / frequency() * second + count % frequency() * second / frequency();
}

class NativeHost final : public Host {
public:
    std::expected<size_t, Errno> read(std::span<uint8_t> into) noexcept override {
        return read_from(handle_of(0), into);
    }
    std::expected<size_t, Errno> write(Stream stream, std::span<const uint8_t> bytes) noexcept override {
        return write_to(handle_of(static_cast<int>(stream)), bytes);
    }
    Result<Filestat> stat(Stream stream) const noexcept override {
        return stat_of(handle_of(static_cast<int>(stream)));
    }
    Result<Ready> ready(Stream stream, Readiness which) noexcept override {
        return ready_of(handle_of(static_cast<int>(stream)), which);
    }
    int native_descriptor(Stream stream) const noexcept override { return static_cast<int>(stream); }
    bool is_terminal(Stream stream) const noexcept override {
        DWORD mode = 0;
        return GetConsoleMode(handle_of(static_cast<int>(stream)), &mode) != 0;
    }

    std::expected<uint64_t, Errno> now(Clock clock) const noexcept override {
        FILETIME begin{};
        FILETIME end{};
        FILETIME kernel{};
        FILETIME user{};
        switch (clock) {
        case Clock::realtime:
            GetSystemTimePreciseAsFileTime(&user);
            return from_filetime(to_number(user));
        case Clock::monotonic:
            return monotonic();
        case Clock::process_cpu:
            if (GetProcessTimes(GetCurrentProcess(), &begin, &end, &kernel, &user) == 0)
                return last_error();
            break;
        case Clock::thread_cpu:
            if (GetThreadTimes(GetCurrentThread(), &begin, &end, &kernel, &user) == 0)
                return last_error();
            break;
        }
        return (to_number(kernel) + to_number(user)) * 100;
    }
    std::expected<uint64_t, Errno> resolution(Clock clock) const noexcept override {
        return clock == Clock::monotonic ? std::max<uint64_t>(second / frequency(), 1) : 100;
    }
    void sleep(uint64_t nanoseconds) noexcept override {
        constexpr uint64_t longest = 1 << 30;
        uint64_t left = nanoseconds / millisecond + (nanoseconds % millisecond != 0);
        for (; left > longest; left -= longest)
            Sleep(static_cast<DWORD>(longest));
        Sleep(static_cast<DWORD>(left));
    }
    /// Pipes and consoles have nothing to wait for together, so they are looked at again and again.
    void wait(std::span<const WaitFor> streams, uint64_t nanoseconds,
              const InterruptCheck& is_interrupted) noexcept override {
        const uint64_t begin = monotonic();
        DWORD pause = streams.empty() ? longest_pause : 0;
        while (!is_interrupted()) {
            for (const WaitFor& stream : streams)
                if (const auto ready = ready_of(handle_of(stream.descriptor), stream.which);
                    !ready || ready->now)
                    return;
            const uint64_t waited = monotonic() - begin;
            if (waited >= nanoseconds)
                return;
            const uint64_t left = (nanoseconds - waited) / millisecond + 1;
            Sleep(static_cast<DWORD>(std::min<uint64_t>(left, pause)));
            pause = std::min(pause + 1, longest_pause);
        }
    }

    std::expected<void, Errno> random(std::span<uint8_t> into) noexcept override {
        while (!into.empty()) {
            const auto size = static_cast<ULONG>(std::min<size_t>(into.size(), 1 << 20));
            if (RtlGenRandom(into.data(), size) == 0)
                return std::unexpected{Errno::io};
            into = into.subspan(size);
        }
        return {};
    }

private:
    /// In milliseconds. After that time, an interrupt is noticed.
    static constexpr DWORD longest_pause = 10;
};

} // namespace

Host& native_host() noexcept {
    static NativeHost host;
    return host;
}

} // namespace warpbeam::wasi

#endif
