#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

/// Shared by the subcommands. Unlike the libraries, the command uses exceptions, for failures that end it.

namespace warpbeam {
class Trap;
}

namespace warpbeam::cli {

/// The exit statuses of the command itself; all others come from the program.
inline constexpr int exit_success = 0;
inline constexpr int exit_failure = 1; ///< a trap, a module that was refused, a file that can't be read
inline constexpr int exit_usage = 2;

/// Ends the command with `exit_failure` and a message.
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

/// The exit status of an aborted computation; prints the reason unless the program chose to exit.
/// Defined in backtrace.cpp.
int report(const Trap& trap);

/// Text from a module, made safe for a terminal, see warpbeam/loader/printable.hpp. With `quoted`, also safe
/// between quotes.
[[nodiscard]] std::string printable(std::string_view text, bool quoted = false);

/// For printf's `%.*s`.
#define WARPBEAM_TEXT(view) static_cast<int>((view).size()), (view).data()

} // namespace warpbeam::cli
