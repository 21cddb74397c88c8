#pragma once

#include <warpbeam/memory/wide_product.hpp>

#include <bit>
#include <cstddef>
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
/// bytes. Not for what a module chooses, such as names: it may choose those that are slow. Thread-safety: any
/// thread may call these functions.
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

/// Mixes numbers and bytes into a hash that a module's author can't steer without knowing the seed.
/// Thread-safety: one thread at a time.
class SeededHash {
public:
    /// The hash of nothing.
    explicit SeededHash(uint64_t seed) noexcept : state_{seed} {}
    /// With the address of a table as the seed, which differs each time that a program runs.
    explicit SeededHash(const void* table) noexcept : SeededHash{reinterpret_cast<uintptr_t>(table)} {}

    /// A number. Returns itself.
    SeededHash& add(uint64_t value) noexcept {
        state_ = folded_product(state_ ^ value, 0x9e37'79b9'7f4a'7c15u) ^ std::rotl(value, 23);
        return *this;
    }
    /// @{ Bytes with their number, so that what follows can't pass for a part of them. Returns itself.
    SeededHash& add(std::span<const uint8_t> bytes) noexcept { return add_bytes(bytes); }
    SeededHash& add(std::string_view text) noexcept { return add_bytes(text); }
    /// @}
    /// The hash of all that was added.
    [[nodiscard]] uint32_t finish() const noexcept { return static_cast<uint32_t>(state_ ^ (state_ >> 32)); }

private:
    template <typename Bytes>
    SeededHash& add_bytes(const Bytes& bytes) noexcept {
        add(bytes.size());
        uint64_t word = 0;
        size_t count = 0;
        for (const auto byte : bytes) {
            word = word << 8 | static_cast<uint8_t>(byte);
            if (++count % sizeof word == 0)
                add(word);
        }
        return count % sizeof word == 0 ? *this : add(word);
    }

    uint64_t state_;
};

} // namespace warpbeam
