#include "handlers/simd_shapes.hpp"
#include "semantics/simd_float.hpp"
#include "semantics/simd_int.hpp"

/// Operators of other forms: three operands, a number as the second one, lanes as immediates. And the table
/// of all.

namespace warpbeam::vm::WARPBEAM_ISA {

namespace {

Handler ternary(Op op, Dst d, Src a, Src b, Src c) noexcept {
    switch (op) {
    case Op::v128_bitselect:
    case Op::i8x16_relaxed_laneselect:
    case Op::i16x8_relaxed_laneselect:
    case Op::i32x4_relaxed_laneselect:
    case Op::i64x2_relaxed_laneselect:
        return ternary_variant<bitselect>(d, a, b, c);
    case Op::f32x4_relaxed_madd:
        return ternary_variant<relaxed_madd<f32x4>>(d, a, b, c);
    case Op::f32x4_relaxed_nmadd:
        return ternary_variant<relaxed_nmadd<f32x4>>(d, a, b, c);
    case Op::f64x2_relaxed_madd:
        return ternary_variant<relaxed_madd<f64x2>>(d, a, b, c);
    case Op::f64x2_relaxed_nmadd:
        return ternary_variant<relaxed_nmadd<f64x2>>(d, a, b, c);
    case Op::i32x4_relaxed_dot_i8x16_i7x16_add_s:
        return ternary_variant<relaxed_dot_add>(d, a, b, c);
    default:
        return nullptr;
    }
}

template <auto F>
constexpr const BinaryVariants* shift = &with_scalar_variants<Shift, F, uint32_t, true>;
template <typename V, typename T>
constexpr const BinaryVariants* replace = &with_scalar_variants<Replace, replace_lane<V>, T, false>;

const BinaryVariants* with_scalar_variants_of(Op op) noexcept {
    switch (op) {
    case Op::i8x16_shl:
        return shift<shl<u8x16>>;
    case Op::i8x16_shr_s:
        return shift<shr<i8x16>>;
    case Op::i8x16_shr_u:
        return shift<shr<u8x16>>;
    case Op::i16x8_shl:
        return shift<shl<u16x8>>;
    case Op::i16x8_shr_s:
        return shift<shr<i16x8>>;
    case Op::i16x8_shr_u:
        return shift<shr<u16x8>>;
    case Op::i32x4_shl:
        return shift<shl<u32x4>>;
    case Op::i32x4_shr_s:
        return shift<shr<i32x4>>;
    case Op::i32x4_shr_u:
        return shift<shr<u32x4>>;
    case Op::i64x2_shl:
        return shift<shl<u64x2>>;
    case Op::i64x2_shr_s:
        return shift<shr<i64x2>>;
    case Op::i64x2_shr_u:
        return shift<shr<u64x2>>;
    case Op::i8x16_replace_lane:
        return replace<u8x16, uint32_t>;
    case Op::i16x8_replace_lane:
        return replace<u16x8, uint32_t>;
    case Op::i32x4_replace_lane:
        return replace<u32x4, uint32_t>;
    case Op::i64x2_replace_lane:
        return replace<u64x2, uint64_t>;
    case Op::f32x4_replace_lane:
        return replace<f32x4, float>;
    case Op::f64x2_replace_lane:
        return replace<f64x2, double>;
    default:
        return nullptr;
    }
}

Handler with_scalar(Op op, Dst d, Src vector, Src scalar) noexcept {
    const BinaryVariants* const variants = with_scalar_variants_of(op);
    return variants != nullptr ? binary_variant(variants->data(), d, vector, scalar) : nullptr;
}

/// The lanes are the two words behind the head.
template <Src L, Src R, Dst D>
struct Shuffle {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const Vector a = read<Vector, L>(r, r.ip->a, 0);
        const Vector b = read<Vector, R>(r, r.ip->b, 0);
        const Vector lanes = read<Vector, Src::imm>(r, 0, 0);
        return vm::detail::finish<D>(r, On<vm::WARPBEAM_ISA::shuffle>::apply(a, b, lanes),
                                     sizeof(Instr) + 16);
    }
};
template <Dst D>
Handler shuffle_variant(Src l, Src r) noexcept {
    using enum Src;
    if (l == slot && r == slot)
        return &handler<Shuffle<slot, slot, D>>;
    if (l == acc && r == slot)
        return &handler<Shuffle<acc, slot, D>>;
    if (l == slot && r == acc)
        return &handler<Shuffle<slot, acc, D>>;
    return nullptr;
}
Handler shuffle_handler(Dst d, Src l, Src r) noexcept {
    return d == Dst::acc    ? shuffle_variant<Dst::acc>(l, r)
           : d == Dst::slot ? shuffle_variant<Dst::slot>(l, r)
                            : nullptr;
}

const Handler* binary(Op op) noexcept {
    const Handler* const variants = int_binary(op);
    return variants != nullptr ? variants : float_binary(op);
}

} // namespace

const SimdFamilies families{&binary, &unary, &ternary, &with_scalar, &shuffle_handler};

} // namespace warpbeam::vm::WARPBEAM_ISA
