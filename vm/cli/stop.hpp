#pragma once

#include <warpbeam/vm/store.hpp>

#include <chrono>
#include <optional>

/// What stops a program from outside: Ctrl-C and the time limit.

namespace warpbeam::cli {

enum class StopCause : uint8_t { none, ctrl_c, timeout };

/// Why the running program was asked to stop.
[[nodiscard]] StopCause stop_cause() noexcept;

/// What may stop a program besides Ctrl-C.
struct StopSettings {
    std::optional<std::chrono::microseconds> timeout;
};
class Options;
/// Adds `--timeout`.
void add_stop_options(Options& options, StopSettings& settings);

/// While it lives, SIGINT and the end of the time interrupt the code of a store, whose engine has
/// Config::interruption. A second SIGINT ends the process at once. So does the time that a program has to
/// stop, which is not enough only in a call of the system that does not end.
class StopSignals {
public:
    StopSignals(const Store& store, const StopSettings& settings);
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;
    ~StopSignals();

private:
    InterruptHandle handle_;
};

/// While the program does not run, what is done instead may take longer than it has to stop: printing a
/// backtrace, saving. With `true`, the time limit does not end the process until this is called with `false`.
void set_unhurried(bool unhurried) noexcept;

} // namespace warpbeam::cli
