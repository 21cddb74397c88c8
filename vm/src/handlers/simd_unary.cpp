#include "handlers/simd_shapes.hpp"
#include "semantics/simd_float.hpp"

namespace warpbeam::vm::WARPBEAM_ISA {

const Handler* unary(Op op) noexcept {
    switch (op) {
    case Op::v128_not:
        return unary_of<not_>;
    case Op::v128_any_true:
        return unary_of<any_true>;

    case Op::i8x16_splat:
        return unary_of<splat<u8x16>, uint32_t>;
    case Op::i8x16_abs:
        return unary_of<absolute<u8x16>>;
    case Op::i8x16_neg:
        return unary_of<negate<u8x16>>;
    case Op::i8x16_all_true:
        return unary_of<all_true<i8x16>>;
    case Op::i8x16_bitmask:
        return unary_of<bitmask<i8x16>>;
    case Op::i8x16_popcnt:
        return unary_of<popcnt>;

    case Op::i16x8_splat:
        return unary_of<splat<u16x8>, uint32_t>;
    case Op::i16x8_abs:
        return unary_of<absolute<u16x8>>;
    case Op::i16x8_neg:
        return unary_of<negate<u16x8>>;
    case Op::i16x8_all_true:
        return unary_of<all_true<i16x8>>;
    case Op::i16x8_bitmask:
        return unary_of<bitmask<i16x8>>;
    case Op::i16x8_extend_low_i8x16_s:
        return unary_of<extend_low<i16x8, i8x16>>;
    case Op::i16x8_extend_low_i8x16_u:
        return unary_of<extend_low<u16x8, u8x16>>;
    case Op::i16x8_extend_high_i8x16_s:
        return unary_of<extend_high<i16x8, i8x16>>;
    case Op::i16x8_extend_high_i8x16_u:
        return unary_of<extend_high<u16x8, u8x16>>;
    case Op::i16x8_extadd_pairwise_i8x16_s:
        return unary_of<extadd_pairwise<i16x8>>;
    case Op::i16x8_extadd_pairwise_i8x16_u:
        return unary_of<extadd_pairwise<u16x8>>;

    case Op::i32x4_splat:
        return unary_of<splat<u32x4>, uint32_t>;
    case Op::i32x4_abs:
        return unary_of<absolute<u32x4>>;
    case Op::i32x4_neg:
        return unary_of<negate<u32x4>>;
    case Op::i32x4_all_true:
        return unary_of<all_true<i32x4>>;
    case Op::i32x4_bitmask:
        return unary_of<bitmask<i32x4>>;
    case Op::i32x4_extend_low_i16x8_s:
        return unary_of<extend_low<i32x4, i16x8>>;
    case Op::i32x4_extend_low_i16x8_u:
        return unary_of<extend_low<u32x4, u16x8>>;
    case Op::i32x4_extend_high_i16x8_s:
        return unary_of<extend_high<i32x4, i16x8>>;
    case Op::i32x4_extend_high_i16x8_u:
        return unary_of<extend_high<u32x4, u16x8>>;
    case Op::i32x4_extadd_pairwise_i16x8_s:
        return unary_of<extadd_pairwise<i32x4>>;
    case Op::i32x4_extadd_pairwise_i16x8_u:
        return unary_of<extadd_pairwise<u32x4>>;
    case Op::i32x4_trunc_sat_f32x4_s:
    case Op::i32x4_relaxed_trunc_f32x4_s:
        return unary_of<trunc_sat<i32x4>>;
    case Op::i32x4_trunc_sat_f64x2_s_zero:
    case Op::i32x4_relaxed_trunc_f64x2_s:
        return unary_of<trunc_sat_zero<i32x4>>;
    case Op::i32x4_trunc_sat_f32x4_u:
    case Op::i32x4_relaxed_trunc_f32x4_u:
        return unary_of<trunc_sat<u32x4>>;
    case Op::i32x4_trunc_sat_f64x2_u_zero:
    case Op::i32x4_relaxed_trunc_f64x2_u:
        return unary_of<trunc_sat_zero<u32x4>>;

    case Op::i64x2_splat:
        return unary_of<splat<u64x2>, uint64_t>;
    case Op::i64x2_abs:
        return unary_of<absolute<u64x2>>;
    case Op::i64x2_neg:
        return unary_of<negate<u64x2>>;
    case Op::i64x2_all_true:
        return unary_of<all_true<i64x2>>;
    case Op::i64x2_bitmask:
        return unary_of<bitmask<i64x2>>;
    case Op::i64x2_extend_low_i32x4_s:
        return unary_of<extend_low<i64x2, i32x4>>;
    case Op::i64x2_extend_low_i32x4_u:
        return unary_of<extend_low<u64x2, u32x4>>;
    case Op::i64x2_extend_high_i32x4_s:
        return unary_of<extend_high<i64x2, i32x4>>;
    case Op::i64x2_extend_high_i32x4_u:
        return unary_of<extend_high<u64x2, u32x4>>;

    case Op::f32x4_splat:
        return unary_of<splat<f32x4>, float>;
    case Op::f32x4_abs:
        return unary_of<fabs<f32x4>>;
    case Op::f32x4_neg:
        return unary_of<fneg<f32x4>>;
    case Op::f32x4_sqrt:
        return unary_of<fsqrt<f32x4>>;
    case Op::f32x4_ceil:
        return unary_of<ceil<f32x4>>;
    case Op::f32x4_floor:
        return unary_of<floor<f32x4>>;
    case Op::f32x4_trunc:
        return unary_of<trunc<f32x4>>;
    case Op::f32x4_nearest:
        return unary_of<nearest<f32x4>>;
    case Op::f32x4_convert_i32x4_s:
        return unary_of<convert<i32x4>>;
    case Op::f32x4_convert_i32x4_u:
        return unary_of<convert<u32x4>>;
    case Op::f32x4_demote_f64x2_zero:
        return unary_of<demote_zero>;

    case Op::f64x2_splat:
        return unary_of<splat<f64x2>, double>;
    case Op::f64x2_abs:
        return unary_of<fabs<f64x2>>;
    case Op::f64x2_neg:
        return unary_of<fneg<f64x2>>;
    case Op::f64x2_sqrt:
        return unary_of<fsqrt<f64x2>>;
    case Op::f64x2_ceil:
        return unary_of<ceil<f64x2>>;
    case Op::f64x2_floor:
        return unary_of<floor<f64x2>>;
    case Op::f64x2_trunc:
        return unary_of<trunc<f64x2>>;
    case Op::f64x2_nearest:
        return unary_of<nearest<f64x2>>;
    case Op::f64x2_convert_low_i32x4_s:
        return unary_of<extend_low<f64x2, i32x4>>;
    case Op::f64x2_convert_low_i32x4_u:
        return unary_of<extend_low<f64x2, u32x4>>;
    case Op::f64x2_promote_low_f32x4:
        return unary_of<extend_low<f64x2, f32x4>>;
    default:
        return nullptr;
    }
}

} // namespace warpbeam::vm::WARPBEAM_ISA
