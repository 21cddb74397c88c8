#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>

/// @file
/// Converts counts with any period to whole seconds, rounded down. std::chrono::floor would overflow
/// silently, and for a floating-point count it would round the number of seconds before rounding it down.

namespace warpbeam::sfv::detail {

__extension__ using Wide = __int128;

[[nodiscard]] constexpr Wide floor_divide(Wide number, Wide divisor) noexcept {
    const Wide quotient = number / divisor;
    return number % divisor < 0 ? quotient - 1 : quotient;
}

[[nodiscard]] constexpr std::optional<int64_t> narrowed(Wide number) noexcept {
    if (number < std::numeric_limits<int64_t>::min() || number > std::numeric_limits<int64_t>::max())
        return std::nullopt;
    return static_cast<int64_t>(number);
}

/// Returns nothing if the seconds do not fit in 64 bits.
template <typename Period, std::integral Count>
[[nodiscard]] constexpr std::optional<int64_t> floor_to_seconds(Count count) noexcept {
    static_assert(sizeof(Count) <= 8,
                  "time points that count in integers of more than 64 bits are not supported");
    // The product of 64 bits and 63 bits fits in a Wide.
    return narrowed(floor_divide(Wide{count} * Period::num, Period::den));
}

/// The same for a finite floating-point count, without any rounding error.
template <typename Period, std::floating_point Count>
[[nodiscard]] constexpr std::optional<int64_t> floor_to_seconds(Count count) noexcept {
    static_assert(std::numeric_limits<Count>::digits <= 64 && std::numeric_limits<Count>::radix == 2,
                  "time points that count in floating-point numbers of this precision are not supported");
    constexpr Count two_to_63 = 9223372036854775808.0F;
    constexpr Count tiny = 1 / two_to_63 / 2; // less than a second in every period
    if (count > -tiny && count < tiny)
        return count < 0 ? -1 : 0;
    if (!(count > -two_to_63 * (two_to_63 / 2) && count < two_to_63 * (two_to_63 / 2)))
        return std::nullopt; // a period is at least 2^-63 seconds
    // Convert to an integer and a power of two, without loss. If there is a fraction, the integer has at most
    // 64 bits, and the count is at least `tiny`, so that it is shifted by less than 128.
    int shift = 0;
    for (; static_cast<Count>(static_cast<Wide>(count)) != count; ++shift)
        count *= 2;
    const auto number = static_cast<Wide>(count);
    if (shift == 0 && (number < 0 ? -number : number) > std::numeric_limits<Wide>::max() / Period::num)
        return std::nullopt;
    return narrowed(floor_divide(number * Period::num >> shift, Period::den));
}

} // namespace warpbeam::sfv::detail
