#include "lower/lowering.hpp"

namespace warpbeam::vm {

bool Lowering::lower_wide(Op op) noexcept {
    const Handler handler = wide(op);
    if (handler == nullptr)
        return false;
    Popped operands[4];
    const size_t count = op == Op::i64_add128 || op == Op::i64_sub128 ? 4 : 2;
    for (size_t i = count; i-- != 0;) {
        operands[i] = pop();
        force_slot(operands[i]);
    }
    uint16_t slots[4] = {};
    for (size_t i = 0; i < count; ++i)
        slots[i] = slot_of(operands[i].operand);
    Instr& instr = emit(handler);
    instr.d = static_cast<uint16_t>(height());
    instr.a = slots[0];
    instr.b = slots[1];
    instr.c = slots[2];
    if (count == 4)
        word(slots[3]);
    push_home(ValType::i64);
    push_home(ValType::i64);
    return true;
}

} // namespace warpbeam::vm
