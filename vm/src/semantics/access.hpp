#pragma once

#include "isa/decoder.hpp"

#include <warpbeam/memory/little_endian.hpp>
#include <warpbeam/memory/racing.hpp>

#include <bit>

/// Loads and stores of values in memory, which are little-endian, and in the fields of objects, which have
/// the machine's order, as slots do.
/// https://webassembly.github.io/spec/core/exec/instructions.html#memory-instructions

namespace warpbeam::vm {

/// The same for vectors: each half is a number.
[[gnu::always_inline]] inline Vector little_endian(Vector value) noexcept {
    if constexpr (is_little_endian)
        return value;
    const auto halves = std::bit_cast<std::array<uint64_t, 2>>(value);
    return std::bit_cast<Vector>(
        std::array{warpbeam::little_endian(halves[0]), warpbeam::little_endian(halves[1])});
}
using warpbeam::little_endian;

/// The width of an access and its value type: an As in memory, a T on the stack. A signed As is
/// sign-extended.
template <typename As, typename T>
struct Access {
    using Memory = As;
    using Value = T;
    static constexpr uint64_t size = sizeof(As);

    [[gnu::always_inline]] static T load(const uint8_t* at) noexcept {
        As value;
        racing_access<size>(&value, at);
        return extended(little_endian(value));
    }
    [[gnu::always_inline]] static void store(uint8_t* at, T value) noexcept {
        const As narrow = little_endian(static_cast<As>(value));
        racing_access<size>(at, &narrow);
    }
    [[gnu::always_inline]] static T load_field(const uint8_t* at) noexcept {
        As value;
        racing_access<size>(&value, at);
        return extended(value);
    }
    [[gnu::always_inline]] static void store_field(uint8_t* at, T value) noexcept {
        const As narrow = static_cast<As>(value);
        racing_access<size>(at, &narrow);
    }

private:
    [[gnu::always_inline]] static T extended(As value) noexcept {
        if constexpr (is_float<T>)
            return value;
        else if constexpr (std::is_signed_v<As>)
            return static_cast<T>(static_cast<std::make_signed_t<T>>(value));
        else
            return static_cast<T>(value);
    }
};

/// Vector loads from less than 16 bytes: narrow lanes into wide ones, one value into all lanes, or one value
/// and zeros.
template <typename Narrow, typename Wide>
struct ExtendAccess {
    using Value = Vector;
    static constexpr uint64_t size = 8;
    [[gnu::always_inline]] static Vector load(const uint8_t* at) noexcept {
        uint64_t lanes;
        racing_access<size>(&lanes, at);
        const auto narrow = std::bit_cast<typename VectorOf<Narrow, 8>::type>(little_endian(lanes));
        const auto wide =
            std::bit_cast<Vector>(__builtin_convertvector(narrow, typename VectorOf<Wide, 16>::type));
        if constexpr (is_little_endian)
            return wide;
        else // the lowest lane is the last one
            return Vector{wide[1], wide[0]};
    }
};
template <typename Lane>
struct SplatAccess {
    using Value = Vector;
    static constexpr uint64_t size = sizeof(Lane);
    [[gnu::always_inline]] static Vector load(const uint8_t* at) noexcept {
        Lane lane;
        racing_access<size>(&lane, at);
        return std::bit_cast<Vector>(typename VectorOf<Lane, 16>::type{} + little_endian(lane));
    }
};
template <typename Lane>
struct ZeroAccess {
    using Value = Vector;
    static constexpr uint64_t size = sizeof(Lane);
    [[gnu::always_inline]] static Vector load(const uint8_t* at) noexcept {
        Lane lane;
        racing_access<size>(&lane, at);
        return std::bit_cast<Vector>(typename VectorOf<uint64_t, 16>::type{little_endian(lane)});
    }
};

} // namespace warpbeam::vm
