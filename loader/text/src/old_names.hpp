#pragma once

#include <string_view>

namespace warpbeam::text {

/// The current name of a keyword that had another name before its part of WebAssembly was standardised; empty
/// for other words.
[[nodiscard]] std::string_view current_name(std::string_view old) noexcept;

/// A hint to end a message about a word: "; use its current name, local.get", or nothing.
class NameHint {
public:
    explicit NameHint(std::string_view word) noexcept;
    [[nodiscard]] const char* c_str() const noexcept { return text_; }

private:
    char text_[64];
};

} // namespace warpbeam::text
