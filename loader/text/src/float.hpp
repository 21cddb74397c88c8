#pragma once

#include <cstdint>
#include <optional>

namespace warpbeam::text {

/// An IEEE 754 binary interchange format.
struct FloatFormat {
    unsigned fraction_bits;
    unsigned exponent_bits;

    [[nodiscard]] constexpr int64_t min_exponent() const noexcept {
        return 2 - (int64_t{1} << (exponent_bits - 1));
    }
    [[nodiscard]] constexpr uint64_t infinity() const noexcept {
        return ((uint64_t{1} << exponent_bits) - 1) << fraction_bits;
    }
    [[nodiscard]] constexpr uint64_t sign() const noexcept {
        return uint64_t{1} << (fraction_bits + exponent_bits);
    }
};
inline constexpr FloatFormat binary32{23, 8};
inline constexpr FloatFormat binary64{52, 11};

/// A decimal literal: 0 <= digits * 10^exponent.
struct Decimal {
    /// A halfway point between two binary64 numbers has at most 767 significant digits, so beyond so many it
    /// only matters whether one is not zero; the digit 1 at the end then says so.
    static constexpr unsigned max_digits = 780;

    uint8_t digits[max_digits + 1];
    unsigned count = 0;
    bool sticky = false;
    int64_t exponent = 0;

    void add(uint8_t digit, bool fraction) noexcept {
        if (count == 0 && digit == 0) {
            exponent -= fraction ? 1 : 0;
        } else if (count < max_digits) {
            digits[count++] = digit;
            exponent -= fraction ? 1 : 0;
        } else {
            sticky = sticky || digit != 0;
            exponent += fraction ? 0 : 1;
        }
    }
};

/// The magnitude bits of the number nearest to mantissa * 2^exponent (plus a little when `sticky`), ties to
/// even; absent when that is infinity.
[[nodiscard]] std::optional<uint64_t> round_binary(const FloatFormat& format, uint64_t mantissa,
                                                   int64_t exponent, bool sticky) noexcept;
/// The same for a decimal number.
[[nodiscard]] std::optional<uint64_t> round_decimal(const FloatFormat& format, Decimal& decimal) noexcept;

} // namespace warpbeam::text
