#include "handlers/families.hpp"
#include "handlers/shapes.hpp"
#include "semantics/float.hpp"

namespace warpbeam::vm {

namespace {

/// The comparisons of one integer type by their place behind `eq`, and their negations.
template <typename T>
const Handler* int_branch(unsigned place) noexcept {
    using variants::Commutative;
    using variants::Full;
    switch (place) {
    case 0:
        return branch_variants<T, Eq, Commutative>.data();
    case 1:
        return branch_variants<T, Ne, Commutative>.data();
    case 2:
        return branch_variants<T, LtS, Full>.data();
    case 3:
        return branch_variants<T, LtU, Full>.data();
    case 4:
        return branch_variants<T, GtS, Full>.data();
    case 5:
        return branch_variants<T, GtU, Full>.data();
    case 6:
        return branch_variants<T, LeS, Full>.data();
    case 7:
        return branch_variants<T, LeU, Full>.data();
    case 8:
        return branch_variants<T, GeS, Full>.data();
    case 9:
        return branch_variants<T, GeU, Full>.data();
    default:
        return nullptr;
    }
}
/// lt <-> ge, gt <-> le, eq <-> ne
constexpr unsigned negation[] = {1, 0, 8, 9, 6, 7, 4, 5, 2, 3};

/// The order is eq, ne, lt, gt, le, ge.
template <typename T>
const Handler* float_branch(unsigned place, bool negated) noexcept {
    using variants::Commutative;
    using variants::Full;
    switch (place) {
    case 0:
        return negated ? branch_variants<T, Ne, Commutative>.data()
                       : branch_variants<T, Eq, Commutative>.data();
    case 1:
        return negated ? branch_variants<T, Eq, Commutative>.data()
                       : branch_variants<T, Ne, Commutative>.data();
    case 2:
        return negated ? branch_variants<T, Not<Lt>, Full>.data() : branch_variants<T, Lt, Full>.data();
    case 3:
        return negated ? branch_variants<T, Not<Gt>, Full>.data() : branch_variants<T, Gt, Full>.data();
    case 4:
        return negated ? branch_variants<T, Not<Le>, Full>.data() : branch_variants<T, Le, Full>.data();
    case 5:
        return negated ? branch_variants<T, Not<Ge>, Full>.data() : branch_variants<T, Ge, Full>.data();
    default:
        return nullptr;
    }
}

/// local += step; jump if F(local, right)
template <typename T, typename F, Src Local, Src Step, Src R>
struct Latch {
    [[gnu::always_inline]] static bool test(Regs& r) noexcept {
        const T step =
            Step == Src::imm ? static_cast<T>(static_cast<int16_t>(r.ip->a)) : read<T, Step>(r, r.ip->a, 0);
        const T sum = read<T, Local>(r, r.ip->d, 0) + step;
        constexpr Dst to = Local == Src::l0 ? Dst::l0 : Local == Src::l1 ? Dst::l1 : Dst::slot;
        write<to, T>(r, r.ip->d, sum);
        const uint64_t right = r.ip->word(0);
        return F::apply(sum, read<T, R>(r, static_cast<uint16_t>(right), right));
    }
    [[gnu::always_inline]] static const Instr* taken(Regs& r) noexcept { return r.ip->jump(r.ip->imm); }
    [[gnu::always_inline]] static const Instr* next(Regs& r) noexcept {
        return r.ip->after(sizeof(Instr) + 8);
    }
};

template <typename T, typename F, Src Local, Src Step>
Handler latch_right(Src right) noexcept {
    switch (right) {
    case Src::slot:
        return &handler<Latch<T, F, Local, Step, Src::slot>>;
    case Src::imm:
        return &handler<Latch<T, F, Local, Step, Src::imm>>;
    case Src::l0:
        if constexpr (Local != Src::l0)
            return &handler<Latch<T, F, Local, Step, Src::l0>>;
        break;
    case Src::l1:
        if constexpr (Local != Src::l1)
            return &handler<Latch<T, F, Local, Step, Src::l1>>;
        break;
    case Src::acc:
        break;
    }
    return nullptr;
}

/// Steps are constants, or for pinned locals in slots.
template <typename T, typename F>
Handler latch_variant(Src local, Src step, Src right) noexcept {
    if (step == Src::slot) {
        if (local == Src::l0)
            return latch_right<T, F, Src::l0, Src::slot>(right);
        if (local == Src::l1)
            return latch_right<T, F, Src::l1, Src::slot>(right);
    } else if (step == Src::imm) {
        if (local == Src::l0)
            return latch_right<T, F, Src::l0, Src::imm>(right);
        if (local == Src::l1)
            return latch_right<T, F, Src::l1, Src::imm>(right);
        if (local == Src::slot)
            return latch_right<T, F, Src::slot, Src::imm>(right);
    }
    return nullptr;
}

template <typename T>
Handler int_latch(unsigned place, Src local, Src step, Src right) noexcept {
    switch (place) {
    case 0:
        return latch_variant<T, Eq>(local, step, right);
    case 1:
        return latch_variant<T, Ne>(local, step, right);
    case 2:
        return latch_variant<T, LtS>(local, step, right);
    case 3:
        return latch_variant<T, LtU>(local, step, right);
    case 4:
        return latch_variant<T, GtS>(local, step, right);
    case 5:
        return latch_variant<T, GtU>(local, step, right);
    case 6:
        return latch_variant<T, LeS>(local, step, right);
    case 7:
        return latch_variant<T, LeU>(local, step, right);
    case 8:
        return latch_variant<T, GeS>(local, step, right);
    case 9:
        return latch_variant<T, GeU>(local, step, right);
    default:
        return nullptr;
    }
}

constexpr unsigned distance(Op op, Op first) noexcept {
    return static_cast<unsigned>(op) - static_cast<unsigned>(first);
}

} // namespace

const Handler* compare_branch(Op op, bool negated) noexcept {
    using variants::Commutative;
    if (op == Op::i32_and)
        return negated ? branch_variants<uint32_t, NoBits, Commutative>.data()
                       : branch_variants<uint32_t, Bits, Commutative>.data();
    if (op == Op::i64_and)
        return negated ? branch_variants<uint64_t, NoBits, Commutative>.data()
                       : branch_variants<uint64_t, Bits, Commutative>.data();
    if (op >= Op::i32_eq && op <= Op::i32_ge_u) {
        const unsigned place = distance(op, Op::i32_eq);
        return int_branch<uint32_t>(negated ? negation[place] : place);
    }
    if (op >= Op::i64_eq && op <= Op::i64_ge_u) {
        const unsigned place = distance(op, Op::i64_eq);
        return int_branch<uint64_t>(negated ? negation[place] : place);
    }
    if (op >= Op::f32_eq && op <= Op::f32_ge)
        return float_branch<float>(distance(op, Op::f32_eq), negated);
    if (op >= Op::f64_eq && op <= Op::f64_ge)
        return float_branch<double>(distance(op, Op::f64_eq), negated);
    return nullptr;
}

Handler latch(Op op, bool negated, Src local, Src step, Src right) noexcept {
    if (op >= Op::i32_eq && op <= Op::i32_ge_u) {
        const unsigned place = distance(op, Op::i32_eq);
        return int_latch<uint32_t>(negated ? negation[place] : place, local, step, right);
    }
    if (op >= Op::i64_eq && op <= Op::i64_ge_u) {
        const unsigned place = distance(op, Op::i64_eq);
        return int_latch<uint64_t>(negated ? negation[place] : place, local, step, right);
    }
    return nullptr;
}

} // namespace warpbeam::vm
