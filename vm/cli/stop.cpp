#include "stop.hpp"

#include "command.hpp"
#include "options.hpp"
#include "platform.hpp"

#include <atomic>
#include <string_view>

namespace warpbeam::cli {
namespace {

// For the signal handler.
std::atomic<const InterruptHandle*> to_stop = nullptr;
std::atomic<StopCause> cause = StopCause::none;
std::atomic<bool> unhurried = false;
static_assert(std::atomic<StopCause>::is_always_lock_free);

/// The time that a program has that was asked to stop. It needs more only if it waits in a call of the system
/// that does not end, such as a write to a full pipe.
constexpr std::chrono::seconds time_to_stop{2};

void stop_late() {
    const bool is_late = cause == StopCause::timeout;
    constexpr std::string_view late =
        "stopped: it ran longer than --timeout allows; it waited in a call of the system\n";
    constexpr std::string_view typed = "stopped: interrupted (Ctrl-C); it waited in a call of the system\n";
    end_process(is_late ? late : typed, is_late ? exit_timeout : exit_interrupted);
}

void on_time_over() noexcept;

void stop(StopCause now) noexcept {
    StopCause before = StopCause::none;
    if (!cause.compare_exchange_strong(before, now)) {
        if (now == StopCause::ctrl_c || !unhurried)
            stop_late();
        return;
    }
    if (!unhurried)
        on_time(time_to_stop, on_time_over); // the time limit has no other use now
    if (const InterruptHandle* const handle = to_stop; handle != nullptr)
        handle->interrupt();
}

void on_time_over() noexcept { stop(StopCause::timeout); }
void on_interrupt() noexcept { stop(StopCause::ctrl_c); }

} // namespace

StopCause stop_cause() noexcept { return cause; }

void add_stop_options(Options& options, StopSettings& settings) {
    options.value("--timeout", "DURATION", "stop the program after this time, such as 1.5s, 300ms or 2m",
                  [&](std::string_view text) { settings.timeout = parse_duration(text); });
}

StopSignals::StopSignals(const Store& store, const StopSettings& settings)
    : handle_{store.interrupt_handle()} {
    to_stop = &handle_;
    on_ctrl_c(on_interrupt);
    on_time(settings.timeout.value_or(std::chrono::microseconds{0}), on_time_over);
}

void set_unhurried(bool is) noexcept { unhurried = is; }

StopSignals::~StopSignals() {
    on_time({}, nullptr);
    on_ctrl_c(nullptr);
    to_stop = nullptr;
}

} // namespace warpbeam::cli
