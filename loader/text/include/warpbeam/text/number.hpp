#pragma once

#include <warpbeam/memory/export.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

/// The numbers of the text format, https://webassembly.github.io/spec/core/text/values.html

namespace warpbeam::text {

enum class NumberKind : uint8_t { none, natural, integer, floating };

/// What kind of number `text` as a whole is; a natural is also an integer, and both are also floating.
[[nodiscard]] WARPBEAM_API NumberKind classify_number(std::string_view text) noexcept;

// For the following, `text` has been classified as a number of a fitting kind; a result that does not fit
// is absent.

/// An unsigned integer of `bits` bits.
[[nodiscard]] WARPBEAM_API std::optional<uint64_t> parse_unsigned(std::string_view text,
                                                                  unsigned bits) noexcept;

/// An integer of `bits` bits whose signedness is open, as two's complement in the low bits.
/// https://webassembly.github.io/spec/core/text/values.html#integers
[[nodiscard]] WARPBEAM_API std::optional<uint64_t> parse_integer(std::string_view text,
                                                                 unsigned bits) noexcept;

/// The bits of a binary32 or binary64 number: rounded to nearest, ties to even, whatever the length of the
/// literal; absent when it would round to infinity or when the payload of a NaN does not fit.
/// https://webassembly.github.io/spec/core/text/values.html#floating-point
[[nodiscard]] WARPBEAM_API std::optional<uint32_t> parse_f32(std::string_view text) noexcept;
[[nodiscard]] WARPBEAM_API std::optional<uint64_t> parse_f64(std::string_view text) noexcept;

/// The literal of the number with these bits, in `buffer`, so that the same bits are read from it: the
/// shortest decimal, or how the text format writes infinities and NaNs.
[[nodiscard]] WARPBEAM_API std::string_view print_f32(uint32_t bits, std::span<char, 40> buffer) noexcept;
[[nodiscard]] WARPBEAM_API std::string_view print_f64(uint64_t bits, std::span<char, 40> buffer) noexcept;

} // namespace warpbeam::text
