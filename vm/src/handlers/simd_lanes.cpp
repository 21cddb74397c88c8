#include "handlers/simd_operators.hpp"

/// Operators with other forms: three operands, a number as the second one, lanes as immediates.
/// https://webassembly.github.io/spec/core/exec/instructions.html#vector-instructions

namespace warpbeam::vm::WARPBEAM_ISA {

#if WARPBEAM_SIMD

namespace {

template <typename F, Variant v>
struct Ternary {
    using In = Decoder<Form::ternary, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const auto a = In::template read<Field::left, Vector>(r);
        const auto b = In::template read<Field::right, Vector>(r);
        const auto c = In::template read<Field::third, Vector>(r);
        return In::finish(r, F::apply(a, b, c));
    }
};
template <typename F, Variant v>
struct Shift {
    using In = Decoder<Form::shift, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const auto vector = In::template read<Field::left, Vector>(r);
        return In::finish(r, F::apply(vector, In::template read<Field::right, uint32_t>(r)));
    }
};
template <typename F, typename T, Variant v>
struct Replace {
    using In = Decoder<Form::replace_lane, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const auto vector = In::template read<Field::left, Vector>(r);
        const T number = In::template read<Field::right, T>(r);
        return In::finish(r, F::apply(vector, number, In::template get<Field::lane>(r.ip)));
    }
};
template <typename F, Variant v>
struct Shuffle {
    using In = Decoder<Form::shuffle, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const auto a = In::template read<Field::left, Vector>(r);
        const auto b = In::template read<Field::right, Vector>(r);
        return In::finish(r, F::apply(a, b, In::template vector<Field::lanes>(r.ip)));
    }
};

template <Op op, Variant v>
using TernaryBody = Ternary<Lanewise<op>, v>;
template <Op op, Variant v>
using ShiftBody = Shift<Lanewise<op>, v>;
template <Op op, Variant v>
using ReplaceBody = Replace<Lanewise<op>, OperandOf<op, 1>, v>;
template <Op op, Variant v>
using ShuffleBody = Shuffle<Lanewise<op>, v>;

constexpr HandlerGroup lane_group_list[] = {group<Form::ternary, Family::vector_ternary, TernaryBody>(),
                                            group<Form::shift, Family::vector_shift, ShiftBody>(),
                                            group<Form::replace_lane, Family::vector_replace, ReplaceBody>(),
                                            group<Form::shuffle, Family::vector_shuffle, ShuffleBody>()};

} // namespace

constinit const HandlerGroups lane_groups{lane_group_list};

#endif

} // namespace warpbeam::vm::WARPBEAM_ISA
