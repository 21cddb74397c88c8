#pragma once

#include "handlers/numeric.hpp"

/// Jumps, branches with comparisons, and the ends of counting loops.
/// https://webassembly.github.io/spec/core/exec/instructions.html#control-instructions

namespace warpbeam::vm {

template <Variant>
struct Jump {
    using In = Decoder<Form::jump>;
    static constexpr bool is_frequent = true;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        r.ip = In::target(r);
        return Exit::none;
    }
};

/// Jumps if F(left, right); with option 1 if not.
template <typename T, typename F, Variant v>
struct CompareBranch {
    using In = Decoder<Form::compare_branch, v, sizeof(T)>;
    static constexpr bool is_frequent = true;
    [[gnu::always_inline]] static bool test(Regs& r) noexcept {
        const auto holds =
            F::apply(In::template read<Field::left, T>(r), In::template read<Field::right, T>(r)) != 0;
        return holds != (v.option != 0);
    }
    [[gnu::always_inline]] static const Instr* taken(Regs& r) noexcept { return In::target(r); }
    [[gnu::always_inline]] static const Instr* next(Regs& r) noexcept { return In::next(r); }
};

template <Op op, Variant v>
using CompareBranchBody = CompareBranch<OperandOf<op, 0>, Numeric<op>, v>;

/// local += step; jumps if F(local, right).
template <typename T, typename F, Variant v>
struct Latch {
    using In = Decoder<Form::latch, v, sizeof(T)>;
    static constexpr bool may_loop = true;
    [[gnu::always_inline]] static T step(const Regs& r) noexcept {
        if constexpr (v.b == Src::imm)
            return static_cast<T>(static_cast<int16_t>(In::template get<Field::step>(r.ip)));
        else
            return In::template read<Field::step, T>(r);
    }
    [[gnu::always_inline]] static bool test(Regs& r) noexcept {
        const T by = step(r);
        const T sum = In::template read<Field::local, T>(r) + by;
        constexpr Dst to = v.a == Src::l0 ? Dst::l0 : v.a == Src::l1 ? Dst::l1 : Dst::slot;
        write<to, T>(r, In::template get<Field::local>(r.ip), sum);
        return F::apply(sum, In::template read<Field::right, T>(r));
    }
    [[gnu::always_inline]] static const Instr* taken(Regs& r) noexcept { return In::target(r); }
    [[gnu::always_inline]] static const Instr* next(Regs& r) noexcept { return In::next(r); }
};

template <Op op, Variant v>
using LatchBody = Latch<OperandOf<op, 0>, Numeric<op>, v>;

} // namespace warpbeam::vm
