#pragma once

#include <warpbeam/loader/instr_table.hpp>

#include <algorithm>
#include <cstdint>

/// Which instructions compute with NaNs as numbers. The specification leaves open which NaN their result is;
/// with Config::deterministic it is the positive canonical one.
/// https://webassembly.github.io/spec/core/exec/numerics.html#nan-propagation

namespace warpbeam::vm {

/// Lanes of a vector, or a number.
enum class Floats : uint8_t { none, f32, f64, f32x4, f64x2 };

struct NanRow {
    Op op;
    Floats in;  ///< of which NaNs all are the same to the instruction
    Floats out; ///< among which new NaNs may be
};

inline constexpr NanRow nan_rows[] = {
#define WARPBEAM_NAN_ROWS(type, in)                                                                          \
    {Op::type##_add, in, in}, {Op::type##_sub, in, in}, {Op::type##_mul, in, in}, {Op::type##_div, in, in},  \
        {Op::type##_min, in, in}, {Op::type##_max, in, in}, {Op::type##_sqrt, in, in},                       \
        {Op::type##_ceil, in, in}, {Op::type##_floor, in, in}, {Op::type##_trunc, in, in},                   \
        {Op::type##_nearest, in, in}, {Op::type##_eq, in, Floats::none}, {Op::type##_ne, in, Floats::none},  \
        {Op::type##_lt, in, Floats::none}, {Op::type##_gt, in, Floats::none},                                \
        {Op::type##_le, in, Floats::none}, {                                                                 \
        Op::type##_ge, in, Floats::none                                                                      \
    }
    WARPBEAM_NAN_ROWS(f32, Floats::f32),
    WARPBEAM_NAN_ROWS(f64, Floats::f64),
    WARPBEAM_NAN_ROWS(f32x4, Floats::f32x4),
    WARPBEAM_NAN_ROWS(f64x2, Floats::f64x2),
#undef WARPBEAM_NAN_ROWS
    {Op::f32_demote_f64, Floats::f64, Floats::f32},
    {Op::f64_promote_f32, Floats::f32, Floats::f64},
    {Op::f32x4_demote_f64x2_zero, Floats::f64x2, Floats::f32x4},
    {Op::f64x2_promote_low_f32x4, Floats::f32x4, Floats::f64x2},
    {Op::f32x4_relaxed_madd, Floats::f32x4, Floats::f32x4},
    {Op::f32x4_relaxed_nmadd, Floats::f32x4, Floats::f32x4},
    {Op::f64x2_relaxed_madd, Floats::f64x2, Floats::f64x2},
    {Op::f64x2_relaxed_nmadd, Floats::f64x2, Floats::f64x2},
    {Op::f32x4_relaxed_min, Floats::f32x4, Floats::f32x4},
    {Op::f32x4_relaxed_max, Floats::f32x4, Floats::f32x4},
    {Op::f64x2_relaxed_min, Floats::f64x2, Floats::f64x2},
    {Op::f64x2_relaxed_max, Floats::f64x2, Floats::f64x2},
};

/// What an instruction has to do with NaNs; nothing if it moves bits, or has no floating-point operands.
constexpr NanRow nans_of(Op op) noexcept {
    const auto* const row = std::ranges::find(nan_rows, op, &NanRow::op);
    return row != std::end(nan_rows) ? *row : NanRow{op, Floats::none, Floats::none};
}

} // namespace warpbeam::vm
