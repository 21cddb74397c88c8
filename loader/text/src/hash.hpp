#pragma once

#include <cstdint>
#include <span>

namespace warpbeam::text {

/// FNV-1a with a final mix, since tables are indexed by the low bits.
constexpr uint32_t hash_of(std::span<const uint8_t> bytes, uint64_t hash = 0xcbf2'9ce4'8422'2325) noexcept {
    for (const uint8_t byte : bytes)
        hash = (hash ^ byte) * 0x100'0000'01b3;
    return static_cast<uint32_t>(hash ^ hash >> 32);
}
constexpr uint32_t hash_of(uint64_t value) noexcept {
    value *= 0x9e37'79b9'7f4a'7c15;
    return static_cast<uint32_t>(value >> 32 ^ value >> 13);
}

} // namespace warpbeam::text
