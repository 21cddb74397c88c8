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

/// How a module is printed.
struct PrintOptions {
    Allocator* allocator = nullptr; ///< null means the default allocator
    /// The maximum number of characters in the text; a few bytes of a module can stand for thousands.
    size_t max_characters = size_t{1} << 30;
    /// If it is not null, custom sections that refer to the code by offset (see `points_into_code`) are left
    /// out, since they would be wrong for a module made from the text. It receives the names of these
    /// sections, as views of the module's bytes.
    Vec<std::string_view>* left_out = nullptr;
};

/// Translates one module from the binary format to the text format, from which `parse_wat` makes the same
/// module again. https://webassembly.github.io/spec/core/text/modules.html
///
/// Instructions are flat, one per line. Names from the name section become identifiers, or `@name`
/// annotations where they can't; branch hints and other custom sections become annotations too, so nothing is
/// lost unless `left_out` is set. Only encoding choices are lost: padded numbers, separate runs of locals of
/// one type, an unused data count, longer forms of segments, the position of the name section.
///
/// The module is not validated. Only what can't be written as text is refused, as `malformed`, with the byte
/// offset. The other errors are `limit` and `out_of_memory`.
///
/// Thread-safety: any number of threads may print at the same time.
[[nodiscard]] WARPBEAM_API std::expected<Vec<char>, Error>
print_wat(std::span<const uint8_t> module, const PrintOptions& options = {}) noexcept;

/// Receives a text piece by piece.
class TextSink {
public:
    /// Returns false to stop the printing.
    [[nodiscard]] virtual bool write(std::string_view piece) noexcept = 0;

protected:
    ~TextSink() = default;
};

/// The same in pieces, so that memory use depends on the size of the module and not of the text. Nothing is
/// written for a module that can't be written as text; to know that, it is printed twice. The error `usage`
/// means that the sink returned false.
[[nodiscard]] WARPBEAM_API std::expected<void, Error>
print_wat(std::span<const uint8_t> module, TextSink& sink, const PrintOptions& options = {}) noexcept;

/// The same for the instructions of an expression that ends with `end`, such as a constant expression: on one
/// line, `i32.const 8 global.get 0 i32.add`, with indices for everything defined elsewhere in the module.
[[nodiscard]] WARPBEAM_API std::expected<Vec<char>, Error>
print_expression(std::span<const uint8_t> code, const PrintOptions& options = {}) noexcept;

/// The instructions of a function body.
struct BodyText {
    Vec<char> lines;     ///< one line per instruction, indented; all end with a line break
    Vec<size_t> offsets; ///< the offset in the code of each line's instruction
};
/// The same for a body, without its final `end`.
[[nodiscard]] WARPBEAM_API std::expected<BodyText, Error>
print_body(std::span<const uint8_t> code, const PrintOptions& options = {}) noexcept;

} // namespace warpbeam
