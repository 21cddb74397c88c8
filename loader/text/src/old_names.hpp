#pragma once

#include <string_view>

namespace warpbeam::text {

/// What a keyword is called today that had another name before its part of WebAssembly was standard; empty
/// for any other word.
[[nodiscard]] std::string_view current_name(std::string_view old) noexcept;

/// The end of a message about a word: "; it is called local.get today", or nothing.
class NameHint {
public:
    explicit NameHint(std::string_view word) noexcept;
    [[nodiscard]] const char* c_str() const noexcept { return text_; }

private:
    char text_[64];
};

} // namespace warpbeam::text
