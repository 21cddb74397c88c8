#pragma once

#include <warpbeam/loader/error.hpp>
#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/vec.hpp>

#include <cstdint>
#include <expected>
#include <string_view>

namespace warpbeam {

struct TextOptions {
    Allocator* allocator = nullptr; ///< null: the standard one
    /// Whether identifiers go into the name section, so that backtraces show them.
    bool names = true;
    /// The number of the text's first line in messages, for text that was cut from a larger file.
    uint32_t first_line = 1;
};

/// Translates one module from the text format to the binary format. It is not validated: `Module::load` does
/// that. https://webassembly.github.io/spec/core/text/modules.html
///
/// The text is `(module ...)`, or bare module fields, or one of the forms of scripts, `(module binary ...)`
/// and `(module quote ...)`. The annotations `@custom`, `@name` and `@metadata.code.branch_hint` become
/// custom sections; all others are ignored.
///
/// An error's message begins with line and column and shows the line with a caret below the place; its offset
/// is the byte offset in the text. The memory used is proportional to the text's size.
[[nodiscard]] WARPBEAM_API std::expected<Vec<uint8_t>, Error>
parse_wat(std::string_view text, const TextOptions& options = {}) noexcept;

/// What `Module::load` said of the module that `parse_wat` made of a text, with these options, as `parse_wat`
/// would say it: with line and column, the line itself, and the offset in the text. An error whose place is
/// not known is returned as it is. It translates the text again.
[[nodiscard]] WARPBEAM_API Error locate_in_wat(std::string_view text, const Error& refused,
                                               const TextOptions& options = {}) noexcept;

} // namespace warpbeam
