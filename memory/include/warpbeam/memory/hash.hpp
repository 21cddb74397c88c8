#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace warpbeam {

namespace detail {
inline constexpr uint64_t hash_basis = 0xcbf2'9ce4'8422'2325;
template <typename Bytes>
constexpr uint32_t hash_bytes(const Bytes& bytes, uint64_t hash) noexcept {
    for (const auto byte : bytes)
        hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100'0000'01b3;
    return static_cast<uint32_t>(hash ^ hash >> 32);
}
} // namespace detail

/// @{ FNV-1a with a final mix, since tables are indexed by the low bits. `hash` may be the hash of preceding
/// bytes. Thread-safety: any thread may call these functions.
constexpr uint32_t hash_of(std::span<const uint8_t> bytes, uint64_t before = detail::hash_basis) noexcept {
    return detail::hash_bytes(bytes, before);
}
constexpr uint32_t hash_of(std::string_view text, uint64_t before = detail::hash_basis) noexcept {
    return detail::hash_bytes(text, before);
}
constexpr uint32_t hash_of(uint64_t value) noexcept {
    value *= 0x9e37'79b9'7f4a'7c15;
    return static_cast<uint32_t>(value >> 32 ^ value >> 13);
}
/// @}

} // namespace warpbeam
