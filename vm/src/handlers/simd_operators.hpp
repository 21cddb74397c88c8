#pragma once

#include "handlers/generate.hpp"
#include "semantics/simd_float.hpp"
#include "semantics/simd_int.hpp"

/// From functions on lanes to handlers. As lanes.hpp explains, all of this belongs to one instruction set.
/// https://webassembly.github.io/spec/core/exec/instructions.html#vector-instructions

#if WARPBEAM_SIMD

namespace warpbeam::vm::WARPBEAM_ISA {

/// What each operator computes.
template <Op>
struct FunctionOf;
#define WARPBEAM_OP(op, family, coverage, mirror, negation, ...)                                             \
    template <>                                                                                              \
    struct FunctionOf<Op::op> {                                                                              \
        static constexpr auto value = __VA_ARGS__;                                                           \
    };
#include "semantics/op_rows_simd.inc"
#undef WARPBEAM_OP

namespace detail {

template <typename To, typename From>
[[gnu::always_inline]] inline To converted(From a) noexcept {
    if constexpr (sizeof(To) == sizeof(Vector))
        return as<To>(a);
    else
        return static_cast<To>(a);
}

/// A lane or number type as it is on the stack.
template <typename T>
constexpr Sig::Type type_of() noexcept {
    if constexpr (sizeof(T) == sizeof(Vector))
        return Sig::v128;
    else if constexpr (std::is_floating_point_v<T>)
        return sizeof(T) == 4 ? Sig::f32 : Sig::f64;
    else
        return sizeof(T) <= 4 ? Sig::i32 : Sig::i64;
}

/// Whether a function has a signature; further operands are immediates.
template <typename R, typename... A>
constexpr bool matches(R (*)(A...) noexcept, const Sig& sig) noexcept {
    constexpr Sig::Type in[] = {type_of<A>()...};
    return type_of<R>() == sig.out && sizeof...(A) >= sig.arity &&
           std::equal(sig.in.begin(), sig.in.begin() + sig.arity, in);
}
#define WARPBEAM_OP(op, ...) static_assert(matches(FunctionOf<Op::op>::value, sig_of(Op::op)));
#include "semantics/op_rows_simd.inc"
#undef WARPBEAM_OP

} // namespace detail

/// The function F on lanes and numbers, as an operator on registers.
template <auto F>
struct On;
template <typename R, typename... A, R (*F)(A...) noexcept>
struct On<F> {
    template <typename... Operand>
    [[gnu::always_inline]] static auto apply(Operand... operands) noexcept {
        if constexpr (sizeof(R) == sizeof(Vector))
            return as<Vector>(F(detail::converted<A>(operands)...));
        else
            return F(detail::converted<A>(operands)...);
    }
};
template <Op op>
using Lanewise = On<FunctionOf<op>::value>;

// The groups in each source file.
extern const HandlerGroups int_binary_groups;
extern const HandlerGroups float_binary_groups;
extern const HandlerGroups unary_groups;
extern const HandlerGroups lane_groups;

} // namespace warpbeam::vm::WARPBEAM_ISA

#endif
