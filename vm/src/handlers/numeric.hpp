#pragma once

#include "handlers/generate.hpp"
#include "semantics/numeric.hpp"

/// Operators on numbers, https://webassembly.github.io/spec/core/exec/instructions.html#numeric-instructions

namespace warpbeam::vm {

/// result = F(left, right)
template <typename T, typename F, Variant v>
struct Binary {
    using In = Decoder<Form::binary, v, sizeof(T)>;
    static constexpr bool is_frequent = v.result == Dst::slot; // most comparisons are part of a branch
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        return In::finish(
            r, F::apply(In::template read<Field::left, T>(r), In::template read<Field::right, T>(r)));
    }
};

template <Op op, Variant v>
using BinaryBody = Binary<OperandOf<op, 0>, Numeric<op>, v>;

/// result = F(operand)
template <typename T, typename F, Variant v>
struct Unary {
    using In = Decoder<Form::unary, v, sizeof(T)>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        return In::finish(r, F::apply(In::template read<Field::operand, T>(r)));
    }
};

template <Op op, Variant v>
using UnaryBody = Unary<OperandOf<op, 0>, Numeric<op>, v>;

/// result = left + (right << shift)
template <Variant v>
struct AddShl {
    using In = Decoder<Form::add_shl, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const uint32_t scaled = In::template read<Field::right, uint32_t>(r)
                                << In::template get<Field::shift>(r.ip);
        return In::finish(r, In::template read<Field::left, uint32_t>(r) + scaled);
    }
};

} // namespace warpbeam::vm
