#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

namespace warpbeam {

namespace detail {
template <std::size_t bytes>
using UnsignedOf = std::conditional_t<
    bytes == 1, uint8_t,
    std::conditional_t<bytes == 2, uint16_t, std::conditional_t<bytes == 4, uint32_t, uint64_t>>>;
} // namespace detail

/// Whether numbers lie in memory as WebAssembly's do, the lowest byte first.
inline constexpr bool is_little_endian = std::endian::native == std::endian::little;

/// A number of up to eight bytes in the byte order of WebAssembly's memories, or from it back. On
/// little-endian machines that is the number itself.
template <typename T>
    requires(std::is_arithmetic_v<T> && sizeof(T) <= 8)
[[nodiscard]] [[gnu::always_inline]] constexpr T little_endian(T value) noexcept {
    if constexpr (is_little_endian || sizeof(T) == 1)
        return value;
    else
        return std::bit_cast<T>(std::byteswap(std::bit_cast<detail::UnsignedOf<sizeof(T)>>(value)));
}

} // namespace warpbeam
