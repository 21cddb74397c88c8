#pragma once

#include <cstdint>

namespace warpbeam {

/// A number of 128 bits.
struct WideNumber {
    uint64_t low = 0;  ///< the lower half
    uint64_t high = 0; ///< the upper half
};

namespace detail {
/// For machines with 32-bit words, which have no integers of 128 bits.
[[nodiscard]] constexpr WideNumber product_of_halves(uint64_t a, uint64_t b) noexcept {
    const uint64_t low = (a & UINT32_MAX) * (b & UINT32_MAX);
    const uint64_t mixed = (a >> 32) * (b & UINT32_MAX) + (low >> 32);
    const uint64_t other = (a & UINT32_MAX) * (b >> 32) + (mixed & UINT32_MAX);
    return {a * b, (a >> 32) * (b >> 32) + (mixed >> 32) + (other >> 32)};
}
/// The unsigned product as that of signed numbers: one whose topmost bit is set counts 2^64 too much.
[[nodiscard]] constexpr WideNumber as_signed(WideNumber product, uint64_t a, uint64_t b) noexcept {
    product.high -= (a >> 63 != 0 ? b : 0) + (b >> 63 != 0 ? a : 0);
    return product;
}
} // namespace detail

/// The whole product of two numbers.
[[nodiscard]] [[gnu::always_inline]] constexpr WideNumber wide_product(uint64_t a, uint64_t b) noexcept {
#ifdef __SIZEOF_INT128__
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return {static_cast<uint64_t>(product), static_cast<uint64_t>(product >> 64)};
#else
    return detail::product_of_halves(a, b);
#endif
}

/// The same for signed numbers in two's complement.
[[nodiscard]] [[gnu::always_inline]] constexpr WideNumber signed_wide_product(uint64_t a,
                                                                              uint64_t b) noexcept {
#ifdef __SIZEOF_INT128__
    __extension__ using Wide = __int128;
    const auto product = static_cast<Wide>(static_cast<int64_t>(a)) * static_cast<int64_t>(b);
    return {static_cast<uint64_t>(product), static_cast<uint64_t>(product >> 64)};
#else
    return detail::as_signed(wide_product(a, b), a, b);
#endif
}

/// Both halves of the product, combined: what hashes are made of.
[[nodiscard]] [[gnu::always_inline]] constexpr uint64_t folded_product(uint64_t a, uint64_t b) noexcept {
    const WideNumber product = wide_product(a, b);
    return product.low ^ product.high;
}

} // namespace warpbeam
