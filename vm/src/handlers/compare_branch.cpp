#include "handlers/numeric.hpp"

/// Branches with comparisons.
/// https://webassembly.github.io/spec/core/exec/instructions.html#control-instructions

namespace warpbeam::vm {

namespace {

/// Jumps if F(left, right); with option 1 if not.
template <typename T, typename F, Variant v>
struct CompareBranch {
    using In = Decoder<Form::compare_branch, v, sizeof(T)>;
    [[gnu::always_inline]] static bool test(Regs& r) noexcept {
        const auto holds =
            F::apply(In::template read<Field::left, T>(r), In::template read<Field::right, T>(r)) != 0;
        return holds != (v.option != 0);
    }
    [[gnu::always_inline]] static const Instr* taken(Regs& r) noexcept { return In::target(r); }
    [[gnu::always_inline]] static const Instr* next(Regs& r) noexcept { return In::next(r); }
};

template <Op op, Variant v>
using Body = CompareBranch<OperandOf<op, 0>, Numeric<op>, v>;

constexpr HandlerGroup groups[] = {group<Form::compare_branch, Family::i32_binary, Body>(),
                                   group<Form::compare_branch, Family::i64_binary, Body>(),
                                   group<Form::compare_branch, Family::float_binary, Body>()};

} // namespace

constinit const HandlerGroups branch_groups{groups};

} // namespace warpbeam::vm
