#pragma once

#include <warpbeam/loader/error.hpp>
#include <warpbeam/memory/vec.hpp>
#include <warpbeam/text/number.hpp>

#include <charconv>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace warpbeam::text {

/// The text under construction. When there is no memory, or too much text, it reports that as the fault and
/// stays as it is.
class TextOut {
public:
    TextOut(Vec<char>& text, size_t most, std::optional<Error>& fault) noexcept
        : text_{text}, most_{most}, fault_{fault} {}

    TextOut& add(std::string_view piece) noexcept;
    TextOut& natural(uint64_t value) noexcept { return decimal(value); }
    TextOut& integer(int64_t value) noexcept { return decimal(value); }
    /// With `0x` and at least so many digits.
    TextOut& hexadecimal(uint64_t value, unsigned digits = 1) noexcept;
    /// The number of binary32 or binary64 format with these bits, so that the same bits are read from it.
    /// https://webassembly.github.io/spec/core/text/values.html#floating-point
    TextOut& f32(uint32_t bits) noexcept {
        char buffer[40];
        return add(print_f32(bits, buffer));
    }
    TextOut& f64(uint64_t bits) noexcept {
        char buffer[40];
        return add(print_f64(bits, buffer));
    }
    /// In quotation marks; everything but printable ASCII is escaped.
    TextOut& string(std::string_view value) noexcept;
    /// `$name`, or `$"name"` where it has other characters than identifiers have.
    TextOut& identifier(std::string_view name) noexcept;
    /// A new line, indented.
    TextOut& line(size_t depth) noexcept;

private:
    TextOut& decimal(auto value) noexcept {
        char text[20];
        return add({text, std::to_chars(text, text + sizeof text, value).ptr});
    }

    Vec<char>& text_;
    size_t most_;
    std::optional<Error>& fault_;
};

} // namespace warpbeam::text
