#pragma once

#include "isa/instr.hpp"

#include <warpbeam/memory/little_endian.hpp>

#include <cstdint>

/// Vectors of lanes, which the compiler turns into the machine's vector instructions. Where the language has
/// no expression for an operation, x86 intrinsics are used, next to a portable form.
///
/// All of this is compiled once for each instruction set, in its own namespace that the build names
/// WARPBEAM_ISA. Otherwise the linker would merge equal inline functions, perhaps into one with instructions
/// that the processor doesn't have. WARPBEAM_PORTABLE_LANES disables the intrinsics.

#ifndef WARPBEAM_ISA
#error "the build must define WARPBEAM_ISA, the instruction set"
#endif

#if defined(__SSE2__) && !defined(WARPBEAM_PORTABLE_LANES)
#include <smmintrin.h>
#define WARPBEAM_SSE2 1
#else
#define WARPBEAM_SSE2 0
#endif
#if defined(__SSE4_1__) && WARPBEAM_SSE2
#define WARPBEAM_SSE41 1
#else
#define WARPBEAM_SSE41 0
#endif

namespace warpbeam::vm::WARPBEAM_ISA {

template <typename T>
using Lanes = typename VectorOf<T, 16>::type;
/// Half of a register.
template <typename T>
using HalfLanes = typename VectorOf<T, 8>::type;

using i8x16 = Lanes<int8_t>;
using u8x16 = Lanes<uint8_t>;
using i16x8 = Lanes<int16_t>;
using u16x8 = Lanes<uint16_t>;
using i32x4 = Lanes<int32_t>;
using u32x4 = Lanes<uint32_t>;
using i64x2 = Lanes<int64_t>;
using u64x2 = Lanes<uint64_t>;
using f32x4 = Lanes<float>;
using f64x2 = Lanes<double>;

template <typename V>
using LaneOf = std::remove_cvref_t<decltype(V{}[0])>;
template <typename V>
inline constexpr unsigned lane_count = sizeof(V) / sizeof(LaneOf<V>);

namespace detail {
template <size_t Bytes>
struct IntOf;
template <>
struct IntOf<1> {
    using type = int8_t;
};
template <>
struct IntOf<2> {
    using type = int16_t;
};
template <>
struct IntOf<4> {
    using type = int32_t;
};
template <>
struct IntOf<8> {
    using type = int64_t;
};
} // namespace detail

/// The result type of comparisons of a V: lanes of all ones or zeros.
template <typename V>
using MaskOf = typename VectorOf<typename detail::IntOf<sizeof(LaneOf<V>)>::type, sizeof(V)>::type;
/// The unsigned lanes of the same width.
template <typename V>
using BitsOf = typename VectorOf<std::make_unsigned_t<LaneOf<MaskOf<V>>>, sizeof(V)>::type;

/// The same bits as another vector type.
template <typename To, typename From>
[[gnu::always_inline]] inline To as(From a) noexcept {
    static_assert(sizeof(To) == sizeof(From));
    return __builtin_bit_cast(To, a);
}

/// Where a lane is in a machine's vector. The number that each half is has its lowest lane first only on
/// little-endian machines.
template <typename V>
[[gnu::always_inline]] constexpr unsigned place_of_lane(unsigned lane) noexcept {
    return is_little_endian ? lane : lane ^ (lane_count<V> / 2 - 1);
}
/// The lanes of a Half, converted to a Wide.
template <typename Wide, typename Half>
[[gnu::always_inline]] inline Wide widened(Half half) noexcept {
    const auto wide = __builtin_convertvector(half, Wide);
    if constexpr (is_little_endian)
        return wide;
    else
        return as<Wide>(u64x2{as<u64x2>(wide)[1], as<u64x2>(wide)[0]});
}
/// The lanes, converted to those of a Half, as one number.
template <typename Half, typename V>
[[gnu::always_inline]] inline uint64_t narrowed(V wide) noexcept {
    const auto half = as<uint64_t>(__builtin_convertvector(wide, Half));
    return is_little_endian ? half : half << 32 | half >> 32;
}

/// Applies a function to each lane.
template <typename V, typename F>
[[gnu::always_inline]] inline V each(V a, V b, F f) noexcept {
    for (unsigned i = 0; i < lane_count<V>; ++i)
        a[i] = f(a[i], b[i]);
    return a;
}

/// `a` in all lanes. Works on bits, since 0 + -0 is not -0.
template <typename V>
V splat(LaneOf<V> a) noexcept {
    return as<V>(BitsOf<V>{} + as<LaneOf<BitsOf<V>>>(a));
}

} // namespace warpbeam::vm::WARPBEAM_ISA
