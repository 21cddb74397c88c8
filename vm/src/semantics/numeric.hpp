#pragma once

#include "isa/decoder.hpp"
#include "semantics/convert.hpp"
#include "semantics/float.hpp"
#include "semantics/int.hpp"
#include "semantics/op_rows.hpp"

/// What each numeric instruction computes, checked against its signature.

namespace warpbeam::vm {

template <Op>
struct NumericOf;
#define WARPBEAM_OP(op, family, coverage, mirror, negation, ...)                                             \
    WARPBEAM_SEMANTICS(NumericOf, op, __VA_ARGS__)
#include "semantics/op_rows_numeric.inc"
#undef WARPBEAM_OP

/// The semantics of an instruction with one or two operands, as a type with a static `apply`.
template <Op op>
using Numeric = typename NumericOf<op>::type;

namespace detail {

template <Op op>
constexpr auto applied() noexcept {
    if constexpr (sig_of(op).arity == 1)
        return Numeric<op>::apply(OperandOf<op, 0>{});
    else
        return Numeric<op>::apply(OperandOf<op, 0>{}, OperandOf<op, 1>{});
}

} // namespace detail

#define WARPBEAM_OP(op, ...)                                                                                 \
    static_assert(std::is_same_v<typename detail::ValueOf<decltype(detail::applied<Op::op>())>::type,        \
                                 ResultOf<Op::op>>);
#include "semantics/op_rows_numeric.inc"
#undef WARPBEAM_OP

} // namespace warpbeam::vm
