#include "terminal.hpp"

#include "command.hpp"
#include "platform.hpp"

#include <cstdio>
#include <cstdlib>

namespace warpbeam::cli {

std::string emphasized(std::string_view text) {
    const char* const no_color = std::getenv("NO_COLOR");
    const char* const terminal = std::getenv("TERM");
    const bool colored = is_terminal(StandardStream::err) && (no_color == nullptr || *no_color == '\0') &&
                         terminal != nullptr && std::string_view{terminal} != "dumb";
    return colored ? "\x1b[1;31m" + std::string(text) + "\x1b[0m" : std::string(text);
}

Progress::Progress(std::string_view verb, size_t total) : verb_{verb}, total_{total} {}

void Progress::next(std::string_view name) {
    ++current_;
    erase();
    if (total_ < 2 || !is_terminal(StandardStream::err) ||
        std::chrono::steady_clock::now() - begin_ < std::chrono::seconds{1})
        return;
    // A longer line would be broken, and then not erased.
    constexpr size_t max_width = 78;
    std::string line = verb_ + " " + std::to_string(current_) + " of " + std::to_string(total_) + ": ";
    std::string shown = printable(name);
    if (line.size() + shown.size() > max_width)
        shown = "...";
    line += shown;
    std::fprintf(stderr, "%s", line.c_str());
    shown_ = true;
}

void Progress::erase() {
    if (shown_)
        std::fprintf(stderr, "\r\x1b[K");
    shown_ = false;
}

} // namespace warpbeam::cli
