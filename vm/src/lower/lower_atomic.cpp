#include "lower/lowering.hpp"

namespace warpbeam::vm {

bool Lowering::lower_atomic(Op op) noexcept {
    if (op == Op::atomic_fence) {
        (void)reader_.byte();
        emit(atomic_fence());
        return true;
    }
    const InstrRow& row = row_of(op);
    if (wait_or_notify(op) != nullptr) {
        const MemArg arg = reader_.mem_arg();
        lower_slow(op, row.sig.arity, ValType::i32, {arg.memory, arg.offset});
        return true;
    }
    if (atomic(op, Src::slot, Src::slot) == nullptr)
        return false;

    const MemArg arg = reader_.mem_arg();
    const bool is_64 = module_.memories()[arg.memory].limits.is_64;
    const bool is_first = arg.memory == 0 && !is_64;
    Popped value;
    Popped expected;
    const bool has_value = row.sig.arity > 1;
    const bool has_expected = row.sig.arity > 2;
    if (has_value)
        value = pop();
    if (has_expected)
        expected = pop();
    Popped address = pop();
    // The address or the value may be in the accumulator, all else is in slots.
    Src address_src = classify(address);
    Src value_src = has_value ? classify(value) : Src::slot;
    if (address_src == Src::acc && value_src == Src::acc)
        (value.operand.where == Operand::local ? value_src : address_src) = Src::slot;
    if (address_src != Src::acc || !is_first)
        generalize(address, address_src);
    if (has_value && (value_src != Src::acc || !is_first))
        generalize(value, value_src);
    if (has_expected)
        force_slot(expected);

    const bool has_result = row.sig.out != Sig::none;
    if (has_result)
        spill_accs();
    Instr& instr = emit(is_first ? atomic(op, address_src, value_src) : atomic_any(op, is_64));
    instr.d = address.operand.slot;
    instr.a = slot_of(address.operand);
    if (has_expected)
        instr.b = slot_of(expected.operand);
    if (has_value)
        instr.c = slot_of(value.operand);
    word(arg.offset);
    if (!is_first)
        word(arg.memory);
    if (has_result) {
        int_acc_ = {};
        push_home(row.sig.out == Sig::i64 ? ValType::i64 : ValType::i32);
        int_acc_.operand = stack_.size() - 1;
    }
    return true;
}

} // namespace warpbeam::vm
