#pragma once

#include "isa/instr.hpp"

#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>

/// The integer operators as pure functions. T is uint32_t or uint64_t; signed operators say so in their name.
/// https://webassembly.github.io/spec/core/exec/numerics.html#integer-operations

namespace warpbeam::vm {

/// A result, or a trap.
template <typename T>
struct Checked {
    T value;
    Exit trap = Exit::none;
};

template <typename T>
using Signed = std::make_signed_t<T>;

struct Add {
    template <typename T>
    static constexpr T apply(T a, T b) noexcept {
        return a + b;
    }
};
struct Sub {
    template <typename T>
    static constexpr T apply(T a, T b) noexcept {
        return a - b;
    }
};
struct Mul {
    template <typename T>
    static constexpr T apply(T a, T b) noexcept {
        return a * b;
    }
};
struct And {
    template <typename T>
    static constexpr T apply(T a, T b) noexcept {
        return a & b;
    }
};
struct Or {
    template <typename T>
    static constexpr T apply(T a, T b) noexcept {
        return a | b;
    }
};
struct Xor {
    template <typename T>
    static constexpr T apply(T a, T b) noexcept {
        return a ^ b;
    }
};
struct Shl {
    template <typename T>
    static constexpr T apply(T a, T b) noexcept {
        return a << (b & (8 * sizeof(T) - 1));
    }
};
struct ShrU {
    template <typename T>
    static constexpr T apply(T a, T b) noexcept {
        return a >> (b & (8 * sizeof(T) - 1));
    }
};
struct ShrS {
    template <typename T>
    static constexpr T apply(T a, T b) noexcept {
        return static_cast<T>(static_cast<Signed<T>>(a) >> (b & (8 * sizeof(T) - 1)));
    }
};
struct Rotl {
    template <typename T>
    static constexpr T apply(T a, T b) noexcept {
        return std::rotl(a, static_cast<int>(b & (8 * sizeof(T) - 1)));
    }
};
struct Rotr {
    template <typename T>
    static constexpr T apply(T a, T b) noexcept {
        return std::rotr(a, static_cast<int>(b & (8 * sizeof(T) - 1)));
    }
};
struct DivU {
    template <typename T>
    static constexpr Checked<T> apply(T a, T b) noexcept {
        if (b == 0)
            return {0, Exit::integer_divide_by_zero};
        return {static_cast<T>(a / b)};
    }
};
struct DivS {
    template <typename T>
    static constexpr Checked<T> apply(T a, T b) noexcept {
        if (b == 0)
            return {0, Exit::integer_divide_by_zero};
        const auto x = static_cast<Signed<T>>(a);
        const auto y = static_cast<Signed<T>>(b);
        if (x == std::numeric_limits<Signed<T>>::min() && y == -1)
            return {0, Exit::integer_overflow};
        return {static_cast<T>(x / y)};
    }
};
struct RemU {
    template <typename T>
    static constexpr Checked<T> apply(T a, T b) noexcept {
        if (b == 0)
            return {0, Exit::integer_divide_by_zero};
        return {static_cast<T>(a % b)};
    }
};
struct RemS {
    template <typename T>
    static constexpr Checked<T> apply(T a, T b) noexcept {
        if (b == 0)
            return {0, Exit::integer_divide_by_zero};
        // Any number modulo -1 is 0, even the smallest, whose quotient can't be represented.
        const auto y = static_cast<Signed<T>>(b);
        if (y == -1)
            return {0};
        return {static_cast<T>(static_cast<Signed<T>>(a) % y)};
    }
};

struct Eq {
    template <typename T>
    static constexpr bool apply(T a, T b) noexcept {
        return a == b;
    }
};
struct Ne {
    template <typename T>
    static constexpr bool apply(T a, T b) noexcept {
        return a != b;
    }
};
struct LtU {
    template <typename T>
    static constexpr bool apply(T a, T b) noexcept {
        return a < b;
    }
};
struct GtU {
    template <typename T>
    static constexpr bool apply(T a, T b) noexcept {
        return a > b;
    }
};
struct LeU {
    template <typename T>
    static constexpr bool apply(T a, T b) noexcept {
        return a <= b;
    }
};
struct GeU {
    template <typename T>
    static constexpr bool apply(T a, T b) noexcept {
        return a >= b;
    }
};
struct LtS {
    template <typename T>
    static constexpr bool apply(T a, T b) noexcept {
        return static_cast<Signed<T>>(a) < static_cast<Signed<T>>(b);
    }
};
struct GtS {
    template <typename T>
    static constexpr bool apply(T a, T b) noexcept {
        return static_cast<Signed<T>>(a) > static_cast<Signed<T>>(b);
    }
};
struct LeS {
    template <typename T>
    static constexpr bool apply(T a, T b) noexcept {
        return static_cast<Signed<T>>(a) <= static_cast<Signed<T>>(b);
    }
};
struct GeS {
    template <typename T>
    static constexpr bool apply(T a, T b) noexcept {
        return static_cast<Signed<T>>(a) >= static_cast<Signed<T>>(b);
    }
};
/// `a & b` is not zero: not an instruction, but the condition of many branches.
struct Bits {
    template <typename T>
    static constexpr bool apply(T a, T b) noexcept {
        return (a & b) != 0;
    }
};
struct NoBits {
    template <typename T>
    static constexpr bool apply(T a, T b) noexcept {
        return (a & b) == 0;
    }
};

struct Clz {
    template <typename T>
    static constexpr T apply(T a) noexcept {
        return static_cast<T>(std::countl_zero(a));
    }
};
struct Ctz {
    template <typename T>
    static constexpr T apply(T a) noexcept {
        return static_cast<T>(std::countr_zero(a));
    }
};
struct Popcnt {
    template <typename T>
    static constexpr T apply(T a) noexcept {
        return static_cast<T>(std::popcount(a));
    }
};
/// Sign-extends the low bits, as many as Narrow has.
template <typename Narrow>
struct Extend {
    template <typename T>
    static constexpr T apply(T a) noexcept {
        return static_cast<T>(static_cast<Signed<T>>(static_cast<Narrow>(a)));
    }
};

} // namespace warpbeam::vm
