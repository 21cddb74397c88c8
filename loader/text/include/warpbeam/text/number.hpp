#pragma once

#include <warpbeam/memory/export.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

/// @file
/// The numbers of the text format, https://webassembly.github.io/spec/core/text/values.html

namespace warpbeam::text {

/// What kind of number a text can be read as.
enum class NumberKind : uint8_t { none, natural, integer, floating };

/// The most specific kind that the whole of `text` can be read as: every natural number is also an integer,
/// and every integer is also floating.
[[nodiscard]] WARPBEAM_API NumberKind classify_number(std::string_view text) noexcept;

// For the following, `text` must have been classified as a number of a suitable kind; the result is empty if
// the value does not fit.

/// An unsigned integer of `bits` bits.
[[nodiscard]] WARPBEAM_API std::optional<uint64_t> parse_unsigned(std::string_view text,
                                                                  unsigned bits) noexcept;

/// An integer of `bits` bits, signed or unsigned, as two's complement in the low bits.
/// https://webassembly.github.io/spec/core/text/values.html#integers
[[nodiscard]] WARPBEAM_API std::optional<uint64_t> parse_integer(std::string_view text,
                                                                 unsigned bits) noexcept;

/// @{ The bits of a binary32 or binary64 number. A literal of any length is rounded to the nearest number,
/// ties to even. Empty if that is infinity, or if the payload of a NaN does not fit.
/// https://webassembly.github.io/spec/core/text/values.html#floating-point
[[nodiscard]] WARPBEAM_API std::optional<uint32_t> parse_f32(std::string_view text) noexcept;
[[nodiscard]] WARPBEAM_API std::optional<uint64_t> parse_f64(std::string_view text) noexcept;
/// @}

/// @{ Writes a literal with exactly these bits into `buffer`: the shortest decimal, or the text format's
/// notation for infinities and NaNs.
[[nodiscard]] WARPBEAM_API std::string_view print_f32(uint32_t bits, std::span<char, 40> buffer) noexcept;
[[nodiscard]] WARPBEAM_API std::string_view print_f64(uint64_t bits, std::span<char, 40> buffer) noexcept;
/// @}

} // namespace warpbeam::text
