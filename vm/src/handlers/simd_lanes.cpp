#include "handlers/simd_operators.hpp"

/// Operators of other forms: three operands, a number as the second one, lanes as immediates.

namespace warpbeam::vm::WARPBEAM_ISA {

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

template <Op op>
struct TernaryMaker {
    template <Variant v>
    using Body = Ternary<Lanewise<op>, v>;
};
template <Op op>
struct ShiftMaker {
    template <Variant v>
    using Body = Shift<Lanewise<op>, v>;
};
template <Op op>
struct ReplaceMaker {
    template <Variant v>
    using Body = Replace<Lanewise<op>, Operand<op, 1>, v>;
};
template <Op op>
struct ShuffleMaker {
    template <Variant v>
    using Body = Shuffle<Lanewise<op>, v>;
};

constexpr HandlerGroup groups[] = {group<Form::ternary, Family::vector_ternary, TernaryMaker>(),
                                   group<Form::shift, Family::vector_shift, ShiftMaker>(),
                                   group<Form::replace_lane, Family::vector_replace, ReplaceMaker>(),
                                   group<Form::shuffle, Family::vector_shuffle, ShuffleMaker>()};

} // namespace

constinit const HandlerGroups lane_groups{groups};

} // namespace warpbeam::vm::WARPBEAM_ISA
