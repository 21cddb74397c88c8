#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace warpbeam::cli {

/// Text for standard error: in bold red if that is a terminal, unless the environment has `NO_COLOR` or the
/// terminal is dumb. https://no-color.org
[[nodiscard]] std::string emphasized(std::string_view text);

/// Says on standard error what a command does that takes longer than a second, if that is a terminal:
/// "validating 3 of 10: x.wasm" in a line that is erased afterwards.
class Progress {
public:
    /// `verb` is what is done to each of `total` things.
    Progress(std::string_view verb, size_t total);
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() { erase(); }

    /// The next thing begins. A file name may be anything.
    void next(std::string_view name);
    /// Removes the line, before something else is printed.
    void erase();

private:
    std::string verb_;
    size_t total_;
    size_t current_ = 0;
    bool shown_ = false;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

} // namespace warpbeam::cli
