#pragma once

#include "semantics/float.hpp"
#include "semantics/int.hpp"

#include <cmath>
#include <limits>

/// Conversions between the number types.
/// https://webassembly.github.io/spec/core/exec/numerics.html#conversions

namespace warpbeam::vm {

namespace detail {

/// Whether `a`, truncated, is representable as an Int. 2^bits is exact in every floating-point type. The
/// lower bound of a signed Int is exact too, but if the type has more digits than Int, values between that
/// bound minus one and the bound also truncate to the bound.
template <typename Int, typename Float>
constexpr bool truncates_into(Float a) noexcept {
    constexpr int bits = std::numeric_limits<Int>::digits;
    const Float above = static_cast<Float>(uint64_t{1} << (bits - 1)) * Float{2};
    if constexpr (!std::is_signed_v<Int>)
        return a > Float{-1} && a < above;
    else if constexpr (std::numeric_limits<Float>::digits > bits)
        return a > -above - Float{1} && a < above;
    else
        return a >= -above && a < above;
}

} // namespace detail

/// trunc: traps if the value can't be represented. The result is an unsigned word with Int's bits.
template <typename Int>
struct TruncTo {
    template <typename Float>
    static constexpr Checked<std::make_unsigned_t<Int>> apply(Float a) noexcept {
        if (detail::truncates_into<Int>(a)) [[likely]]
            return {static_cast<std::make_unsigned_t<Int>>(static_cast<Int>(a))};
        return {0, a != a ? Exit::invalid_conversion_to_integer : Exit::integer_overflow};
    }
};

/// trunc_sat: NaN gives zero, out-of-range values the nearest bound.
template <typename Int>
struct TruncSatTo {
    template <typename Float>
    static constexpr std::make_unsigned_t<Int> apply(Float a) noexcept {
        Int result = 0;
        if (detail::truncates_into<Int>(a))
            result = static_cast<Int>(a);
        else if (a == a)
            result = a < Float{0} ? std::numeric_limits<Int>::min() : std::numeric_limits<Int>::max();
        return static_cast<std::make_unsigned_t<Int>>(result);
    }
};

/// convert: From is the integer type of the operand's bits.
template <typename From, typename Float>
struct ConvertTo {
    static constexpr Float apply(std::make_unsigned_t<From> a) noexcept {
        return static_cast<Float>(static_cast<From>(a));
    }
};
struct Demote {
    static float apply(double a) noexcept { return static_cast<float>(a); }
};
struct Promote {
    static double apply(float a) noexcept {
#ifdef __powerpc__ // registers hold an f32 in this form, so no instruction makes a NaN quiet
        return detail::quieted(static_cast<double>(a));
#else
        return static_cast<double>(a);
#endif
    }
};
template <typename To>
struct Reinterpret {
    template <typename From>
    static constexpr To apply(From a) noexcept {
        return std::bit_cast<To>(a);
    }
};
struct Wrap {
    static constexpr uint32_t apply(uint64_t a) noexcept { return static_cast<uint32_t>(a); }
};
struct ExtendI32S {
    static constexpr uint64_t apply(uint32_t a) noexcept {
        return static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(a)));
    }
};

} // namespace warpbeam::vm
