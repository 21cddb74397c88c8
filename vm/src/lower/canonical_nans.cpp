#include "lower/lowering.hpp"

/// With Config::deterministic, an instruction after each one that may make a NaN makes that the canonical
/// one. https://webassembly.github.io/spec/core/exec/numerics.html#nan-propagation

namespace warpbeam::vm {

/// The result of the last instruction, which is in its accumulator.
void Lowering::make_canonical(Floats result) noexcept {
    const Producer producer = acc(true).producer;
    const Popped value = discard();
    if (failure() != Exit::none)
        return;
    const Form form =
        result == Floats::f32 || result == Floats::f32x4 ? Form::canonical_f32 : Form::canonical_f64;
    emit_result({form, Op::nop, {.a = Src::acc, .option = bank_option(value.operand.kind)}},
                value.operand.kind);
    raw_ = {serial_, result, value.operand.stored, producer};
}

/// The next instruction takes every NaN for the same: if that making NaNs canonical is the last one, and the
/// value is one of that many operands, it is removed.
void Lowering::leave_nans(Floats of, size_t operands) noexcept {
    Accumulator& accumulator = acc(true);
    const size_t place = accumulator.operand;
    if (place >= stack_.size() || place + operands < stack_.size() || raw_.serial == 0 ||
        accumulator.producer.serial != raw_.serial || raw_.floats != of)
        return;
    const Popped value{stack_[place], true};
    if (last_producer(value) == nullptr)
        return;
    (void)take_back(accumulator.producer);
    accumulator = {place, no_local, raw_.producer};
    stack_[place].stored = raw_.stored;
}

} // namespace warpbeam::vm
