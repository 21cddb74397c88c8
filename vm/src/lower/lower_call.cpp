#include "lower/lowering.hpp"

/// Calls and returns.

namespace warpbeam::vm {

/// `result` is the slot that a call's result goes to.
Pins Lowering::pins_word(const PinSet& pins, uint32_t result) const noexcept {
    const auto slot = [&](uint32_t local) {
        return local == PinSet::none ? uint16_t{0} : locals_[local].slot;
    };
    return {slot(pins.l0), slot(pins.l1), slot(pins.f0), static_cast<uint16_t>(result)};
}

void Lowering::emit_pins() noexcept {
    const Pins pins = pins_word(0);
    Instr& instr = emit(set_pins());
    instr.d = pins.l0;
    instr.a = pins.l1;
    instr.b = pins.f0;
}

/// Puts the arguments, which are on top of the stack, where the callee's frame begins, and tells where that
/// is.
uint32_t Lowering::begin_call(size_t params) noexcept {
    if (stack_.size() < params)
        return height(); // only after a failure
    const size_t first = stack_.size() - params;
    flush_from(first);
    spill_accs();
    const uint32_t frame = params == 0 ? height() : stack_[first].slot;
    truncate_stack(first);
    return frame;
}

void Lowering::end_call(const FuncType& type) noexcept {
    forget_accs();
    for (const ValType result : type.results)
        push_home(result.kind());
    if (type.results.size() == 1 && type.results[0].kind() != ValType::v128) {
        acc(is_float_kind(type.results[0].kind())).operand = stack_.size() - 1;
        call_serial_ = serial_;
    }
}

void Lowering::lower_return() noexcept {
    const FuncType& type = *control_[0].type.func;
    const size_t count = type.results.size();
    if (count == 0) {
        emit(return_void());
    } else if (count == 1 && type.results[0].kind() != ValType::v128) {
        const Popped value = top();
        const Src src = classify(value);
        const bool is_float = is_float_kind(type.results[0].kind());
        emit(is_float ? return_float(src) : return_int(src)).a = slot_of(value.operand);
        if (src == Src::imm)
            word(value.operand.value);
    } else {
        const size_t first = stack_.size() - count;
        flush_from(first);
        Instr& instr = emit(copy_range());
        instr.d = 0;
        instr.a = stack_[first].slot;
        instr.c = static_cast<uint16_t>(height() - stack_[first].slot);
        emit(return_void());
    }
}

void Lowering::lower_tail_call(const FuncType& type, Handler handler, uint64_t target_word,
                               const Popped* callee) noexcept {
    const size_t params = type.params.size();
    uint16_t callee_slot = callee != nullptr ? slot_of(callee->operand) : 0;
    uint32_t width = 0;
    for (const ValType param : type.params)
        width += slots_of(param.kind());
    const uint32_t from = begin_call(params);
    // The arguments come to lie over the frame, perhaps over what names the callee.
    if (callee != nullptr && callee_slot < width) {
        const auto safe = static_cast<uint16_t>(from + width);
        raise_height(width + 1);
        height_ -= width + 1;
        copy_slot(safe, callee_slot);
        callee_slot = safe;
    }
    if (width != 0) {
        Instr& instr = emit(copy_range());
        instr.d = 0;
        instr.a = static_cast<uint16_t>(from);
        instr.c = static_cast<uint16_t>(width);
    }
    Instr& instr = emit(handler);
    instr.a = callee_slot;
    instr.uimm = 0;
    word(target_word);
    word(0);
    become_unreachable();
}

bool Lowering::lower_call(Op op) noexcept {
    const TypeRegistry& registry = module_.type_registry();
    switch (op) {
    case Op::return_:
        lower_return();
        become_unreachable();
        return true;
    case Op::call:
    case Op::return_call: {
        const uint32_t func = reader_.u32();
        const FuncType& type = registry.func(module_.funcs()[func]);
        const bool imported = func < module_.imported_funcs();
        const uint64_t target_word =
            imported ? func : reinterpret_cast<uint64_t>(&cells_[func - module_.imported_funcs()]);
        if (op == Op::return_call) {
            lower_tail_call(type, imported ? return_call_import() : return_call(), target_word, nullptr);
            return true;
        }
        const uint32_t frame = begin_call(type.params.size());
        emit(imported ? call_import() : call()).uimm = frame;
        word(target_word);
        word(std::bit_cast<uint64_t>(pins_word(frame)));
        end_call(type);
        return true;
    }
    case Op::call_indirect:
    case Op::return_call_indirect:
    case Op::call_ref:
    case Op::return_call_ref: {
        const TypeId type_id = module_.types()[reader_.u32()];
        const FuncType& type = registry.func(type_id);
        const bool by_ref = op == Op::call_ref || op == Op::return_call_ref;
        const uint64_t target_word = by_ref ? 0 : uint64_t{reader_.u32()} << 32 | type_id;
        Popped callee = pop();
        const bool tail = op == Op::return_call_indirect || op == Op::return_call_ref;
        // The index stays in the accumulator when no argument's move or store is in between.
        const bool in_acc = !tail && !by_ref && callee.in_acc && classify(callee) == Src::acc;
        if (!in_acc)
            force_slot(callee);
        if (tail) {
            lower_tail_call(type, by_ref ? return_call_ref() : return_call_indirect(), target_word, &callee);
            return true;
        }
        // Slots above the arguments stay as they are until the call has read its operand.
        const uint32_t frame = begin_call(type.params.size());
        Instr& instr = emit(by_ref ? call_ref() : call_indirect(in_acc ? Src::acc : Src::slot));
        instr.a = slot_of(callee.operand);
        instr.uimm = frame;
        word(target_word);
        word(std::bit_cast<uint64_t>(pins_word(frame)));
        end_call(type);
        return true;
    }
    default:
        return false;
    }
}

} // namespace warpbeam::vm
