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
std::atomic<bool> unhurried = false;
static_assert(std::atomic<StopCause>::is_always_lock_free);

/// How many seconds a program has that was asked to stop. It needs more only if it waits in a call of the
/// system that does not end, such as a write to a full pipe.
constexpr unsigned time_to_stop = 2;

void end_process() {
    const bool is_late = cause == StopCause::timeout;
    constexpr std::string_view late =
        "stopped: it ran longer than --timeout allows; it waited in a call of the system\n";
    constexpr std::string_view typed = "stopped: interrupted (Ctrl-C); it waited in a call of the system\n";
    const std::string_view message = is_late ? late : typed;
    (void)!::write(STDERR_FILENO, message.data(), message.size());
    ::_exit(is_late ? exit_timeout : exit_interrupted);
}

void stop(int signal) {
    StopCause before = StopCause::none;
    const StopCause now = signal == SIGALRM ? StopCause::timeout : StopCause::ctrl_c;
    if (!cause.compare_exchange_strong(before, now)) {
        if (signal == SIGINT || !unhurried)
            end_process();
        return;
    }
    if (!unhurried)
        (void)::alarm(time_to_stop); // with the timer of the time limit, which has no other use now
    if (const InterruptHandle* const handle = to_stop; handle != nullptr)
        handle->interrupt();
}

void on(int signal, void (*handler)(int), int flags) {
    struct sigaction action{};
    action.sa_handler = handler;
    action.sa_flags = flags;
    (void)::sigaction(signal, &action, nullptr);
}

void set_timer(std::chrono::microseconds after) {
    const itimerval timer{{},
                          {static_cast<time_t>(after.count() / 1'000'000),
                           static_cast<suseconds_t>(after.count() % 1'000'000)}};
    (void)::setitimer(ITIMER_REAL, &timer, nullptr);
}

} // namespace

StopCause stop_cause() noexcept { return cause; }

void add_stop_options(Options& options, StopSettings& settings) {
    options.value("--timeout", "DURATION", "stop the program after this time, such as 1.5s, 300ms or 2m",
                  [&](std::string_view text) { settings.timeout = parse_duration(text); });
}

StopSignals::StopSignals(const Store& store, const StopSettings& settings)
    : handle_{store.interrupt_handle()} {
    to_stop = &handle_;
    on(SIGINT, stop, static_cast<int>(SA_RESETHAND));
    on(SIGALRM, stop, 0);
    if (settings.timeout)
        set_timer(*settings.timeout);
}

void set_unhurried(bool is) noexcept { unhurried = is; }

StopSignals::~StopSignals() {
    set_timer({});
    on(SIGINT, SIG_DFL, 0);
    to_stop = nullptr;
}

} // namespace warpbeam::cli
