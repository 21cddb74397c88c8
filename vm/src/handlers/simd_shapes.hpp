#pragma once

#include "handlers/shapes.hpp"
#include "handlers/simd_families.hpp"
#include "semantics/lanes.hpp"

/// From functions of lanes to handlers. As lanes.hpp says, all of this belongs to one instruction set.

namespace warpbeam::vm::WARPBEAM_ISA {

const Handler* int_binary(Op op) noexcept;
const Handler* float_binary(Op op) noexcept;
const Handler* unary(Op op) noexcept;

namespace detail {

template <typename To, typename From>
[[gnu::always_inline]] inline To converted(From a) noexcept {
    if constexpr (sizeof(To) == sizeof(Vector))
        return as<To>(a);
    else
        return static_cast<To>(a);
}

} // namespace detail

/// The function F of lanes and numbers as an operator on registers.
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

/// The variants of functions whose operands are all vectors.
template <auto F>
inline constexpr const Handler* binary_of = binary_variants<Vector, On<F>, variants::Ordered>.data();
template <auto F, typename Operand = Vector>
inline constexpr const Handler* unary_of = unary_variants<Operand, On<F>>.data();

/// d = F(a, b, c)
template <auto F, Src A, Src B, Src C, Dst D>
struct Ternary {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const Vector a = read<Vector, A>(r, r.ip->a, 0);
        const Vector b = read<Vector, B>(r, r.ip->b, 0);
        const Vector c = read<Vector, C>(r, r.ip->c, 0);
        return vm::detail::finish<D>(r, On<F>::apply(a, b, c), sizeof(Instr));
    }
};
template <auto F, Dst D>
Handler ternary_variant(Src a, Src b, Src c) noexcept {
    using enum Src;
    if (a == slot && b == slot && c == slot)
        return &handler<Ternary<F, slot, slot, slot, D>>;
    if (a == acc && b == slot && c == slot)
        return &handler<Ternary<F, acc, slot, slot, D>>;
    if (a == slot && b == acc && c == slot)
        return &handler<Ternary<F, slot, acc, slot, D>>;
    if (a == slot && b == slot && c == acc)
        return &handler<Ternary<F, slot, slot, acc, D>>;
    return nullptr;
}
template <auto F>
Handler ternary_variant(Dst d, Src a, Src b, Src c) noexcept {
    return d == Dst::acc    ? ternary_variant<F, Dst::acc>(a, b, c)
           : d == Dst::slot ? ternary_variant<F, Dst::slot>(a, b, c)
                            : nullptr;
}

/// d = F(a, b), where b is a number of type T; a constant (of 32 bits) is uimm.
template <auto F, typename T, Src V, Src S, Dst D>
struct Shift {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const Vector vector = read<Vector, V>(r, r.ip->a, 0);
        return vm::detail::finish<D>(r, On<F>::apply(vector, read<T, S>(r, r.ip->b, r.ip->uimm)),
                                     sizeof(Instr));
    }
};
/// d = F(a, b, c), where b is a number of type T and c is the number of a lane.
template <auto F, typename T, Src V, Src S, Dst D>
struct Replace {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const Vector vector = read<Vector, V>(r, r.ip->a, 0);
        const T number = read<T, S>(r, r.ip->b, 0);
        return vm::detail::finish<D>(r, On<F>::apply(vector, number, r.ip->c), sizeof(Instr));
    }
};

/// Which classes of the two operands there are. One accumulator can't be both.
template <typename T>
constexpr bool with_scalar_exists(Dst d, Src vector, Src scalar, bool imm) noexcept {
    return (d == Dst::acc || d == Dst::slot) && (vector == Src::slot || vector == Src::acc) &&
           (scalar == Src::slot || scalar == Src::acc || (scalar == Src::imm && imm)) &&
           !(is_float<T> && vector == Src::acc && scalar == Src::acc);
}
template <template <auto, typename, Src, Src, Dst> typename Body, auto F, typename T, bool Imm>
inline constexpr auto with_scalar_variants = []<size_t... I>(std::index_sequence<I...>) {
    constexpr auto pick = []<size_t N>() -> Handler {
        constexpr auto d = static_cast<Dst>(N / (src_count * src_count));
        constexpr auto v = static_cast<Src>(N / src_count % src_count);
        constexpr auto s = static_cast<Src>(N % src_count);
        if constexpr (with_scalar_exists<T>(d, v, s, Imm))
            return &handler<Body<F, T, v, s, d>>;
        else
            return nullptr;
    };
    return BinaryVariants { pick.template operator()<I>()... };
}(std::make_index_sequence<dst_count * src_count * src_count>{});

} // namespace warpbeam::vm::WARPBEAM_ISA
