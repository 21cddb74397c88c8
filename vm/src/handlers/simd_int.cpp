#include "semantics/simd_int.hpp"

#include "handlers/simd_shapes.hpp"

namespace warpbeam::vm::WARPBEAM_ISA {

const Handler* int_binary(Op op) noexcept {
    switch (op) {
    case Op::v128_and:
        return binary_of<and_>;
    case Op::v128_andnot:
        return binary_of<andnot>;
    case Op::v128_or:
        return binary_of<or_>;
    case Op::v128_xor:
        return binary_of<xor_>;

    case Op::i8x16_eq:
        return binary_of<eq<i8x16>>;
    case Op::i8x16_ne:
        return binary_of<ne<i8x16>>;
    case Op::i8x16_lt_s:
        return binary_of<lt<i8x16>>;
    case Op::i8x16_lt_u:
        return binary_of<lt<u8x16>>;
    case Op::i8x16_gt_s:
        return binary_of<gt<i8x16>>;
    case Op::i8x16_gt_u:
        return binary_of<gt<u8x16>>;
    case Op::i8x16_le_s:
        return binary_of<le<i8x16>>;
    case Op::i8x16_le_u:
        return binary_of<le<u8x16>>;
    case Op::i8x16_ge_s:
        return binary_of<ge<i8x16>>;
    case Op::i8x16_ge_u:
        return binary_of<ge<u8x16>>;
    case Op::i8x16_add:
        return binary_of<add<u8x16>>;
    case Op::i8x16_sub:
        return binary_of<sub<u8x16>>;
    case Op::i8x16_add_sat_s:
        return binary_of<add_sat<i8x16>>;
    case Op::i8x16_add_sat_u:
        return binary_of<add_sat<u8x16>>;
    case Op::i8x16_sub_sat_s:
        return binary_of<sub_sat<i8x16>>;
    case Op::i8x16_sub_sat_u:
        return binary_of<sub_sat<u8x16>>;
    case Op::i8x16_avgr_u:
        return binary_of<avgr<u8x16>>;
    case Op::i8x16_min_s:
        return binary_of<min<i8x16>>;
    case Op::i8x16_min_u:
        return binary_of<min<u8x16>>;
    case Op::i8x16_max_s:
        return binary_of<max<i8x16>>;
    case Op::i8x16_max_u:
        return binary_of<max<u8x16>>;
    case Op::i8x16_narrow_i16x8_s:
        return binary_of<narrow<i8x16, i16x8>>;
    case Op::i8x16_narrow_i16x8_u:
        return binary_of<narrow<u8x16, i16x8>>;
    case Op::i8x16_swizzle:
    case Op::i8x16_relaxed_swizzle:
        return binary_of<swizzle>;

    case Op::i16x8_eq:
        return binary_of<eq<i16x8>>;
    case Op::i16x8_ne:
        return binary_of<ne<i16x8>>;
    case Op::i16x8_lt_s:
        return binary_of<lt<i16x8>>;
    case Op::i16x8_lt_u:
        return binary_of<lt<u16x8>>;
    case Op::i16x8_gt_s:
        return binary_of<gt<i16x8>>;
    case Op::i16x8_gt_u:
        return binary_of<gt<u16x8>>;
    case Op::i16x8_le_s:
        return binary_of<le<i16x8>>;
    case Op::i16x8_le_u:
        return binary_of<le<u16x8>>;
    case Op::i16x8_ge_s:
        return binary_of<ge<i16x8>>;
    case Op::i16x8_ge_u:
        return binary_of<ge<u16x8>>;
    case Op::i16x8_add:
        return binary_of<add<u16x8>>;
    case Op::i16x8_sub:
        return binary_of<sub<u16x8>>;
    case Op::i16x8_mul:
        return binary_of<mul<u16x8>>;
    case Op::i16x8_add_sat_s:
        return binary_of<add_sat<i16x8>>;
    case Op::i16x8_add_sat_u:
        return binary_of<add_sat<u16x8>>;
    case Op::i16x8_sub_sat_s:
        return binary_of<sub_sat<i16x8>>;
    case Op::i16x8_sub_sat_u:
        return binary_of<sub_sat<u16x8>>;
    case Op::i16x8_avgr_u:
        return binary_of<avgr<u16x8>>;
    case Op::i16x8_min_s:
        return binary_of<min<i16x8>>;
    case Op::i16x8_min_u:
        return binary_of<min<u16x8>>;
    case Op::i16x8_max_s:
        return binary_of<max<i16x8>>;
    case Op::i16x8_max_u:
        return binary_of<max<u16x8>>;
    case Op::i16x8_extmul_low_i8x16_s:
        return binary_of<extmul_low<i16x8, i8x16>>;
    case Op::i16x8_extmul_low_i8x16_u:
        return binary_of<extmul_low<u16x8, u8x16>>;
    case Op::i16x8_extmul_high_i8x16_s:
        return binary_of<extmul_high<i16x8, i8x16>>;
    case Op::i16x8_extmul_high_i8x16_u:
        return binary_of<extmul_high<u16x8, u8x16>>;
    case Op::i16x8_narrow_i32x4_s:
        return binary_of<narrow<i16x8, i32x4>>;
    case Op::i16x8_narrow_i32x4_u:
        return binary_of<narrow<u16x8, i32x4>>;
    case Op::i16x8_q15mulr_sat_s:
    case Op::i16x8_relaxed_q15mulr_s:
        return binary_of<q15mulr_sat>;
    case Op::i16x8_relaxed_dot_i8x16_i7x16_s:
        return binary_of<relaxed_dot>;

    case Op::i32x4_eq:
        return binary_of<eq<i32x4>>;
    case Op::i32x4_ne:
        return binary_of<ne<i32x4>>;
    case Op::i32x4_lt_s:
        return binary_of<lt<i32x4>>;
    case Op::i32x4_lt_u:
        return binary_of<lt<u32x4>>;
    case Op::i32x4_gt_s:
        return binary_of<gt<i32x4>>;
    case Op::i32x4_gt_u:
        return binary_of<gt<u32x4>>;
    case Op::i32x4_le_s:
        return binary_of<le<i32x4>>;
    case Op::i32x4_le_u:
        return binary_of<le<u32x4>>;
    case Op::i32x4_ge_s:
        return binary_of<ge<i32x4>>;
    case Op::i32x4_ge_u:
        return binary_of<ge<u32x4>>;
    case Op::i32x4_add:
        return binary_of<add<u32x4>>;
    case Op::i32x4_sub:
        return binary_of<sub<u32x4>>;
    case Op::i32x4_mul:
        return binary_of<mul<u32x4>>;
    case Op::i32x4_min_s:
        return binary_of<min<i32x4>>;
    case Op::i32x4_min_u:
        return binary_of<min<u32x4>>;
    case Op::i32x4_max_s:
        return binary_of<max<i32x4>>;
    case Op::i32x4_max_u:
        return binary_of<max<u32x4>>;
    case Op::i32x4_extmul_low_i16x8_s:
        return binary_of<extmul_low<i32x4, i16x8>>;
    case Op::i32x4_extmul_low_i16x8_u:
        return binary_of<extmul_low<u32x4, u16x8>>;
    case Op::i32x4_extmul_high_i16x8_s:
        return binary_of<extmul_high<i32x4, i16x8>>;
    case Op::i32x4_extmul_high_i16x8_u:
        return binary_of<extmul_high<u32x4, u16x8>>;
    case Op::i32x4_dot_i16x8_s:
        return binary_of<dot>;

    case Op::i64x2_eq:
        return binary_of<eq<i64x2>>;
    case Op::i64x2_ne:
        return binary_of<ne<i64x2>>;
    case Op::i64x2_lt_s:
        return binary_of<lt<i64x2>>;
    case Op::i64x2_gt_s:
        return binary_of<gt<i64x2>>;
    case Op::i64x2_le_s:
        return binary_of<le<i64x2>>;
    case Op::i64x2_ge_s:
        return binary_of<ge<i64x2>>;
    case Op::i64x2_add:
        return binary_of<add<u64x2>>;
    case Op::i64x2_sub:
        return binary_of<sub<u64x2>>;
    case Op::i64x2_mul:
        return binary_of<mul<u64x2>>;
    case Op::i64x2_extmul_low_i32x4_s:
        return binary_of<extmul_low<i64x2, i32x4>>;
    case Op::i64x2_extmul_low_i32x4_u:
        return binary_of<extmul_low<u64x2, u32x4>>;
    case Op::i64x2_extmul_high_i32x4_s:
        return binary_of<extmul_high<i64x2, i32x4>>;
    case Op::i64x2_extmul_high_i32x4_u:
        return binary_of<extmul_high<u64x2, u32x4>>;
    default:
        return nullptr;
    }
}

} // namespace warpbeam::vm::WARPBEAM_ISA
