#pragma once

#include "semantics/lanes.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

/// The vector operators on integer lanes and on whole vectors as pure functions.
/// https://webassembly.github.io/spec/core/exec/numerics.html#vector-operations

namespace warpbeam::vm::WARPBEAM_ISA {

// ---- Bits ----

inline u64x2 not_(u64x2 a) noexcept { return ~a; }
inline u64x2 and_(u64x2 a, u64x2 b) noexcept { return a & b; }
inline u64x2 andnot(u64x2 a, u64x2 b) noexcept { return a & ~b; }
inline u64x2 or_(u64x2 a, u64x2 b) noexcept { return a | b; }
inline u64x2 xor_(u64x2 a, u64x2 b) noexcept { return a ^ b; }
/// The bits of `a` where `c` has ones, those of `b` elsewhere. Relaxed lane selection does the same, as in
/// the deterministic profile.
inline u64x2 bitselect(u64x2 a, u64x2 b, u64x2 c) noexcept { return ((a ^ b) & c) ^ b; }
inline bool any_true(u64x2 a) noexcept { return (a[0] | a[1]) != 0; }

// ---- Arithmetic; lanes are unsigned, so they wrap ----

template <typename V>
V add(V a, V b) noexcept {
    return a + b;
}
template <typename V>
V sub(V a, V b) noexcept {
    return a - b;
}
template <typename V>
V mul(V a, V b) noexcept {
    return a * b;
}
template <typename V>
V negate(V a) noexcept {
    return V{} - a;
}
template <typename V>
V absolute(V a) noexcept {
    return as<MaskOf<V>>(a) < 0 ? V{} - a : a;
}
template <typename V>
V min(V a, V b) noexcept {
    return a < b ? a : b;
}
template <typename V>
V max(V a, V b) noexcept {
    return a > b ? a : b;
}

/// Saturating addition and subtraction of lanes that fit into an int.
template <typename V>
V add_sat(V a, V b) noexcept {
#if WARPBEAM_SSE2
    if constexpr (std::is_same_v<V, i8x16>)
        return as<V>(_mm_adds_epi8(as<__m128i>(a), as<__m128i>(b)));
    else if constexpr (std::is_same_v<V, u8x16>)
        return as<V>(_mm_adds_epu8(as<__m128i>(a), as<__m128i>(b)));
    else if constexpr (std::is_same_v<V, i16x8>)
        return as<V>(_mm_adds_epi16(as<__m128i>(a), as<__m128i>(b)));
    else
        return as<V>(_mm_adds_epu16(as<__m128i>(a), as<__m128i>(b)));
#else
    using Limits = std::numeric_limits<LaneOf<V>>;
    return each(a, b, [](int x, int y) {
        return static_cast<LaneOf<V>>(std::clamp(x + y, int{Limits::min()}, int{Limits::max()}));
    });
#endif
}
template <typename V>
V sub_sat(V a, V b) noexcept {
#if WARPBEAM_SSE2
    if constexpr (std::is_same_v<V, i8x16>)
        return as<V>(_mm_subs_epi8(as<__m128i>(a), as<__m128i>(b)));
    else if constexpr (std::is_same_v<V, u8x16>)
        return as<V>(_mm_subs_epu8(as<__m128i>(a), as<__m128i>(b)));
    else if constexpr (std::is_same_v<V, i16x8>)
        return as<V>(_mm_subs_epi16(as<__m128i>(a), as<__m128i>(b)));
    else
        return as<V>(_mm_subs_epu16(as<__m128i>(a), as<__m128i>(b)));
#else
    using Limits = std::numeric_limits<LaneOf<V>>;
    return each(a, b, [](int x, int y) {
        return static_cast<LaneOf<V>>(std::clamp(x - y, int{Limits::min()}, int{Limits::max()}));
    });
#endif
}

/// The average, rounded up.
template <typename V>
V avgr(V a, V b) noexcept {
#if WARPBEAM_SSE2
    if constexpr (std::is_same_v<V, u8x16>)
        return as<V>(_mm_avg_epu8(as<__m128i>(a), as<__m128i>(b)));
    else
        return as<V>(_mm_avg_epu16(as<__m128i>(a), as<__m128i>(b)));
#else
    return (a | b) - ((a ^ b) >> 1);
#endif
}

/// (a * b + 2^14) >> 15, saturated. The relaxed operator does the same, as in the deterministic profile.
inline i16x8 q15mulr_sat(i16x8 a, i16x8 b) noexcept {
#if WARPBEAM_SSE41
    // Only -1 * -1 overflows.
    const i16x8 product = as<i16x8>(_mm_mulhrs_epi16(as<__m128i>(a), as<__m128i>(b)));
    return product ^ (product == INT16_MIN);
#else
    return each(a, b, [](int x, int y) {
        return static_cast<int16_t>(std::min((x * y + 0x4000) >> 15, int{INT16_MAX}));
    });
#endif
}

inline u8x16 popcnt(u8x16 a) noexcept {
    a = a - ((a >> 1) & 0x55);
    a = (a & 0x33) + ((a >> 2) & 0x33);
    return (a + (a >> 4)) & 0x0f;
}

// ---- Shifts ----

template <typename V>
V shl(V a, uint32_t count) noexcept {
    return a << static_cast<LaneOf<V>>(count % (8 * sizeof(LaneOf<V>)));
}
/// Arithmetic if the lanes are signed.
template <typename V>
V shr(V a, uint32_t count) noexcept {
    return a >> static_cast<LaneOf<V>>(count % (8 * sizeof(LaneOf<V>)));
}

// ---- Comparisons: all ones or none ----

template <typename V>
MaskOf<V> eq(V a, V b) noexcept {
    return a == b;
}
template <typename V>
MaskOf<V> ne(V a, V b) noexcept {
    return a != b;
}
template <typename V>
MaskOf<V> lt(V a, V b) noexcept {
    return a < b;
}
template <typename V>
MaskOf<V> gt(V a, V b) noexcept {
    return a > b;
}
template <typename V>
MaskOf<V> le(V a, V b) noexcept {
    return a <= b;
}
template <typename V>
MaskOf<V> ge(V a, V b) noexcept {
    return a >= b;
}

/// The topmost bits of the lanes.
template <typename V>
uint32_t bitmask(V a) noexcept {
#if WARPBEAM_SSE2
    if constexpr (sizeof(a[0]) == 1)
        return static_cast<uint32_t>(_mm_movemask_epi8(as<__m128i>(a)));
    else if constexpr (sizeof(a[0]) == 2)
        return static_cast<uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(as<__m128i>(a), __m128i{})));
    else if constexpr (sizeof(a[0]) == 4)
        return static_cast<uint32_t>(_mm_movemask_ps(as<__m128>(a)));
    else
        return static_cast<uint32_t>(_mm_movemask_pd(as<__m128d>(a)));
