#include "terminal.hpp"

#include <cstdlib>
#include <unistd.h>

namespace warpbeam::cli {

std::string emphasized(std::string_view text) {
    const char* const no_color = std::getenv("NO_COLOR");
    const char* const terminal = std::getenv("TERM");
    const bool colored = ::isatty(STDERR_FILENO) == 1 && (no_color == nullptr || *no_color == '\0') &&
                         terminal != nullptr && std::string_view{terminal} != "dumb";
    return colored ? "\x1b[1;31m" + std::string(text) + "\x1b[0m" : std::string(text);
}

} // namespace warpbeam::cli
