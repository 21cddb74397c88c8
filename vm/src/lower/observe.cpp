#include "lower/lowering.hpp"

/// Instructions that tell an Observer what happens. The values that it sees are in their homes then; nothing
/// else about the code changes, and neither does the fuel that it takes.

namespace warpbeam::vm {

void Lowering::emit_observe(Observed event, uint32_t slot) noexcept {
    emit(Form::observe)
        .set(Field::event, static_cast<uint64_t>(event))
        .set(Field::far, slot)
        .set(Field::offset, body_.code_offset + offset_);
}

/// The operands stay where they are, since a return may be one of two ways.
void Lowering::observe_return() noexcept {
    const size_t count = control_[0].type.results();
    if (stack_.size() < count)
        return; // only after a failure
    const size_t first = stack_.size() - count;
    const uint32_t slot = count != 0 ? stack_[first].slot : 0;
    if (count == 1) {
        Popped value = top();
        store_to(slot, value);
    } else {
        flush_from(first);
    }
    emit_observe(Observed::leave, slot);
}

/// Before an instruction is lowered.
void Lowering::observe_instr(Op op) noexcept {
    if (options_.observes_calls &&
        (op == Op::return_call || op == Op::return_call_indirect || op == Op::return_call_ref))
        return emit_observe(Observed::tail_call, 0);
    if (!options_.observes_accesses)
        return;
    size_t operands = sig_of(op).arity;
    switch (op) {
    case Op::memory_copy:
        operands = 3;
        break;
    case Op::memory_fill:
    case Op::memory_init:
        break;
    default:
        if (row_of(op).imm != Imm::mem_arg && row_of(op).imm != Imm::mem_arg_lane)
            return;
    }
    if (stack_.size() < operands)
        return; // only after a failure
    const size_t first = stack_.size() - operands;
    flush_from(first);
    emit_observe(Observed::access, stack_[first].slot);
}

} // namespace warpbeam::vm