#else
    uint32_t mask = 0;
    for (unsigned i = 0; i < lane_count<V>; ++i)
        mask |= uint32_t{a[place_of_lane<V>(i)] < 0} << i;
    return mask;
#endif
}
template <typename V>
bool all_true(V a) noexcept {
    return bitmask(as<i8x16>(a == V{})) == 0;
}

// ---- Between widths ----

/// The lower or upper half of the lanes, converted to wider ones.
template <typename Wide, typename V>
Wide extend_low(V a) noexcept {
    return widened<Wide>(as<HalfLanes<LaneOf<V>>>(as<u64x2>(a)[0]));
}
template <typename Wide, typename V>
Wide extend_high(V a) noexcept {
    return widened<Wide>(as<HalfLanes<LaneOf<V>>>(as<u64x2>(a)[1]));
}
template <typename Wide, typename V>
Wide extmul_low(V a, V b) noexcept {
    return extend_low<Wide>(a) * extend_low<Wide>(b);
}
template <typename Wide, typename V>
Wide extmul_high(V a, V b) noexcept {
    return extend_high<Wide>(a) * extend_high<Wide>(b);
}

/// The narrow lanes at even positions (the lower halves of wide lanes), sign- or zero-extended.
template <typename Wide>
Wide even(Wide a) noexcept {
    constexpr int half = 4 * sizeof(a[0]);
    return as<Wide>(as<BitsOf<Wide>>(a) << half) >> half;
}
/// The narrow lanes at odd positions.
template <typename Wide>
Wide odd(Wide a) noexcept {
    constexpr int half = 4 * sizeof(a[0]);
    return a >> half;
}
/// The sums of adjacent lanes that are narrower than those of a Wide.
template <typename Wide>
Wide extadd_pairwise(Wide a) noexcept {
    return even(a) + odd(a);
}

