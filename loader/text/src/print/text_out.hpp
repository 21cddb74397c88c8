#pragma once

#include <warpbeam/loader/error.hpp>
#include <warpbeam/memory/vec.hpp>
#include <warpbeam/text/number.hpp>
#include <warpbeam/text/print.hpp>

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
    /// The text is `text`; or it goes to `sink`, and `text` is the buffer on the way there, which is full at
    /// `piece_size`.
    TextOut(Vec<char>& text, size_t max_size, std::optional<Error>& fault, TextSink* sink = nullptr) noexcept
        : text_{text}, max_size_{max_size}, fault_{fault}, sink_{sink} {}

    TextOut& add(std::string_view piece) noexcept;
    /// Sends what is in the buffer.
    void flush() noexcept;
    TextOut& natural(uint64_t value) noexcept { return decimal(value); }
    TextOut& integer(int64_t value) noexcept { return decimal(value); }
    /// With `0x` and at least this many digits.
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
    static constexpr size_t piece_size = size_t{1} << 16;

    TextOut& decimal(auto value) noexcept {
        char text[20];
        return add({text, std::to_chars(text, text + sizeof text, value).ptr});
    }

    Vec<char>& text_;
    size_t size_ = 0;
    size_t max_size_;
    std::optional<Error>& fault_;
    TextSink* sink_;
};

} // namespace warpbeam::text
