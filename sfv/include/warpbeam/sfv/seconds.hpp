#pragma once

#include <warpbeam/sfv/wide_product.hpp>

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>

/// @file
/// Converts counts with any period to whole seconds, rounded down. std::chrono::floor would overflow
/// silently, and for a floating-point count it would round the number of seconds before rounding it down.

namespace warpbeam::sfv::detail {

/// The magnitude of a number that is less than zero or not.
struct Magnitude {
    uint64_t number;
    bool is_negative;
};

/// The seconds in `number * 2^exponent` periods of num / den seconds each;
/// nothing if they do not fit in 64 bits.
template <uint64_t num, uint64_t den>
[[nodiscard]] constexpr std::optional<int64_t> floor_to_seconds(Magnitude count, int exponent) noexcept {
    WideProduct product = wide_product(count.number, num);
    bool has_rest = false;
    for (; exponent < 0; ++exponent) {
        has_rest = has_rest || (product.low & 1) != 0;
        product = {product.low >> 1 | product.high << 63, product.high >> 1};
    }
    for (; exponent > 0; --exponent) {
        if (product.high >> 63 != 0)
            return std::nullopt; // a period is at least 2^-63 seconds
        product = {product.low << 1, product.high << 1 | product.low >> 63};
    }
    if (product.high >= den)
        return std::nullopt;
    // Now the quotient has 64 bits.
    const WideQuotient whole = divided(product, den);
    const bool rounds = count.is_negative && (has_rest || whole.rest != 0);
    constexpr uint64_t above = uint64_t{1} << 63;
    if (whole.quotient > above - (count.is_negative && !rounds ? 0 : 1))
        return std::nullopt;
    const uint64_t magnitude = whole.quotient + (rounds ? 1 : 0);
    return static_cast<int64_t>(count.is_negative ? 0 - magnitude : magnitude);
}

/// Returns nothing if the seconds do not fit in 64 bits.
template <typename Period, std::integral Count>
[[nodiscard]] constexpr std::optional<int64_t> floor_to_seconds(Count count) noexcept {
    static_assert(sizeof(Count) <= 8,
                  "time points that count in integers of more than 64 bits are not supported");
    const auto bits = static_cast<uint64_t>(count);
    return floor_to_seconds<Period::num, Period::den>({count < 0 ? 0 - bits : bits, count < 0}, 0);
}

/// The same for a finite floating-point count, without any rounding error.
template <typename Period, std::floating_point Count>
[[nodiscard]] constexpr std::optional<int64_t> floor_to_seconds(Count count) noexcept {
    static_assert(std::numeric_limits<Count>::digits <= 64 && std::numeric_limits<Count>::radix == 2,
                  "time points that count in floating-point numbers of this precision are not supported");
    constexpr Count two_to_63 = 9223372036854775808.0F;
    constexpr Count tiny = 1 / two_to_63 / 2; // less than a second in every period
    const bool is_negative = count < 0;
    if (count > -tiny && count < tiny)
        return is_negative ? -1 : 0;
    if (!(count > -two_to_63 * (two_to_63 / 2) && count < two_to_63 * (two_to_63 / 2)))
        return std::nullopt; // a period is at least 2^-63 seconds
    // An integer of 64 bits and a power of two, without loss.
    Count magnitude = is_negative ? -count : count;
    int exponent = 0;
    for (; magnitude >= two_to_63 * 2; ++exponent)
        magnitude /= 2;
    for (; static_cast<Count>(static_cast<uint64_t>(magnitude)) != magnitude; --exponent)
        magnitude *= 2;
    return floor_to_seconds<Period::num, Period::den>({static_cast<uint64_t>(magnitude), is_negative},
                                                      exponent);
}

} // namespace warpbeam::sfv::detail
