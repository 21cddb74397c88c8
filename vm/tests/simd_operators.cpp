#include "simd_operators.hpp"

#include "semantics/simd_float.hpp"
#include "semantics/simd_int.hpp"

#include <tuple>

/// Compiled once for each instruction set, and once without intrinsics.

namespace warpbeam::vm::WARPBEAM_ISA {

namespace {

/// The validator refuses other places.
u8x16 shuffle_valid(u8x16 a, u8x16 b, u8x16 places) noexcept { return shuffle(a, b, places & 31); }

template <auto F>
struct Call;
template <typename R, typename... A, R (*F)(A...) noexcept>
struct Call<F> {
    template <typename T>
    static T operand(const Bytes*& operands, uint32_t number) {
        if constexpr (sizeof(T) == sizeof(Bytes))
            return as<T>(*operands++);
        else
            return static_cast<T>(number);
    }
    static void apply(const Bytes* operands, uint32_t number, Bytes& result) {
        const std::tuple<A...> arguments{operand<A>(operands, number)...};
        if constexpr (sizeof(R) == sizeof(Bytes)) {
            result = as<Bytes>(std::apply(F, arguments));
        } else {
            const uint32_t word = std::apply(F, arguments);
            result = as<Bytes>(u32x4{word});
        }
    }
};
template <auto F>
constexpr auto call = &Call<F>::apply;

// clang-format off
constexpr SimdOperator all[] = {
    {"add_sat<i8x16>", call<add_sat<i8x16>>, 'i'},
    {"sub_sat<i8x16>", call<sub_sat<i8x16>>, 'i'},
    {"add_sat<u8x16>", call<add_sat<u8x16>>, 'i'},
    {"sub_sat<u8x16>", call<sub_sat<u8x16>>, 'i'},
    {"add_sat<i16x8>", call<add_sat<i16x8>>, 'i'},
    {"sub_sat<i16x8>", call<sub_sat<i16x8>>, 'i'},
    {"add_sat<u16x8>", call<add_sat<u16x8>>, 'i'},
    {"sub_sat<u16x8>", call<sub_sat<u16x8>>, 'i'},
    {"avgr<u8x16>", call<avgr<u8x16>>, 'i'},
    {"avgr<u16x8>", call<avgr<u16x8>>, 'i'},
    {"min<i8x16>", call<min<i8x16>>, 'i'},
    {"max<i8x16>", call<max<i8x16>>, 'i'},
    {"lt<i8x16>", call<lt<i8x16>>, 'i'},
    {"ge<i8x16>", call<ge<i8x16>>, 'i'},
    {"min<u8x16>", call<min<u8x16>>, 'i'},
    {"max<u8x16>", call<max<u8x16>>, 'i'},
    {"lt<u8x16>", call<lt<u8x16>>, 'i'},
    {"ge<u8x16>", call<ge<u8x16>>, 'i'},
    {"min<i16x8>", call<min<i16x8>>, 'i'},
    {"max<i16x8>", call<max<i16x8>>, 'i'},
    {"lt<i16x8>", call<lt<i16x8>>, 'i'},
    {"ge<i16x8>", call<ge<i16x8>>, 'i'},
    {"min<u16x8>", call<min<u16x8>>, 'i'},
    {"max<u16x8>", call<max<u16x8>>, 'i'},
    {"lt<u16x8>", call<lt<u16x8>>, 'i'},
    {"ge<u16x8>", call<ge<u16x8>>, 'i'},
    {"min<i32x4>", call<min<i32x4>>, 'i'},
    {"max<i32x4>", call<max<i32x4>>, 'i'},
    {"lt<i32x4>", call<lt<i32x4>>, 'i'},
    {"ge<i32x4>", call<ge<i32x4>>, 'i'},
    {"min<u32x4>", call<min<u32x4>>, 'i'},
    {"max<u32x4>", call<max<u32x4>>, 'i'},
    {"lt<u32x4>", call<lt<u32x4>>, 'i'},
    {"ge<u32x4>", call<ge<u32x4>>, 'i'},
    {"absolute<u8x16>", call<absolute<u8x16>>, 'i'},
    {"negate<u8x16>", call<negate<u8x16>>, 'i'},
    {"shl<u8x16>", call<shl<u8x16>>, 'i'},
    {"shr<u8x16>", call<shr<u8x16>>, 'i'},
    {"mul<u8x16>", call<mul<u8x16>>, 'i'},
    {"replace_lane<u8x16>", call<replace_lane<u8x16>>, 'i'},
    {"absolute<u16x8>", call<absolute<u16x8>>, 'i'},
    {"negate<u16x8>", call<negate<u16x8>>, 'i'},
    {"shl<u16x8>", call<shl<u16x8>>, 'i'},
    {"shr<u16x8>", call<shr<u16x8>>, 'i'},
    {"mul<u16x8>", call<mul<u16x8>>, 'i'},
    {"replace_lane<u16x8>", call<replace_lane<u16x8>>, 'i'},
    {"absolute<u32x4>", call<absolute<u32x4>>, 'i'},
    {"negate<u32x4>", call<negate<u32x4>>, 'i'},
    {"shl<u32x4>", call<shl<u32x4>>, 'i'},
    {"shr<u32x4>", call<shr<u32x4>>, 'i'},
    {"mul<u32x4>", call<mul<u32x4>>, 'i'},
    {"replace_lane<u32x4>", call<replace_lane<u32x4>>, 'i'},
    {"absolute<u64x2>", call<absolute<u64x2>>, 'i'},
    {"negate<u64x2>", call<negate<u64x2>>, 'i'},
    {"shl<u64x2>", call<shl<u64x2>>, 'i'},
    {"shr<u64x2>", call<shr<u64x2>>, 'i'},
    {"mul<u64x2>", call<mul<u64x2>>, 'i'},
    {"replace_lane<u64x2>", call<replace_lane<u64x2>>, 'i'},
    {"shr<i8x16>", call<shr<i8x16>>, 'i'},
    {"gt<i8x16>", call<gt<i8x16>>, 'i'},
    {"bitmask<i8x16>", call<bitmask<i8x16>>, 'i'},
    {"all_true<i8x16>", call<all_true<i8x16>>, 'i'},
    {"shr<i16x8>", call<shr<i16x8>>, 'i'},
    {"gt<i16x8>", call<gt<i16x8>>, 'i'},
    {"bitmask<i16x8>", call<bitmask<i16x8>>, 'i'},
    {"all_true<i16x8>", call<all_true<i16x8>>, 'i'},
    {"shr<i32x4>", call<shr<i32x4>>, 'i'},
    {"gt<i32x4>", call<gt<i32x4>>, 'i'},
    {"bitmask<i32x4>", call<bitmask<i32x4>>, 'i'},
    {"all_true<i32x4>", call<all_true<i32x4>>, 'i'},
    {"shr<i64x2>", call<shr<i64x2>>, 'i'},
    {"gt<i64x2>", call<gt<i64x2>>, 'i'},
    {"bitmask<i64x2>", call<bitmask<i64x2>>, 'i'},
    {"all_true<i64x2>", call<all_true<i64x2>>, 'i'},
    {"q15mulr_sat", call<q15mulr_sat>, 'i'},
    {"popcnt", call<popcnt>, 'i'},
    {"dot", call<dot>, 'i'},
    {"relaxed_dot", call<relaxed_dot>, 'i'},
    {"relaxed_dot_add", call<relaxed_dot_add>, 'i'},
    {"swizzle", call<swizzle>, 'i'},
    {"shuffle", call<shuffle_valid>, 'i'},
    {"bitselect", call<bitselect>, 'i'},
    {"any_true", call<any_true>, 'i'},
    {"narrow<i8x16, i16x8>", call<narrow<i8x16, i16x8>>, 'i'},
    {"narrow<u8x16, i16x8>", call<narrow<u8x16, i16x8>>, 'i'},
    {"narrow<i16x8, i32x4>", call<narrow<i16x8, i32x4>>, 'i'},
    {"narrow<u16x8, i32x4>", call<narrow<u16x8, i32x4>>, 'i'},
    {"extend_low<i16x8, i8x16>", call<extend_low<i16x8, i8x16>>, 'i'},
    {"extmul_low<i16x8, i8x16>", call<extmul_low<i16x8, i8x16>>, 'i'},
    {"extend_high<i16x8, i8x16>", call<extend_high<i16x8, i8x16>>, 'i'},
    {"extmul_high<i16x8, i8x16>", call<extmul_high<i16x8, i8x16>>, 'i'},
    {"extend_low<u16x8, u8x16>", call<extend_low<u16x8, u8x16>>, 'i'},
    {"extmul_low<u16x8, u8x16>", call<extmul_low<u16x8, u8x16>>, 'i'},
    {"extend_high<u16x8, u8x16>", call<extend_high<u16x8, u8x16>>, 'i'},
    {"extmul_high<u16x8, u8x16>", call<extmul_high<u16x8, u8x16>>, 'i'},
    {"extend_low<i32x4, i16x8>", call<extend_low<i32x4, i16x8>>, 'i'},
    {"extmul_low<i32x4, i16x8>", call<extmul_low<i32x4, i16x8>>, 'i'},
    {"extend_high<i32x4, i16x8>", call<extend_high<i32x4, i16x8>>, 'i'},
    {"extmul_high<i32x4, i16x8>", call<extmul_high<i32x4, i16x8>>, 'i'},
    {"extend_low<u32x4, u16x8>", call<extend_low<u32x4, u16x8>>, 'i'},
    {"extmul_low<u32x4, u16x8>", call<extmul_low<u32x4, u16x8>>, 'i'},
    {"extend_high<u32x4, u16x8>", call<extend_high<u32x4, u16x8>>, 'i'},
    {"extmul_high<u32x4, u16x8>", call<extmul_high<u32x4, u16x8>>, 'i'},
    {"extend_low<i64x2, i32x4>", call<extend_low<i64x2, i32x4>>, 'i'},
    {"extmul_low<i64x2, i32x4>", call<extmul_low<i64x2, i32x4>>, 'i'},
    {"extend_high<i64x2, i32x4>", call<extend_high<i64x2, i32x4>>, 'i'},
    {"extmul_high<i64x2, i32x4>", call<extmul_high<i64x2, i32x4>>, 'i'},
    {"extend_low<u64x2, u32x4>", call<extend_low<u64x2, u32x4>>, 'i'},
    {"extmul_low<u64x2, u32x4>", call<extmul_low<u64x2, u32x4>>, 'i'},
    {"extend_high<u64x2, u32x4>", call<extend_high<u64x2, u32x4>>, 'i'},
    {"extmul_high<u64x2, u32x4>", call<extmul_high<u64x2, u32x4>>, 'i'},
    {"extadd_pairwise<i16x8>", call<extadd_pairwise<i16x8>>, 'i'},
    {"extadd_pairwise<u16x8>", call<extadd_pairwise<u16x8>>, 'i'},
    {"extadd_pairwise<i32x4>", call<extadd_pairwise<i32x4>>, 'i'},
    {"extadd_pairwise<u32x4>", call<extadd_pairwise<u32x4>>, 'i'},
    {"fabs<f32x4>", call<fabs<f32x4>>, 'f'},
    {"fneg<f32x4>", call<fneg<f32x4>>, 'f'},
    {"fsqrt<f32x4>", call<fsqrt<f32x4>>, 'f'},
    {"fdiv<f32x4>", call<fdiv<f32x4>>, 'f'},
    {"fmin<f32x4>", call<fmin<f32x4>>, 'f'},
    {"fmax<f32x4>", call<fmax<f32x4>>, 'f'},
    {"pmin<f32x4>", call<pmin<f32x4>>, 'f'},
    {"pmax<f32x4>", call<pmax<f32x4>>, 'f'},
    {"relaxed_madd<f32x4>", call<relaxed_madd<f32x4>>, 'f'},
    {"relaxed_nmadd<f32x4>", call<relaxed_nmadd<f32x4>>, 'f'},
    {"nearest<f32x4>", call<nearest<f32x4>>, 'f'},
    {"floor<f32x4>", call<floor<f32x4>>, 'f'},
    {"ceil<f32x4>", call<ceil<f32x4>>, 'f'},
    {"trunc<f32x4>", call<trunc<f32x4>>, 'f'},
    {"add<f32x4>", call<add<f32x4>>, 'f'},
    {"lt<f32x4>", call<lt<f32x4>>, 'i'},
    {"ne<f32x4>", call<ne<f32x4>>, 'i'},
    {"fabs<f64x2>", call<fabs<f64x2>>, 'd'},
    {"fneg<f64x2>", call<fneg<f64x2>>, 'd'},
    {"fsqrt<f64x2>", call<fsqrt<f64x2>>, 'd'},
    {"fdiv<f64x2>", call<fdiv<f64x2>>, 'd'},
    {"fmin<f64x2>", call<fmin<f64x2>>, 'd'},
    {"fmax<f64x2>", call<fmax<f64x2>>, 'd'},
    {"pmin<f64x2>", call<pmin<f64x2>>, 'd'},
    {"pmax<f64x2>", call<pmax<f64x2>>, 'd'},
    {"relaxed_madd<f64x2>", call<relaxed_madd<f64x2>>, 'd'},
    {"relaxed_nmadd<f64x2>", call<relaxed_nmadd<f64x2>>, 'd'},
    {"nearest<f64x2>", call<nearest<f64x2>>, 'd'},
    {"floor<f64x2>", call<floor<f64x2>>, 'd'},
    {"ceil<f64x2>", call<ceil<f64x2>>, 'd'},
    {"trunc<f64x2>", call<trunc<f64x2>>, 'd'},
    {"add<f64x2>", call<add<f64x2>>, 'd'},
    {"lt<f64x2>", call<lt<f64x2>>, 'i'},
    {"ne<f64x2>", call<ne<f64x2>>, 'i'},
    {"trunc_sat<i32x4>", call<trunc_sat<i32x4>>, 'i'},
    {"trunc_sat_zero<i32x4>", call<trunc_sat_zero<i32x4>>, 'i'},
    {"convert<i32x4>", call<convert<i32x4>>, 'f'},
    {"extend_low<f64x2, i32x4>", call<extend_low<f64x2, i32x4>>, 'd'},
    {"trunc_sat<u32x4>", call<trunc_sat<u32x4>>, 'i'},
    {"trunc_sat_zero<u32x4>", call<trunc_sat_zero<u32x4>>, 'i'},
    {"convert<u32x4>", call<convert<u32x4>>, 'f'},
    {"extend_low<f64x2, u32x4>", call<extend_low<f64x2, u32x4>>, 'd'},
    {"demote_zero", call<demote_zero>, 'f'},
    {"extend_low<f64x2, f32x4>", call<extend_low<f64x2, f32x4>>, 'd'},
};
// clang-format on

} // namespace

std::span<const SimdOperator> operators() { return all; }

} // namespace warpbeam::vm::WARPBEAM_ISA
