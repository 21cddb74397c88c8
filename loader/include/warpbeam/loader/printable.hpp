#pragma once

#include <warpbeam/memory/export.hpp>

#include <cstddef>
#include <string_view>

namespace warpbeam {

/// A text from a module, or from anyone, piece by piece as it may go to a terminal: control characters, marks
/// that change the direction of writing, line and paragraph separators, and what is not UTF-8 come as escapes
/// of the text format (\1b, \u{202e}). What the library's messages say has gone through this; names that are
/// asked for (`Frame::func_name`, `Export::name`) are as the module has them.
///
///     Printable rest{name};
///     for (std::string_view piece; !(piece = rest.next()).empty();)
class WARPBEAM_API Printable {
public:
    /// With `quoted`, also quotes and backslashes are escaped, so that the text between quotes is
    /// unambiguous.
    explicit Printable(std::string_view text, bool quoted = false) noexcept : rest_{text}, quoted_{quoted} {}

    /// The next piece, empty at the end. It is valid until the next call, and never ends within a character.
    [[nodiscard]] std::string_view next() noexcept;
    /// Whether the last piece is an escape.
    [[nodiscard]] bool is_escape() const noexcept { return is_escape_; }

private:
    [[nodiscard]] size_t safe_length(size_t at) const noexcept;

    std::string_view rest_;
    char escape_[12];
    bool quoted_;
    bool is_escape_ = false;
};

} // namespace warpbeam
