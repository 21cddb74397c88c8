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

/// The magnitude bits of the number nearest to mantissa * 2^exponent (plus a little when `sticky`), ties to
/// even; absent when that is infinity.
[[nodiscard]] std::optional<uint64_t> round_binary(const FloatFormat& format, uint64_t mantissa,
                                                   int64_t exponent, bool sticky) noexcept;

} // namespace warpbeam::text
