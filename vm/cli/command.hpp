#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

/// What the subcommands have in common. Unlike the libraries, the command uses exceptions, for what ends it.

namespace warpbeam::cli {

/// The exit statuses that are ours; all others are the program's own.
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

// One per subcommand, each in the file of its name. `words` are those behind the subcommand; the exit status
// is returned.
int run(Words words);
int validate(Words words);
int inspect(Words words);
int wat2wasm(Words words);
int wasm2wat(Words words);
int wast(Words words);
int sfv(Words words);
int sfv_tests(Words words);

/// A text from a module as it may go to a terminal, see warpbeam/loader/printable.hpp. With `quoted`, also as
/// it may stand between quotes.
[[nodiscard]] std::string printable(std::string_view text, bool quoted = false);

/// For printf's `%.*s`.
#define WARPBEAM_TEXT(view) static_cast<int>((view).size()), (view).data()

} // namespace warpbeam::cli
