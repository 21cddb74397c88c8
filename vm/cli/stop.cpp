#include "stop.hpp"

#include "options.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <sys/time.h>
#include <unistd.h>

namespace warpbeam::cli {
namespace {

// For the signal handler.
std::atomic<const InterruptHandle*> to_stop = nullptr;
std::atomic<StopCause> cause = StopCause::none;
static_assert(std::atomic<StopCause>::is_always_lock_free);

void stop(int signal) {
    // The first reason counts: the timer goes on.
    StopCause before = StopCause::none;
    (void)cause.compare_exchange_strong(before, signal == SIGALRM ? StopCause::timeout : StopCause::ctrl_c);
    if (const InterruptHandle* const handle = to_stop; handle != nullptr && before == StopCause::none)
        handle->interrupt();
}

void on(int signal, void (*handler)(int), int flags) {
    struct sigaction action{};
    action.sa_handler = handler;
    action.sa_flags = flags;
    (void)::sigaction(signal, &action, nullptr);
}

void set_timer(std::chrono::microseconds after, std::chrono::microseconds again) {
    const auto split = [](std::chrono::microseconds time) {
        return timeval{static_cast<time_t>(time.count() / 1'000'000),
                       static_cast<suseconds_t>(time.count() % 1'000'000)};
    };
    const itimerval timer{split(again), split(after)};
    (void)::setitimer(ITIMER_REAL, &timer, nullptr);
}

/// WASI's number for a call that a signal has interrupted.
constexpr wasi::Errno interrupted{27};

/// Blocks both signals outside of `wait`, so that none can come between a look at `cause` and the wait.
class Waiting {
public:
    Waiting() {
        sigset_t stops;
        (void)::sigemptyset(&stops);
        (void)::sigaddset(&stops, SIGINT);
        (void)::sigaddset(&stops, SIGALRM);
        (void)::pthread_sigmask(SIG_BLOCK, &stops, &before_);
    }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() { (void)::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

    /// False if the program was asked to stop. With an event, waits until the file is ready; without, for the
    /// time.
    [[nodiscard]] bool wait(pollfd* file, const timespec* time) const {
        while (cause == StopCause::none) {
            const int ready = ::ppoll(file, file != nullptr ? 1 : 0, time, &before_);
            if (ready >= 0 || errno != EINTR)
                return true;
            if (time != nullptr)
                return false; // how much is left is the caller's to know
        }
        return false;
    }

private:
    sigset_t before_{};
};

class StoppableHost final : public wasi::Host {
public:
    std::expected<size_t, wasi::Errno> read(std::span<uint8_t> into) noexcept override {
        if (!can(STDIN_FILENO, POLLIN))
            return std::unexpected{interrupted};
        return native().read(into);
    }
    std::expected<size_t, wasi::Errno> write(wasi::Stream stream,
                                             std::span<const uint8_t> bytes) noexcept override {
        const int file = static_cast<int>(stream);
        if (!can(file, POLLOUT))
            return std::unexpected{interrupted};
        if (!is_pipe(file))
            return native().write(stream, bytes);
        // Even to a pipe that is ready, a longer write may wait.
        size_t done = 0;
        do {
            const auto part = bytes.subspan(done, std::min<size_t>(bytes.size() - done, PIPE_BUF));
            const auto written = native().write(stream, part);
            if (!written)
                return done != 0 ? std::expected<size_t, wasi::Errno>{done} : written;
            done += *written;
        } while (done < bytes.size() && can(file, POLLOUT));
        return done;
    }
    bool is_terminal(wasi::Stream stream) const noexcept override { return native().is_terminal(stream); }
    std::expected<uint64_t, wasi::Errno> now(wasi::Clock clock) const noexcept override {
        return native().now(clock);
    }
    std::expected<uint64_t, wasi::Errno> resolution(wasi::Clock clock) const noexcept override {
        return native().resolution(clock);
    }
    void sleep(uint64_t nanoseconds) noexcept override {
        const auto clock = [] { return native().now(wasi::Clock::monotonic).value_or(0); };
        const uint64_t begin = clock();
        for (uint64_t passed = 0; passed < nanoseconds; passed = clock() - begin) {
            // A wait of any length that the system accepts.
            const uint64_t left = std::min<uint64_t>(nanoseconds - passed, 1'000'000'000'000'000);
            const timespec time{static_cast<time_t>(left / 1'000'000'000),
                                static_cast<long>(left % 1'000'000'000)};
            const Waiting waiting;
            (void)waiting.wait(nullptr, &time);
            if (cause != StopCause::none)
                return;
        }
    }
    void wait(std::span<const wasi::WaitFor> streams, uint64_t nanoseconds,
              const wasi::InterruptCheck& is_interrupted) noexcept override {
        native().wait(streams, nanoseconds, is_interrupted);
    }
    wasi::Result<wasi::Filestat> stat(wasi::Stream stream) const noexcept override {
        return native().stat(stream);
    }
    wasi::Result<wasi::Ready> ready(wasi::Stream stream, wasi::Readiness which) noexcept override {
        return native().ready(stream, which);
    }
    int native_descriptor(wasi::Stream stream) const noexcept override {
        return native().native_descriptor(stream);
    }
    std::expected<void, wasi::Errno> random(std::span<uint8_t> into) noexcept override {
        return native().random(into);
    }

private:
    static wasi::Host& native() noexcept { return wasi::native_host(); }
    /// False if the program was asked to stop before the file was ready.
    static bool can(int file, short event) noexcept {
        // A read or write that never waits needs no wait for it.
        if (const int flags = ::fcntl(file, F_GETFL); flags < 0 || (flags & O_NONBLOCK) != 0)
            return true;
        const Waiting waiting;
        pollfd polled{file, event, 0};
        return waiting.wait(&polled, nullptr);
    }
    static bool is_pipe(int file) noexcept { return ::lseek(file, 0, SEEK_CUR) < 0 && errno == ESPIPE; }
};

} // namespace

StopCause stop_cause() noexcept { return cause; }

bool StopSettings::wanted() const noexcept {
    return interruptible || timeout || ::isatty(STDERR_FILENO) == 1;
}

void add_stop_options(Options& options, StopSettings& settings) {
    options
        .value("--timeout", "DURATION", "stop the program after this time, such as 1.5s, 300ms or 2m",
               [&](std::string_view text) { settings.timeout = parse_duration(text); })
        .flag("--interruptible",
              "let Ctrl-C stop the program with a backtrace (the default if standard error is a terminal)",
              settings.interruptible);
}

StopSignals::StopSignals(const Store& store, const StopSettings& settings)
    : handle_{store.interrupt_handle()} {
    to_stop = &handle_;
    on(SIGINT, stop, static_cast<int>(SA_RESETHAND));
    if (settings.timeout) {
        on(SIGALRM, stop, 0);
        // Again and again, in case a call that waits began just after the first signal.
        set_timer(*settings.timeout, std::chrono::milliseconds{100});
    }
}

StopSignals::~StopSignals() {
    set_timer({}, {});
    on(SIGINT, SIG_DFL, 0);
    to_stop = nullptr;
}

wasi::Host& stoppable_host() noexcept {
    static StoppableHost host;
    return host;
}

} // namespace warpbeam::cli
