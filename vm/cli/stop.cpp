#include "stop.hpp"

#include "options.hpp"

#include <atomic>
#include <csignal>
#include <string_view>
#include <sys/time.h>
#include <unistd.h>

namespace warpbeam::cli {
namespace {

// For the signal handler.
std::atomic<const InterruptHandle*> to_stop = nullptr;
std::atomic<StopCause> cause = StopCause::none;
static_assert(std::atomic<StopCause>::is_always_lock_free);

void stop(int signal) {
    StopCause before = StopCause::none;
    (void)cause.compare_exchange_strong(before, signal == SIGALRM ? StopCause::timeout : StopCause::ctrl_c);
    if (signal == SIGALRM && before == StopCause::timeout) {
        constexpr std::string_view message = "stopped: the time of --timeout is over; the program waits in a call "
                                             "of the system, which did not end\n";
        (void)!::write(STDERR_FILENO, message.data(), message.size());
        ::_exit(exit_timeout);
    }
    if (const InterruptHandle* const handle = to_stop; handle != nullptr && before == StopCause::none)
        handle->interrupt();
}

/// What a program that was asked to stop has, until the process ends.
constexpr std::chrono::milliseconds time_to_stop{1000};

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

StopSignals::StopSignals(const Store& store, const StopSettings& settings) : handle_{store.interrupt_handle()} {
    to_stop = &handle_;
    on(SIGINT, stop, static_cast<int>(SA_RESETHAND));
    if (settings.timeout) {
        on(SIGALRM, stop, 0);
        set_timer(*settings.timeout, time_to_stop);
    }
}

void stop_is_done() noexcept { set_timer({}, {}); }

StopSignals::~StopSignals() {
    stop_is_done();
    on(SIGINT, SIG_DFL, 0);
    to_stop = nullptr;
}

} // namespace warpbeam::cli
