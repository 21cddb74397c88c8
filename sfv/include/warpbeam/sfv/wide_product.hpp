#pragma once

#include <cstdint>

/// @file
/// Numbers of 128 bits, which machines with 32-bit words do not have.

namespace warpbeam::sfv::detail {

/// A number of 128 bits.
struct WideProduct {
    uint64_t low = 0;
    uint64_t high = 0;
};

/// The whole product of two numbers.
[[nodiscard]] constexpr WideProduct wide_product(uint64_t a, uint64_t b) noexcept {
#ifdef __SIZEOF_INT128__
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return {static_cast<uint64_t>(product), static_cast<uint64_t>(product >> 64)};
#else
    const uint64_t low = (a & UINT32_MAX) * (b & UINT32_MAX);
    const uint64_t mixed = (a >> 32) * (b & UINT32_MAX) + (low >> 32);
    const uint64_t other = (a & UINT32_MAX) * (b >> 32) + (mixed & UINT32_MAX);
    return {a * b, (a >> 32) * (b >> 32) + (mixed >> 32) + (other >> 32)};
#endif
}

/// The quotient of a division, and the rest.
struct WideQuotient {
    uint64_t quotient = 0;
    uint64_t rest = 0;
};

/// Divides by a number below 2^63 that is more than the upper half, so that the quotient has 64 bits.
[[nodiscard]] constexpr WideQuotient divided(WideProduct number, uint64_t by) noexcept {
    if (number.high == 0)
        return {number.low / by, number.low % by};
    WideQuotient result{0, number.high};
    for (int bit = 63; bit >= 0; --bit) {
        result.rest = result.rest << 1 | (number.low >> bit & 1);
        result.quotient <<= 1;
        if (result.rest >= by) {
            result.rest -= by;
            result.quotient |= 1;
        }
    }
    return result;
}

} // namespace warpbeam::sfv::detail
