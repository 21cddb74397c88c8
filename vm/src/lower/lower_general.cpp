#include "heap/layout.hpp"
#include "lower/lowering.hpp"

/// Instructions whose work outweighs their dispatch, most of them on tables and memories,
/// https://webassembly.github.io/spec/core/exec/instructions.html#table-instructions

namespace warpbeam::vm {

void Lowering::emit_general(Op op, uint32_t operands, Kind result, uint64_t first, uint64_t second) noexcept {
    constexpr Form forms[] = {Form::general0, Form::general1, Form::general2};
    const auto immediates = static_cast<size_t>(family_of(op)) - static_cast<size_t>(Family::general0);
    spill_accs();
    flush_from(stack_.size() - operands);
    const uint32_t references = list_references();
    truncate_stack(stack_.size() - operands);
    const uint32_t slot = height();
    // The result of an instruction without operands also needs a slot.
    raise_height(1);
    height_ -= 1;
    note_safepoint(here(), references);
    Fields out = emit({forms[immediates], op, {}});
    out.set(Field::operands, slot);
    if (immediates > 0)
        out.set(Field::first, first);
    if (immediates > 1)
        out.set(Field::second, second);
    forget_accs();
    if (result != ValType::bot) {
        push_home(result);
        acc(false).operand = stack_.size() - 1;
    }
}

void Lowering::lower_general0(Op op, uint32_t operands, Kind result, Imm skipped) noexcept {
    reader_.skip(skipped);
    emit_general(op, operands, result);
}

void Lowering::lower_general1(Op op, uint32_t operands, Kind result, Imm skipped) noexcept {
    reader_.skip(skipped);
    emit_general(op, operands, result, reader_.u32());
}

void Lowering::lower_general2(Op op, uint32_t operands) noexcept {
    const uint32_t first = reader_.u32();
    emit_general(op, operands, ValType::bot, first, reader_.u32());
}

void Lowering::lower_memory_size(Op op, uint32_t operands) noexcept {
    const uint32_t memory = reader_.u32();
    emit_general(op, operands, module_.memories()[memory].limits.address_type().kind(), memory);
}

void Lowering::lower_table_size(Op op, uint32_t operands) noexcept {
    const uint32_t table = reader_.u32();
    emit_general(op, operands, module_.tables()[table].limits.address_type().kind(), table);
}

void Lowering::lower_wait(Op op) noexcept {
    const MemArg arg = reader_.mem_arg();
    emit_general(op, sig_of(op).arity, ValType::i32, arg.memory, arg.offset);
}

} // namespace warpbeam::vm
