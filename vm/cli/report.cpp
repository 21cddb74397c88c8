#include "backtrace.hpp"
#include "command.hpp"
#include "stop.hpp"
#include "terminal.hpp"

#include <warpbeam/wasi/threads.hpp>

#include <cstdio>

namespace warpbeam::cli {
namespace {

int status_of(TrapCode code) {
    switch (code) {
    case TrapCode::out_of_fuel:
    case TrapCode::heap_exhausted:
    case TrapCode::call_stack_exhausted:
    case TrapCode::out_of_memory:
        return exit_limit;
    default:
        return exit_trap;
    }
}

void print_trap(uint32_t thread, const std::string& text) {
    set_unhurried(true);
    (void)std::fflush(stdout);
    const std::string where = thread != 0 ? " in thread " + std::to_string(thread) + ":" : "";
    std::fprintf(stderr, "%s%s %s\n", emphasized("trap:").c_str(), where.c_str(), text.c_str());
}

int report(const Trap& trap, uint32_t thread) {
    if (trap.code() == TrapCode::exit)
        return trap.exit_status();
    if (trap.code() == TrapCode::interrupted && stop_cause() != StopCause::none)
        return report_stop(trap.backtrace());
    print_trap(thread, describe(trap));
    return status_of(trap.code());
}

int report_out_of_fuel(std::span<const Frame> backtrace, uint32_t thread) {
    print_trap(thread, "out of fuel" + describe(backtrace));
    return exit_limit;
}

} // namespace

std::string exit_statuses(std::string_view zero, bool is_replay) {
    return "The exit status is the program's own; " + std::string(zero) +
           "; otherwise, with the reason on standard error:\n"
           "    2  a usage error\n" +
           (is_replay
                ? "  125  it did something else than in the log, or the log can't be read, or was cut off\n"
                : "  124  it was stopped by --timeout\n"
                  "  125  it could not be started: a file that can't be read, an invalid module, an unknown "
                  "import\n") +
           "  130  it was stopped by Ctrl-C\n"
           "  134  it trapped\n"
           "  137  it used up its fuel, its stack, its heap or the memory\n";
}

int report(const Trap& trap) { return report(trap, 0); }

std::optional<int> report_end(const wasi::ProgramEnd& end) {
    if (!end.trap)
        return std::nullopt;
    const std::span<const Frame> backtrace{end.backtrace.data(), end.backtrace.size()};
    if (backtrace.empty())
        return report(*end.trap, end.thread);
    if (end.trap->code() == TrapCode::interrupted && stop_cause() != StopCause::none)
        return report_stop(backtrace);
    if (end.trap->code() == TrapCode::out_of_fuel)
        return report_out_of_fuel(backtrace, end.thread);
    return report(*end.trap, end.thread);
}

int report_stop(std::span<const Frame> backtrace) {
    set_unhurried(true);
    (void)std::fflush(stdout);
    const bool is_late = stop_cause() == StopCause::timeout;
    std::fprintf(stderr, "%s %s%s\n", emphasized("stopped:").c_str(),
                 is_late ? "it ran longer than --timeout allows" : "interrupted (Ctrl-C)",
                 describe(backtrace).c_str());
    return is_late ? exit_timeout : exit_interrupted;
}

int report_out_of_fuel(std::span<const Frame> backtrace) { return report_out_of_fuel(backtrace, 0); }

} // namespace warpbeam::cli
