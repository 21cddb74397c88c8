#pragma once

#include <bit>
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

/// The magnitude bits of the number nearest to mantissa * 2^exponent (plus a little if `sticky`), ties to
/// even; empty if that is infinity.
[[nodiscard]] inline std::optional<uint64_t> round_binary(const FloatFormat& format, uint64_t mantissa,
                                                          int64_t exponent, bool sticky) noexcept {
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
    // A carry out of the fraction runs into the exponent, as intended.
    const uint64_t biased = subnormal ? 0 : static_cast<uint64_t>(exponent - format.min_exponent());
    const uint64_t bits = (biased << format.fraction_bits) + kept;
    return bits < format.infinity() ? std::optional{bits} : std::nullopt;
}

} // namespace warpbeam::text
