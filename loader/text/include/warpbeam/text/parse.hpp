#pragma once

#include <warpbeam/loader/error.hpp>
#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/vec.hpp>

#include <cstdint>
#include <expected>
#include <string_view>

namespace warpbeam {

/// How a text is translated.
struct TextOptions {
    Allocator* allocator = nullptr; ///< null means the default allocator
    /// Whether identifiers go into the name section, so that backtraces show them.
    bool names = true;
    /// The line number of the text's first line in messages, for text cut from a larger file.
    uint32_t first_line = 1;
};

/// Translates one module from the text format to the binary format. It does not validate; `Module::load`
/// does. https://webassembly.github.io/spec/core/text/modules.html
///
/// The text is `(module ...)`, bare module fields, or one of the script forms `(module binary ...)` and
/// `(module quote ...)`. The annotations `@custom`, `@name` and `@metadata.code.branch_hint` become custom
/// sections; all others are ignored.
///
/// An error's message begins with line and column and shows the line with a caret below the position; its
/// offset is the byte offset in the text. Memory use is proportional to the text's size.
///
/// Thread-safety: any number of threads may translate at the same time.
[[nodiscard]] WARPBEAM_API std::expected<Vec<uint8_t>, Error>
parse_wat(std::string_view text, const TextOptions& options = {}) noexcept;

/// Takes an error from `Module::load` for a module that `parse_wat` made from `text` with these options, and
/// shows it like an error of `parse_wat`: with line, column and the line itself, and with the offset in the
/// text. An error without a known position is returned unchanged. Translates the text again.
/// Thread-safety: that of `parse_wat`.
[[nodiscard]] WARPBEAM_API Error locate_in_wat(std::string_view text, const Error& refused,
                                               const TextOptions& options = {}) noexcept;

} // namespace warpbeam
