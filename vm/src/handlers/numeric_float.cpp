#include "handlers/families.hpp"
#include "handlers/shapes.hpp"
#include "semantics/float.hpp"

namespace warpbeam::vm {

const Handler* float_binary(Op op) noexcept {
    using namespace variants;
    switch (op) {
    case Op::f32_add:
        return binary_variants<float, Add, Commutative>.data();
    case Op::f32_sub:
        return binary_variants<float, Sub, Full>.data();
    case Op::f32_mul:
        return binary_variants<float, Mul, Commutative>.data();
    case Op::f32_div:
        return binary_variants<float, Div, Full>.data();
    case Op::f32_min:
        return binary_variants<float, Min, Compact>.data();
    case Op::f32_max:
        return binary_variants<float, Max, Compact>.data();
    case Op::f32_copysign:
        return binary_variants<float, Copysign, Compact>.data();
    case Op::f32_eq:
        return binary_variants<float, Eq, Compact>.data();
    case Op::f32_ne:
        return binary_variants<float, Ne, Compact>.data();
    case Op::f32_lt:
        return binary_variants<float, Lt, Compact>.data();
    case Op::f32_gt:
        return binary_variants<float, Gt, Compact>.data();
    case Op::f32_le:
        return binary_variants<float, Le, Compact>.data();
    case Op::f32_ge:
        return binary_variants<float, Ge, Compact>.data();
    case Op::f64_add:
        return binary_variants<double, Add, Commutative>.data();
    case Op::f64_sub:
        return binary_variants<double, Sub, Full>.data();
    case Op::f64_mul:
        return binary_variants<double, Mul, Commutative>.data();
    case Op::f64_div:
        return binary_variants<double, Div, Full>.data();
    case Op::f64_min:
        return binary_variants<double, Min, Compact>.data();
    case Op::f64_max:
        return binary_variants<double, Max, Compact>.data();
    case Op::f64_copysign:
        return binary_variants<double, Copysign, Compact>.data();
    case Op::f64_eq:
        return binary_variants<double, Eq, Compact>.data();
    case Op::f64_ne:
        return binary_variants<double, Ne, Compact>.data();
    case Op::f64_lt:
        return binary_variants<double, Lt, Compact>.data();
    case Op::f64_gt:
        return binary_variants<double, Gt, Compact>.data();
    case Op::f64_le:
        return binary_variants<double, Le, Compact>.data();
    case Op::f64_ge:
        return binary_variants<double, Ge, Compact>.data();
    default:
        return nullptr;
    }
}

} // namespace warpbeam::vm
