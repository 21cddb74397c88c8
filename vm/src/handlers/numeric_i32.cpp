#include "handlers/families.hpp"
#include "handlers/shapes.hpp"

namespace warpbeam::vm {

namespace {

using T = uint32_t;
using namespace variants;

} // namespace

const Handler* i32_binary(Op op) noexcept {
    switch (op) {
    case Op::i32_add:
        return binary_variants<T, Add, Commutative>.data();
    case Op::i32_sub:
        return binary_variants<T, Sub, Full>.data();
    case Op::i32_mul:
        return binary_variants<T, Mul, Commutative>.data();
    case Op::i32_and:
        return binary_variants<T, And, Commutative>.data();
    case Op::i32_or:
        return binary_variants<T, Or, Commutative>.data();
    case Op::i32_xor:
        return binary_variants<T, Xor, Commutative>.data();
    case Op::i32_shl:
        return binary_variants<T, Shl, Full>.data();
    case Op::i32_shr_s:
        return binary_variants<T, ShrS, Full>.data();
    case Op::i32_shr_u:
        return binary_variants<T, ShrU, Full>.data();
    case Op::i32_rotl:
        return binary_variants<T, Rotl, Ordered>.data();
    case Op::i32_rotr:
        return binary_variants<T, Rotr, Ordered>.data();
    case Op::i32_div_s:
        return binary_variants<T, DivS, Compact>.data();
    case Op::i32_div_u:
        return binary_variants<T, DivU, Compact>.data();
    case Op::i32_rem_s:
        return binary_variants<T, RemS, Compact>.data();
    case Op::i32_rem_u:
        return binary_variants<T, RemU, Compact>.data();
    case Op::i32_eq:
        return binary_variants<T, Eq, Ordered>.data();
    case Op::i32_ne:
        return binary_variants<T, Ne, Ordered>.data();
    case Op::i32_lt_s:
        return binary_variants<T, LtS, Ordered>.data();
    case Op::i32_lt_u:
        return binary_variants<T, LtU, Ordered>.data();
    case Op::i32_gt_s:
        return binary_variants<T, GtS, Ordered>.data();
    case Op::i32_gt_u:
        return binary_variants<T, GtU, Ordered>.data();
    case Op::i32_le_s:
        return binary_variants<T, LeS, Ordered>.data();
    case Op::i32_le_u:
        return binary_variants<T, LeU, Ordered>.data();
    case Op::i32_ge_s:
        return binary_variants<T, GeS, Ordered>.data();
    case Op::i32_ge_u:
        return binary_variants<T, GeU, Ordered>.data();
    default:
        return nullptr;
    }
}

} // namespace warpbeam::vm
