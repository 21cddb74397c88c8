#include "float.hpp"

#include "bignum.hpp"

#include <bit>

namespace warpbeam::text {

std::optional<uint64_t> round_binary(const FloatFormat& format, uint64_t mantissa, int64_t exponent,
                                     bool sticky) noexcept {
    if (mantissa == 0)
        return 0;
    const int shift = std::countl_zero(mantissa);
    mantissa <<= shift;
    exponent += 63 - shift; // now mantissa / 2^63 is in [1, 2)

    const int64_t below = format.min_exponent() - exponent;
    const bool subnormal = below > 0;
    const int64_t dropped = 63 - static_cast<int64_t>(format.fraction_bits) + (subnormal ? below : 0);
    if (dropped > 64)
        return 0; // less than half of the smallest number
    const uint64_t half = uint64_t{1} << 63;
    uint64_t kept = dropped == 64 ? 0 : mantissa >> dropped;
    const uint64_t rest = dropped == 64 ? mantissa : mantissa << (64 - dropped);
    if (rest > half || (rest == half && (sticky || (kept & 1) != 0)))
        ++kept;
    if (!subnormal && exponent > -format.min_exponent() + 1)
        return std::nullopt;
    // A carry out of the fraction runs into the exponent, which is what is wanted.
    const uint64_t biased = subnormal ? 0 : static_cast<uint64_t>(exponent - format.min_exponent());
    const uint64_t bits = (biased << format.fraction_bits) + kept;
    return bits < format.infinity() ? std::optional{bits} : std::nullopt;
}

std::optional<uint64_t> round_decimal(const FloatFormat& format, Decimal& decimal) noexcept {
    if (decimal.count == 0)
        return 0;
    if (decimal.sticky) {
        decimal.digits[decimal.count++] = 1;
        --decimal.exponent;
    }
    // 10^(magnitude - 1) <= value < 10^magnitude
    const int64_t magnitude = decimal.exponent + decimal.count;
    if (magnitude > 310)
        return std::nullopt;
    if (magnitude < -330)
        return 0;

    // The value is numerator / denominator; both are aligned so that the quotient is in (1/2, 2), and the
    // quotient's first 64 bits are then found one by one.
    Bignum numerator;
    Bignum denominator;
    for (unsigned i = 0; i < decimal.count; ++i)
        numerator.multiply_add(10, decimal.digits[i]);
    denominator.multiply_add(1, 1);
    (decimal.exponent >= 0 ? numerator : denominator)
        .multiply_power_of_ten(
            static_cast<unsigned>(decimal.exponent >= 0 ? decimal.exponent : -decimal.exponent));
    const int64_t alignment =
        static_cast<int64_t>(denominator.bit_length()) - static_cast<int64_t>(numerator.bit_length());
    if (alignment >= 0)
        numerator.shift_left(static_cast<unsigned>(alignment));
    else
        denominator.shift_left(static_cast<unsigned>(-alignment));
    uint64_t quotient = 0;
    for (int i = 0; i < 64; ++i) {
        quotient <<= 1;
        if (numerator >= denominator) {
            numerator -= denominator;
            quotient |= 1;
        }
        numerator.shift_left(1);
    }
    return round_binary(format, quotient, -63 - alignment, !numerator.is_zero());
}

} // namespace warpbeam::text
