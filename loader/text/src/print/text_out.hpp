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

/// The text under construction. If memory runs out or the text gets too long, it reports that as the fault
/// and stays unchanged.
class TextOut {
public:
    /// The text is collected in `text`, or sent to `sink`; `text` is then a buffer that is full at
    /// `piece_size`.
    TextOut(Vec<char>& text, size_t max_size, std::optional<Error>& fault, TextSink* sink = nullptr) noexcept
        : text_{text}, max_size_{max_size}, fault_{fault}, sink_{sink} {}

    TextOut& add(std::string_view piece) noexcept;
    /// Sends the contents of the buffer.
    void flush() noexcept;
    TextOut& natural(uint64_t value) noexcept { return decimal(value); }
    TextOut& integer(int64_t value) noexcept { return decimal(value); }
    /// With `0x` and at least this many digits.
    TextOut& hexadecimal(uint64_t value, unsigned digits = 1) noexcept;
    /// A binary32 or binary64 number with exactly these bits.
    /// https://webassembly.github.io/spec/core/text/values.html#floating-point
    TextOut& f32(uint32_t bits) noexcept {
        char buffer[40];
        return add(print_f32(bits, buffer));
    }
    TextOut& f64(uint64_t bits) noexcept {
        char buffer[40];
        return add(print_f64(bits, buffer));
    }
    /// Quoted; everything except printable ASCII is escaped.
    TextOut& string(std::string_view value) noexcept;
    /// `$name`, or `$"name"` if it has other characters than identifiers may have.
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
