#include "handlers/families.hpp"
#include "handlers/shapes.hpp"

namespace warpbeam::vm {

namespace {

using T = uint64_t;
using namespace variants;

} // namespace

const Handler* i64_binary(Op op) noexcept {
    switch (op) {
    case Op::i64_add:
        return binary_variants<T, Add, Commutative>.data();
    case Op::i64_sub:
        return binary_variants<T, Sub, Full>.data();
    case Op::i64_mul:
        return binary_variants<T, Mul, Commutative>.data();
    case Op::i64_and:
        return binary_variants<T, And, Commutative>.data();
    case Op::i64_or:
        return binary_variants<T, Or, Commutative>.data();
    case Op::i64_xor:
        return binary_variants<T, Xor, Commutative>.data();
    case Op::i64_shl:
        return binary_variants<T, Shl, Full>.data();
    case Op::i64_shr_s:
        return binary_variants<T, ShrS, Full>.data();
    case Op::i64_shr_u:
        return binary_variants<T, ShrU, Full>.data();
    case Op::i64_rotl:
        return binary_variants<T, Rotl, Ordered>.data();
    case Op::i64_rotr:
        return binary_variants<T, Rotr, Ordered>.data();
    case Op::i64_div_s:
        return binary_variants<T, DivS, Compact>.data();
    case Op::i64_div_u:
        return binary_variants<T, DivU, Compact>.data();
    case Op::i64_rem_s:
        return binary_variants<T, RemS, Compact>.data();
    case Op::i64_rem_u:
        return binary_variants<T, RemU, Compact>.data();
    case Op::i64_eq:
        return binary_variants<T, Eq, Ordered>.data();
    case Op::i64_ne:
        return binary_variants<T, Ne, Ordered>.data();
    case Op::i64_lt_s:
        return binary_variants<T, LtS, Ordered>.data();
    case Op::i64_lt_u:
        return binary_variants<T, LtU, Ordered>.data();
    case Op::i64_gt_s:
        return binary_variants<T, GtS, Ordered>.data();
    case Op::i64_gt_u:
        return binary_variants<T, GtU, Ordered>.data();
    case Op::i64_le_s:
        return binary_variants<T, LeS, Ordered>.data();
    case Op::i64_le_u:
        return binary_variants<T, LeU, Ordered>.data();
    case Op::i64_ge_s:
        return binary_variants<T, GeS, Ordered>.data();
    case Op::i64_ge_u:
        return binary_variants<T, GeU, Ordered>.data();
    default:
        return nullptr;
    }
}

} // namespace warpbeam::vm
