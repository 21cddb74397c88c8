#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace warpbeam::text {

/// What is kept of a positive number: mantissa * 2^exponent, and a little more if `sticky`.
struct Binary {
    uint64_t mantissa = 0; ///< the topmost bit is set
    int64_t exponent = 0;
    bool sticky = false;
};

/// A longer number of digits is not needed: a point halfway between two binary64 numbers has at most 767.
inline constexpr size_t max_decimal_digits = 781;

/// digits * 10^exponent, exact but for what `sticky` stands for. `digits` has 1 to max_decimal_digits decimal
/// digits, the first of which isn't zero. Empty (a mantissa of zero) if the number is below half of the
/// smallest binary64 number; at least 2^1024 if it is above the largest.
///
/// For C++ libraries whose from_chars does not convert to floating-point numbers: libc++ does since
/// version 20.
[[nodiscard]] Binary binary_of(std::string_view digits, int64_t exponent) noexcept;

} // namespace warpbeam::text
