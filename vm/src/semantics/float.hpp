#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

/// The floating-point operators as pure functions on float and double. If an operand is a NaN, the result is
/// the machine's quiet NaN, which WebAssembly allows.
/// https://webassembly.github.io/spec/core/exec/numerics.html#floating-point-operations

namespace warpbeam::vm {

template <typename T>
using FloatBits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
template <typename T>
inline constexpr FloatBits<T> sign_bit = FloatBits<T>{1} << (8 * sizeof(T) - 1);

struct Div {
    template <typename T>
    static T apply(T a, T b) noexcept {
        return a / b;
    }
};
struct Min {
    template <typename T>
    static T apply(T a, T b) noexcept {
        if (a < b)
            return a;
        if (b < a)
            return b;
        // Equal (then -0 is the smaller zero) or not comparable (then the sum is the NaN).
        return a == b ? std::bit_cast<T>(std::bit_cast<FloatBits<T>>(a) | std::bit_cast<FloatBits<T>>(b))
                      : a + b;
    }
};
struct Max {
    template <typename T>
    static T apply(T a, T b) noexcept {
        if (a > b)
            return a;
        if (b > a)
            return b;
        return a == b ? std::bit_cast<T>(std::bit_cast<FloatBits<T>>(a) & std::bit_cast<FloatBits<T>>(b))
                      : a + b;
    }
};
struct Copysign {
    template <typename T>
    static T apply(T a, T b) noexcept {
        return std::bit_cast<T>((std::bit_cast<FloatBits<T>>(a) & ~sign_bit<T>) |
                                (std::bit_cast<FloatBits<T>>(b) & sign_bit<T>));
    }
};

struct Abs {
    template <typename T>
    static T apply(T a) noexcept {
        return std::bit_cast<T>(std::bit_cast<FloatBits<T>>(a) & ~sign_bit<T>);
    }
};
struct Neg {
    template <typename T>
    static T apply(T a) noexcept {
        return std::bit_cast<T>(std::bit_cast<FloatBits<T>>(a) ^ sign_bit<T>);
    }
};
struct Sqrt {
    template <typename T>
    static T apply(T a) noexcept {
        return std::sqrt(a);
    }
};

namespace detail {

/// Makes a NaN quiet; other values are unchanged. Adding zero would do, but compilers remove it.
template <typename T>
T quieted(T a) noexcept {
    constexpr auto quiet_bit = FloatBits<T>{1} << (sizeof(T) == 4 ? 22 : 51);
    return a == a ? a : std::bit_cast<T>(std::bit_cast<FloatBits<T>>(a) | quiet_bit);
}

/// From this magnitude on, all values are integers (and NaNs fail the comparison too).
template <typename T>
inline constexpr T integral_from = sizeof(T) == 4 ? T{8388608} : T{4503599627370496};

} // namespace detail

// Rounding without the library, which x86-64 would call without SSE 4.1.
struct Trunc {
    template <typename T>
    static T apply(T a) noexcept {
        if (!(Abs::apply(a) < detail::integral_from<T>))
            return detail::quieted(a);
        return Copysign::apply(static_cast<T>(static_cast<int64_t>(a)), a);
    }
};
struct Floor {
    template <typename T>
    static T apply(T a) noexcept {
        const T t = Trunc::apply(a);
        return t > a ? t - T{1} : t;
    }
};
struct Ceil {
    template <typename T>
    static T apply(T a) noexcept {
        const T t = Trunc::apply(a);
        return t < a ? Copysign::apply(t + T{1}, a) : t;
    }
};
struct Nearest {
    template <typename T>
    static T apply(T a) noexcept {
        const T magnitude = Abs::apply(a);
        if (!(magnitude < detail::integral_from<T>))
            return detail::quieted(a);
        // The addition rounds to even at the binary point; the subtraction is exact.
        return Copysign::apply((magnitude + detail::integral_from<T>)-detail::integral_from<T>, a);
    }
};

struct Lt {
    template <typename T>
    static bool apply(T a, T b) noexcept {
        return a < b;
    }
};
struct Gt {
    template <typename T>
    static bool apply(T a, T b) noexcept {
        return a > b;
    }
};
struct Le {
    template <typename T>
    static bool apply(T a, T b) noexcept {
        return a <= b;
    }
};
struct Ge {
    template <typename T>
    static bool apply(T a, T b) noexcept {
        return a >= b;
    }
};
/// The negation of a comparison; because of NaNs it is not a comparison itself.
template <typename Compare>
struct Not {
    template <typename T>
    static bool apply(T a, T b) noexcept {
        return !Compare::apply(a, b);
    }
};

} // namespace warpbeam::vm
