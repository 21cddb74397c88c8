#pragma once

#include "semantics/lanes.hpp"
#include "semantics/simd_int.hpp"

#include <cmath>
#include <limits>

/// The vector operators on floating-point lanes as pure functions. NaNs are the machine's quiet ones, as in
/// float.hpp. V is f32x4 or f64x2.
/// https://webassembly.github.io/spec/core/exec/numerics.html#vector-operations

namespace warpbeam::vm::WARPBEAM_ISA {

namespace detail {

template <typename V>
V with_bits(V a, BitsOf<V> b) noexcept {
    return as<V>(as<BitsOf<V>>(a) | b);
}
template <typename V>
inline constexpr LaneOf<BitsOf<V>> sign = LaneOf<BitsOf<V>>{1} << (8 * sizeof(LaneOf<V>) - 1);

/// From this magnitude on, all values are integers.
template <typename V>
inline constexpr LaneOf<V> integral_from =
    sizeof(LaneOf<V>) == 4 ? LaneOf<V>{8388608} : LaneOf<V>{4503599627370496};

} // namespace detail

template <typename V>
V fabs(V a) noexcept {
    return as<V>(as<BitsOf<V>>(a) & ~detail::sign<V>);
}
template <typename V>
V fneg(V a) noexcept {
    return as<V>(as<BitsOf<V>>(a) ^ detail::sign<V>);
}
template <typename V>
V fcopysign(V a, V b) noexcept {
    return detail::with_bits(fabs(a), as<BitsOf<V>>(b) & detail::sign<V>);
}
template <typename V>
V fdiv(V a, V b) noexcept {
    return a / b;
}
template <typename V>
V fsqrt(V a) noexcept {
#if WARPBEAM_SSE2
    if constexpr (std::is_same_v<V, f32x4>)
        return as<V>(_mm_sqrt_ps(as<__m128>(a)));
    else
        return as<V>(_mm_sqrt_pd(as<__m128d>(a)));
#else
    return each(a, a, [](auto x, auto) { return std::sqrt(x); });
#endif
}

/// Also relaxed minima and maxima, as in the deterministic profile.
template <typename V>
V fmin(V a, V b) noexcept {
    // Neither is less: equal (then -0 is the smaller zero) or not comparable (then the sum is the NaN).
    const V same = a == b ? detail::with_bits(a, as<BitsOf<V>>(b)) : a + b;
    return a < b ? a : b < a ? b : same;
}
template <typename V>
V fmax(V a, V b) noexcept {
    const V same = a == b ? as<V>(as<BitsOf<V>>(a) & as<BitsOf<V>>(b)) : a + b;
    return a > b ? a : b > a ? b : same;
}
template <typename V>
V pmin(V a, V b) noexcept {
    return b < a ? b : a;
}
template <typename V>
V pmax(V a, V b) noexcept {
    return a < b ? b : a;
}
/// a * b, rounded before it is added to anything, also where the compiler may fuse both (but not with clang's
/// -ffp-contract=fast).
template <typename V>
V product(V a, V b) noexcept {
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
    return a * b;
#else
    return __builtin_assoc_barrier(a * b);
#endif
}
/// a * b + c, rounded twice as in the deterministic profile.
template <typename V>
V relaxed_madd(V a, V b, V c) noexcept {
    return product(a, b) + c;
}
template <typename V>
V relaxed_nmadd(V a, V b, V c) noexcept {
    return product(fneg(a), b) + c;
}

// ---- Rounding ----

namespace detail {

/// The result of `round` for values below integral_from, with the sign of `a`. Larger values are integers;
/// NaNs become quiet.
template <typename V, typename F>
[[gnu::always_inline]] inline V rounded(V a, F round) noexcept {
    constexpr auto quiet_bit = LaneOf<BitsOf<V>>{1} << (sizeof(LaneOf<V>) == 4 ? 22 : 51);
    const V quieted = a == a ? a : with_bits(a, BitsOf<V>{} + quiet_bit);
    return fabs(a) < integral_from<V> ? fcopysign(round(a), a) : quieted;
}
/// The addition rounds to even at the binary point; the subtraction is exact.
template <typename V>
V to_even(V a) noexcept {
    const V large = fcopysign(splat<V>(integral_from<V>), a);
    return (a + large) - large;
}

} // namespace detail

template <typename V>
V nearest(V a) noexcept {
#if WARPBEAM_SSE41
    if constexpr (std::is_same_v<V, f32x4>)
        return as<V>(_mm_round_ps(as<__m128>(a), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    else
        return as<V>(_mm_round_pd(as<__m128d>(a), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
#else
    return detail::rounded(a, [](V x) { return detail::to_even(x); });
#endif
}
template <typename V>
V floor(V a) noexcept {
#if WARPBEAM_SSE41
    if constexpr (std::is_same_v<V, f32x4>)
        return as<V>(_mm_round_ps(as<__m128>(a), _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC));
    else
        return as<V>(_mm_round_pd(as<__m128d>(a), _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC));
#else
    return detail::rounded(a, [](V x) {
        const V even = detail::to_even(x);
        return even > x ? even - 1 : even;
    });
#endif
}
template <typename V>
V ceil(V a) noexcept {
#if WARPBEAM_SSE41
    if constexpr (std::is_same_v<V, f32x4>)
        return as<V>(_mm_round_ps(as<__m128>(a), _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC));
    else
        return as<V>(_mm_round_pd(as<__m128d>(a), _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC));
#else
    return detail::rounded(a, [](V x) {
        const V even = detail::to_even(x);
        return even < x ? even + 1 : even;
    });
#endif
}
template <typename V>
V trunc(V a) noexcept {
#if WARPBEAM_SSE41
    if constexpr (std::is_same_v<V, f32x4>)
        return as<V>(_mm_round_ps(as<__m128>(a), _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC));
    else
        return as<V>(_mm_round_pd(as<__m128d>(a), _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC));
#else
    return detail::rounded(a, [](V x) {
        const V magnitude = fabs(x);
        const V even = detail::to_even(magnitude);
        return even > magnitude ? even - 1 : even;
    });
#endif
}

// ---- Conversions ----

/// Truncates to i32x4 or u32x4; NaN gives zero, out-of-range values the nearest bound. The relaxed operators
/// do the same, as in the deterministic profile.
template <typename I>
I trunc_sat(f32x4 a) noexcept {
    using Limits = std::numeric_limits<LaneOf<I>>;
    constexpr float least = static_cast<float>(Limits::min());
    constexpr float above = 2.0F * (1.0F + static_cast<float>(Limits::max() / 2));
    const auto in_range = (a >= least) & (a < above);
    const I result = __builtin_convertvector(in_range ? a : f32x4{}, I);
    return result | (as<I>(a >= above) & Limits::max()) | (as<I>(a < least) & Limits::min());
}
/// The same in the lower lanes; the upper ones are zero.
template <typename I>
I trunc_sat_zero(f64x2 a) noexcept {
    using Limits = std::numeric_limits<LaneOf<I>>;
    a = a == a ? a : f64x2{};
    a = pmin(pmax(a, splat<f64x2>(Limits::min())), splat<f64x2>(Limits::max()));
    return as<I>(u64x2{narrowed<HalfLanes<LaneOf<I>>>(a), 0});
}
template <typename I>
f32x4 convert(I a) noexcept {
    return __builtin_convertvector(a, f32x4);
}
inline f64x2 promote_low(f32x4 a) noexcept {
    const f64x2 result = extend_low<f64x2>(a);
#ifdef __powerpc__ // as in Promote
    return as<f64x2>(as<u64x2>(result) | (as<u64x2>(result != result) & (uint64_t{1} << 51)));
#else
    return result;
#endif
}
inline f32x4 demote_zero(f64x2 a) noexcept { return as<f32x4>(u64x2{narrowed<HalfLanes<float>>(a), 0}); }

} // namespace warpbeam::vm::WARPBEAM_ISA
