#pragma once

#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

/// Shared by the subcommands. Unlike the libraries, the command uses exceptions, for failures that end it.

namespace warpbeam {
class Trap;
struct Frame;
namespace wasi {
struct ProgramEnd;
}
} // namespace warpbeam

namespace warpbeam::cli {

/// The exit statuses of the command itself; when it runs a program, all others come from that.
inline constexpr int exit_success = 0;
inline constexpr int exit_failure = 1; ///< a module that was refused, a file that can't be read
inline constexpr int exit_usage = 2;
// Only of the commands that run programs. They are those of the shell and of timeout(1), where these have
// one.
inline constexpr int exit_timeout = 124;
inline constexpr int exit_not_run = 125; ///< instead of `exit_failure`, which may be the program's own
inline constexpr int exit_interrupted = 130;
inline constexpr int exit_trap = 134;
inline constexpr int exit_limit = 137; ///< fuel, stack, heap or memory was used up

/// Ends the command with `exit_failure`, or `exit_not_run` if it runs programs, and a message.
struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};
/// Ends the command with `exit_usage` and a message.
struct UsageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

using Words = std::span<const char* const>;

// One function per subcommand, each in a file of the same name. `words` are the arguments after the
// subcommand; the exit status is returned.
int run(Words words);
int resume(Words words);
int replay(Words words);
int validate(Words words);
int inspect(Words words);
int wat2wasm(Words words);
int wasm2wat(Words words);
int wast(Words words);
int sfv(Words words);
int sfv_tests(Words words);
int strip(Words words);
int diff(Words words);
int serve(Words words);
int completions(Words words);
int man(Words words);

struct Command {
    std::string_view name;
    const char* summary;
    int (*function)(Words words);
    int failure = exit_failure; ///< its status after a Failure
};
/// All subcommands.
[[nodiscard]] std::span<const Command> all_commands();
/// The one of that name. Throws a UsageError, in which it is called a `what`.
[[nodiscard]] const Command& need_command(std::string_view name, const char* what);

/// The exit status of an aborted computation; prints the reason unless the program chose to exit.
/// Defined in report.cpp.
int report(const Trap& trap);
/// The same for a program that `stop_cause` has stopped, and for one without fuel.
int report_stop(std::span<const Frame> backtrace);
int report_out_of_fuel(std::span<const Frame> backtrace);

/// The same for a program with threads; nothing if its main thread has returned. What is printed says which
/// thread it was.
std::optional<int> report_end(const wasi::ProgramEnd& end);

/// The part of a command's help about the statuses of a program that it runs. `zero` says when the status is
/// 0 although the program has not ended, such as "0 if it was saved".
[[nodiscard]] std::string exit_statuses(std::string_view zero, bool is_replay = false);

/// Text from a module, made safe for a terminal, see warpbeam/loader/printable.hpp. With `quoted`, also safe
/// between quotes.
[[nodiscard]] std::string printable(std::string_view text, bool quoted = false);

/// For printf's `%.*s`.
#define WARPBEAM_PRINTED(view) static_cast<int>((view).size()), (view).data()

} // namespace warpbeam::cli
