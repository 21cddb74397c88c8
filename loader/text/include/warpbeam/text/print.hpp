#pragma once

#include <warpbeam/loader/error.hpp>
#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/vec.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

namespace warpbeam {

struct PrintOptions {
    Allocator* allocator = nullptr; ///< null: the standard one
    /// The most characters that the text may have; a few bytes of a module can stand for thousands.
    size_t max_characters = size_t{1} << 30;
    /// When it is not null, custom sections that point into the code (see `points_into_code`) are left out,
    /// since they will not be true of the module that is made of the text; this becomes the list of their
    /// names, which are views of the module's bytes.
    Vec<std::string_view>* left_out = nullptr;
};

/// Translates one module from the binary format to the text format, from which `parse_wat` makes the same
/// module again. https://webassembly.github.io/spec/core/text/modules.html
///
/// Instructions are flat, one to a line. Names of the name section become identifiers, or `@name` annotations
/// where they can't; branch hints and other custom sections become annotations too, so that nothing is lost
/// unless `left_out` is set.
/// What is lost is the freedom that an encoder has: numbers longer than necessary, runs of locals that could
/// be one, an unused data count, the longer forms of segments, the place of the name section.
///
/// The module need not be valid, and is not validated: only what has no text is refused, as `malformed`, with
/// the byte offset. The other errors are `limit` and `out_of_memory`.
[[nodiscard]] WARPBEAM_API std::expected<Vec<char>, Error>
print_wat(std::span<const uint8_t> module, const PrintOptions& options = {}) noexcept;

/// Takes a text piece by piece.
class TextSink {
public:
    /// False when it can take no more, which ends the printing.
    [[nodiscard]] virtual bool write(std::string_view piece) noexcept = 0;

protected:
    ~TextSink() = default;
};

/// The same in pieces, so that the memory used depends on the size of the module and not of the text. Nothing
/// is written of a module that has no text; to know that, it is printed twice. An error of code `usage` means
/// that the sink takes no more.
[[nodiscard]] WARPBEAM_API std::expected<void, Error>
print_wat(std::span<const uint8_t> module, TextSink& sink, const PrintOptions& options = {}) noexcept;

/// The same of the instructions of an expression, such as a constant one, whose code ends with `end`: on one
/// line, `i32.const 8 global.get 0 i32.add`, with numbers for all that is elsewhere in the module.
[[nodiscard]] WARPBEAM_API std::expected<Vec<char>, Error>
print_expression(std::span<const uint8_t> code, const PrintOptions& options = {}) noexcept;

/// The instructions of a function's body.
struct BodyText {
    Vec<char> lines;     ///< one for each instruction, indented; the last ends like the others
    Vec<size_t> offsets; ///< where the instruction of each line begins in the code
};
/// The same of a body, without the `end` that closes it.
[[nodiscard]] WARPBEAM_API std::expected<BodyText, Error>
print_body(std::span<const uint8_t> code, const PrintOptions& options = {}) noexcept;

} // namespace warpbeam
