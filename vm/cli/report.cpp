#include "backtrace.hpp"
#include "command.hpp"
#include "stop.hpp"
#include "terminal.hpp"

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

} // namespace

std::string exit_statuses(std::string_view others) {
    return "The exit status is the program's own; " + std::string(others) +
           "; otherwise, with the reason on standard error:\n"
           "    2  a usage error\n"
           "  124  it was stopped by --timeout\n"
           "  125  it could not be started: a file that can't be read, an invalid module, an unknown import\n"
           "  130  it was stopped by Ctrl-C\n"
           "  134  it trapped\n"
           "  137  it used up its fuel, its stack, its heap or the memory\n";
}

int report(const Trap& trap) {
    if (trap.code() == TrapCode::exit)
        return trap.exit_status();
    if (trap.code() == TrapCode::interrupted && stop_cause() != StopCause::none)
        return report_stop(trap.backtrace());
    set_unhurried(true);
    (void)std::fflush(stdout);
    std::fprintf(stderr, "%s %s\n", emphasized("trap:").c_str(), describe(trap).c_str());
    return status_of(trap.code());
}

int report_stop(std::span<const Frame> backtrace) {
    set_unhurried(true);
    (void)std::fflush(stdout);
    const bool is_late = stop_cause() == StopCause::timeout;
    std::fprintf(stderr, "%s %s%s\n", emphasized("stopped:").c_str(),
                 is_late ? "the time of --timeout is over" : "interrupted (Ctrl-C)",
                 describe(backtrace).c_str());
    return is_late ? exit_timeout : exit_interrupted;
}

int report_out_of_fuel(std::span<const Frame> backtrace) {
    set_unhurried(true);
    (void)std::fflush(stdout);
    std::fprintf(stderr, "%s out of fuel%s\n", emphasized("trap:").c_str(), describe(backtrace).c_str());
    return exit_limit;
}

} // namespace warpbeam::cli
