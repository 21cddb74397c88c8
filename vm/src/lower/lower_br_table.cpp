#include "lower/lowering.hpp"

/// Branches to one of several labels.
/// https://webassembly.github.io/spec/core/exec/instructions.html#control-instructions

namespace warpbeam::vm {

/// Takes the addition of a small constant that computed the index into the table's instruction.
bool Lowering::fold_into_table(const Popped& index, Choice& choice, uint32_t& slot,
                               uint64_t& addend) noexcept {
    const Producer* const last = last_producer(index);
    if (last == nullptr || !last->is(Form::binary, Op::i32_add))
        return false;
    const Variant sum = operands_from_pins(*last);
    const auto value = static_cast<int32_t>(fields(*last).get(Field::right));
    if (sum.a == Src::imm || sum.b != Src::imm || value != static_cast<int16_t>(value))
        return false;
    const Taken old = take_back(*last);
    choice.variant.a = sum.a;
    slot = static_cast<uint32_t>(old.get(Field::left));
    addend = static_cast<uint16_t>(value);
    return true;
}

void Lowering::lower_br_table() noexcept {
    Popped index = pop();
    // A switch whose least case is not zero subtracts that first.
    Choice choice{Form::jump_table, Op::nop, {}};
    uint64_t addend = 0;
    uint32_t slot = 0;
    if (!fold_into_table(index, choice, slot, addend)) {
        settle_and_prepare(choice, index);
        slot = slot_of(index.operand);
    }
    // What follows only copies, which leaves the accumulator with the index unchanged.
    const uint32_t count = reader_.u32();
    InstrReader labels = reader_;
    // If a label needs its operands in a different place, every label gets its own piece of code.
    bool direct = true;
    size_t operands = 0;
    for (uint32_t i = 0; i <= count; ++i) {
        const Control& control = target(reader_.u32());
        operands = arity(control);
        direct &= control.kind != ControlKind::func && operands == 0;
    }
    flush_from(stack_.size() - operands);
    const size_t instr = here();
    emit(choice).set(Field::index, slot).set(Field::addend, addend).set(Field::count, count);
    if (!code_.resize(here() + (size_t{count} / 2 + 1) * sizeof(uint64_t)))
        fail(Exit::out_of_memory);
    for (uint32_t i = 0; i <= count && failure() == Exit::none; ++i) {
        const uint32_t depth = labels.u32();
        const size_t field = instr + sizeof(Instr) + size_t{4} * i;
        if (direct) {
            jump_from(instr, field, depth);
            continue;
        }
        Control& control = target(depth);
        if (control.way <= instr) {
            control.way = here();
            bind_here();
            leave_to(depth);
        }
        set_distance(instr, field, control.way);
    }
    become_unreachable();
}

} // namespace warpbeam::vm
