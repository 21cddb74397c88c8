#pragma once

#include <warpbeam/memory/export.hpp>

#include <cstddef>
#include <string_view>

namespace warpbeam {

/// Makes untrusted text safe for a terminal, piece by piece: control characters, marks that change the
/// writing direction, line and paragraph separators, and bytes that are not UTF-8 become escapes of the text
/// format (`\1b`, `\u{202e}`). The library's messages are escaped in this way; names that it returns
/// (`Frame::func_name`, `Export::name`) are exactly as in the module. Thread-safety: none; one thread at a
/// time.
///
///     Printable rest{name};
///     for (std::string_view piece; !(piece = rest.next()).empty();) write(piece);
class WARPBEAM_API Printable {
public:
    /// If `quoted`, quotes and backslashes are escaped too, so that the text is unambiguous between quotes.
    explicit Printable(std::string_view text, bool quoted = false) noexcept : rest_{text}, quoted_{quoted} {}

    /// The next piece, empty at the end. It is valid until the next call and never ends inside a character.
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
