#include "handlers/families.hpp"
#include "handlers/shapes.hpp"
#include "semantics/convert.hpp"
#include "semantics/float.hpp"

namespace warpbeam::vm {

const Handler* unary(Op op) noexcept {
    using u32 = uint32_t;
    using u64 = uint64_t;
    switch (op) {
    case Op::i32_clz:
        return unary_variants<u32, Clz>.data();
    case Op::i32_ctz:
        return unary_variants<u32, Ctz>.data();
    case Op::i32_popcnt:
        return unary_variants<u32, Popcnt>.data();
    case Op::i32_extend8_s:
        return unary_variants<u32, Extend<int8_t>>.data();
    case Op::i32_extend16_s:
        return unary_variants<u32, Extend<int16_t>>.data();
    case Op::i64_clz:
        return unary_variants<u64, Clz>.data();
    case Op::i64_ctz:
        return unary_variants<u64, Ctz>.data();
    case Op::i64_popcnt:
        return unary_variants<u64, Popcnt>.data();
    case Op::i64_extend8_s:
        return unary_variants<u64, Extend<int8_t>>.data();
    case Op::i64_extend16_s:
        return unary_variants<u64, Extend<int16_t>>.data();
    case Op::i64_extend32_s:
        return unary_variants<u64, Extend<int32_t>>.data();
    case Op::f32_abs:
        return unary_variants<float, Abs>.data();
    case Op::f32_neg:
        return unary_variants<float, Neg>.data();
    case Op::f32_ceil:
        return unary_variants<float, Ceil>.data();
    case Op::f32_floor:
        return unary_variants<float, Floor>.data();
    case Op::f32_trunc:
        return unary_variants<float, Trunc>.data();
    case Op::f32_nearest:
        return unary_variants<float, Nearest>.data();
    case Op::f32_sqrt:
        return unary_variants<float, Sqrt>.data();
    case Op::f64_abs:
        return unary_variants<double, Abs>.data();
    case Op::f64_neg:
        return unary_variants<double, Neg>.data();
    case Op::f64_ceil:
        return unary_variants<double, Ceil>.data();
    case Op::f64_floor:
        return unary_variants<double, Floor>.data();
    case Op::f64_trunc:
        return unary_variants<double, Trunc>.data();
    case Op::f64_nearest:
        return unary_variants<double, Nearest>.data();
    case Op::f64_sqrt:
        return unary_variants<double, Sqrt>.data();
    case Op::i32_wrap_i64:
        return unary_variants<u64, Wrap>.data();
    case Op::i64_extend_i32_s:
        return unary_variants<u32, ExtendI32S>.data();
    case Op::i32_trunc_f32_s:
        return unary_variants<float, TruncTo<int32_t>>.data();
    case Op::i32_trunc_f32_u:
        return unary_variants<float, TruncTo<u32>>.data();
    case Op::i32_trunc_f64_s:
        return unary_variants<double, TruncTo<int32_t>>.data();
    case Op::i32_trunc_f64_u:
        return unary_variants<double, TruncTo<u32>>.data();
    case Op::i64_trunc_f32_s:
        return unary_variants<float, TruncTo<int64_t>>.data();
    case Op::i64_trunc_f32_u:
        return unary_variants<float, TruncTo<u64>>.data();
    case Op::i64_trunc_f64_s:
        return unary_variants<double, TruncTo<int64_t>>.data();
    case Op::i64_trunc_f64_u:
        return unary_variants<double, TruncTo<u64>>.data();
    case Op::i32_trunc_sat_f32_s:
        return unary_variants<float, TruncSatTo<int32_t>>.data();
    case Op::i32_trunc_sat_f32_u:
        return unary_variants<float, TruncSatTo<u32>>.data();
    case Op::i32_trunc_sat_f64_s:
        return unary_variants<double, TruncSatTo<int32_t>>.data();
    case Op::i32_trunc_sat_f64_u:
        return unary_variants<double, TruncSatTo<u32>>.data();
    case Op::i64_trunc_sat_f32_s:
        return unary_variants<float, TruncSatTo<int64_t>>.data();
    case Op::i64_trunc_sat_f32_u:
        return unary_variants<float, TruncSatTo<u64>>.data();
    case Op::i64_trunc_sat_f64_s:
        return unary_variants<double, TruncSatTo<int64_t>>.data();
    case Op::i64_trunc_sat_f64_u:
        return unary_variants<double, TruncSatTo<u64>>.data();
    case Op::f32_convert_i32_s:
        return unary_variants<u32, ConvertTo<int32_t, float>>.data();
    case Op::f32_convert_i32_u:
        return unary_variants<u32, ConvertTo<u32, float>>.data();
    case Op::f32_convert_i64_s:
        return unary_variants<u64, ConvertTo<int64_t, float>>.data();
    case Op::f32_convert_i64_u:
        return unary_variants<u64, ConvertTo<u64, float>>.data();
    case Op::f64_convert_i32_s:
        return unary_variants<u32, ConvertTo<int32_t, double>>.data();
    case Op::f64_convert_i32_u:
        return unary_variants<u32, ConvertTo<u32, double>>.data();
    case Op::f64_convert_i64_s:
        return unary_variants<u64, ConvertTo<int64_t, double>>.data();
    case Op::f64_convert_i64_u:
        return unary_variants<u64, ConvertTo<u64, double>>.data();
    case Op::f32_demote_f64:
        return unary_variants<double, Demote>.data();
    case Op::f64_promote_f32:
        return unary_variants<float, Promote>.data();
    case Op::i32_reinterpret_f32:
        return unary_variants<float, Reinterpret<u32>>.data();
    case Op::i64_reinterpret_f64:
        return unary_variants<double, Reinterpret<u64>>.data();
    case Op::f32_reinterpret_i32:
        return unary_variants<u32, Reinterpret<float>>.data();
    case Op::f64_reinterpret_i64:
        return unary_variants<u64, Reinterpret<double>>.data();
    default:
        break;
    }
    const Handler* const vectors = vector_unary(op);
    return vectors != nullptr ? vectors : unary_gc(op);
}

} // namespace warpbeam::vm
