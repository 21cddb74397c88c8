#pragma once

#include "isa/decoder.hpp"

#include <warpbeam/memory/racing.hpp>

#include <bit>

/// Loads and stores of values in memory, and in the fields of objects. Both are little-endian.
/// https://webassembly.github.io/spec/core/exec/instructions.html#memory-instructions

namespace warpbeam::vm {

static_assert(std::endian::native == std::endian::little,
              "memory accesses would need byte swaps on this machine");

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
        if constexpr (is_float<T>)
            return value;
        else if constexpr (std::is_signed_v<As>)
            return static_cast<T>(static_cast<std::make_signed_t<T>>(value));
        else
            return static_cast<T>(value);
    }
    [[gnu::always_inline]] static void store(uint8_t* at, T value) noexcept {
        const As narrow = static_cast<As>(value);
        racing_access<size>(at, &narrow);
    }
};

/// Vector loads from less than 16 bytes: narrow lanes into wide ones, one value into all lanes, or one value
/// and zeros.
template <typename Narrow, typename Wide>
struct ExtendAccess {
    using Value = Vector;
    static constexpr uint64_t size = 8;
    [[gnu::always_inline]] static Vector load(const uint8_t* at) noexcept {
        typename VectorOf<Narrow, 8>::type narrow;
        racing_access<size>(&narrow, at);
        return std::bit_cast<Vector>(__builtin_convertvector(narrow, typename VectorOf<Wide, 16>::type));
    }
};
template <typename Lane>
struct SplatAccess {
    using Value = Vector;
    static constexpr uint64_t size = sizeof(Lane);
    [[gnu::always_inline]] static Vector load(const uint8_t* at) noexcept {
        Lane lane;
        racing_access<size>(&lane, at);
        return std::bit_cast<Vector>(typename VectorOf<Lane, 16>::type{} + lane);
    }
};
template <typename Lane>
struct ZeroAccess {
    using Value = Vector;
    static constexpr uint64_t size = sizeof(Lane);
    [[gnu::always_inline]] static Vector load(const uint8_t* at) noexcept {
        Lane lane;
        racing_access<size>(&lane, at);
        return std::bit_cast<Vector>(typename VectorOf<Lane, 16>::type{lane});
    }
};

} // namespace warpbeam::vm
