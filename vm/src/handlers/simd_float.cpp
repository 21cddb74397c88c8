#include "semantics/simd_float.hpp"

#include "handlers/simd_shapes.hpp"

namespace warpbeam::vm::WARPBEAM_ISA {

const Handler* float_binary(Op op) noexcept {
    switch (op) {
    case Op::f32x4_eq:
        return binary_of<eq<f32x4>>;
    case Op::f32x4_ne:
        return binary_of<ne<f32x4>>;
    case Op::f32x4_lt:
        return binary_of<lt<f32x4>>;
    case Op::f32x4_gt:
        return binary_of<gt<f32x4>>;
    case Op::f32x4_le:
        return binary_of<le<f32x4>>;
    case Op::f32x4_ge:
        return binary_of<ge<f32x4>>;
    case Op::f32x4_add:
        return binary_of<add<f32x4>>;
    case Op::f32x4_sub:
        return binary_of<sub<f32x4>>;
    case Op::f32x4_mul:
        return binary_of<mul<f32x4>>;
    case Op::f32x4_div:
        return binary_of<fdiv<f32x4>>;
    case Op::f32x4_min:
    case Op::f32x4_relaxed_min:
        return binary_of<fmin<f32x4>>;
    case Op::f32x4_max:
    case Op::f32x4_relaxed_max:
        return binary_of<fmax<f32x4>>;
    case Op::f32x4_pmin:
        return binary_of<pmin<f32x4>>;
    case Op::f32x4_pmax:
        return binary_of<pmax<f32x4>>;

    case Op::f64x2_eq:
        return binary_of<eq<f64x2>>;
    case Op::f64x2_ne:
        return binary_of<ne<f64x2>>;
    case Op::f64x2_lt:
        return binary_of<lt<f64x2>>;
    case Op::f64x2_gt:
        return binary_of<gt<f64x2>>;
    case Op::f64x2_le:
        return binary_of<le<f64x2>>;
    case Op::f64x2_ge:
        return binary_of<ge<f64x2>>;
    case Op::f64x2_add:
        return binary_of<add<f64x2>>;
    case Op::f64x2_sub:
        return binary_of<sub<f64x2>>;
    case Op::f64x2_mul:
        return binary_of<mul<f64x2>>;
    case Op::f64x2_div:
        return binary_of<fdiv<f64x2>>;
    case Op::f64x2_min:
    case Op::f64x2_relaxed_min:
        return binary_of<fmin<f64x2>>;
    case Op::f64x2_max:
    case Op::f64x2_relaxed_max:
        return binary_of<fmax<f64x2>>;
    case Op::f64x2_pmin:
        return binary_of<pmin<f64x2>>;
    case Op::f64x2_pmax:
        return binary_of<pmax<f64x2>>;
    default:
        return nullptr;
    }
}

} // namespace warpbeam::vm::WARPBEAM_ISA