/// Products of i16; adjacent ones are added.
inline u32x4 dot(i32x4 a, i32x4 b) noexcept {
#if WARPBEAM_SSE2
    return as<u32x4>(_mm_madd_epi16(as<__m128i>(a), as<__m128i>(b)));
#else
    return as<u32x4>(even(a) * even(b)) + as<u32x4>(odd(a) * odd(b));
#endif
}
/// Products of i8; adjacent ones are added with saturation: the deterministic profile of the relaxed dot
/// product.
inline i16x8 relaxed_dot(i16x8 a, i16x8 b) noexcept {
    return add_sat<i16x8>(even(a) * even(b), odd(a) * odd(b));
}
inline u32x4 relaxed_dot_add(i16x8 a, i16x8 b, u32x4 c) noexcept {
    return as<u32x4>(extadd_pairwise(as<i32x4>(relaxed_dot(a, b)))) + c;
}

/// The lanes of both vectors, saturated to half the width.
template <typename Narrow, typename V>
Narrow narrow(V a, V b) noexcept {
#if WARPBEAM_SSE2
    if constexpr (std::is_same_v<Narrow, i8x16>)
        return as<Narrow>(_mm_packs_epi16(as<__m128i>(a), as<__m128i>(b)));
    else if constexpr (std::is_same_v<Narrow, u8x16>)
        return as<Narrow>(_mm_packus_epi16(as<__m128i>(a), as<__m128i>(b)));
    else if constexpr (std::is_same_v<Narrow, i16x8>)
        return as<Narrow>(_mm_packs_epi32(as<__m128i>(a), as<__m128i>(b)));
    else
#endif
    {
#if WARPBEAM_SSE41
        return as<Narrow>(_mm_packus_epi32(as<__m128i>(a), as<__m128i>(b)));
#else
        using Limits = std::numeric_limits<LaneOf<Narrow>>;
        const auto half = [](V wide) {
            wide = min(max(wide, splat<V>(Limits::min())), splat<V>(Limits::max()));
            return narrowed<HalfLanes<LaneOf<Narrow>>>(wide);
        };
        return as<Narrow>(u64x2{half(a), half(b)});
#endif
    }
}

// ---- Moving lanes ----

/// The bytes of `a` at the positions in `b`; zero for positions out of range. The relaxed operator does the
/// same, as in the deterministic profile.
inline u8x16 swizzle(u8x16 a, u8x16 b) noexcept {
#if WARPBEAM_SSE41
    // From 16 on the topmost bit is set, which gives zero.
    return as<u8x16>(_mm_shuffle_epi8(as<__m128i>(a), _mm_adds_epu8(as<__m128i>(b), _mm_set1_epi8(0x70))));
#else
    u8x16 result;
    for (unsigned i = 0; i < 16; ++i)
        result[i] = b[i] < 16 ? a[place_of_lane<u8x16>(b[i])] : uint8_t{0};
    return result;
#endif
}
/// The bytes at the positions 0 to 31 in `places`, from `a` followed by `b`.
inline u8x16 shuffle(u8x16 a, u8x16 b, u8x16 places) noexcept {
#if WARPBEAM_SSE41
    return swizzle(a, places) | swizzle(b, places - 16);
#else
    uint8_t both[32];
    std::memcpy(both, &a, 16);
    std::memcpy(both + 16, &b, 16);
    for (unsigned i = 0; i < 16; ++i)
        places[i] = both[(places[i] & 16) + place_of_lane<u8x16>(places[i] & 15)];
    return places;
#endif
}
/// `a` with one lane replaced.
template <typename V>
V replace_lane(V a, LaneOf<V> value, unsigned lane) noexcept {
    using Bits = BitsOf<V>;
    Bits numbers;
    for (unsigned i = 0; i < lane_count<V>; ++i)
        numbers[place_of_lane<V>(i)] = static_cast<LaneOf<Bits>>(i);
    const auto mask = numbers == static_cast<LaneOf<Bits>>(lane);
    return mask ? splat<V>(value) : a;
}

} // namespace warpbeam::vm::WARPBEAM_ISA
