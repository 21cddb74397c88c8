#include "lower/lowering.hpp"

#include <utility>

/// Calls and returns.
/// https://webassembly.github.io/spec/core/exec/instructions.html#function-calls

namespace warpbeam::vm {

void Lowering::emit_pins() noexcept {
    const Pins pins = pins_word(0);
    emit_known<Form::set_pins>(Op::nop, {})
        .set<Field::pin0>(pins.l0)
        .set<Field::pin1>(pins.l1)
        .set<Field::pin2>(pins.f0);
}

/// Moves the arguments, which are on top of the stack, to the beginning of the callee's frame, and returns
/// its position.
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
    if (type.results.size() == 1 && type.results[0].kind() != ValType::v128) {
        push_in_acc(type.results[0].kind());
        call_serial_ = serial_;
        return;
    }
    for (const ValType result : type.results)
        push_home(result.kind());
}

void Lowering::lower_return() noexcept {
    emit_return();
    become_unreachable();
}

void Lowering::emit_return() noexcept {
    const FuncType& type = *control_[0].type.func;
    const size_t count = type.results.size();
    if (options_.shows_calls()) [[unlikely]]
        observe_return();
    emit_return_excess();
    if (count == 1 && type.results[0].kind() != ValType::v128) {
        const Popped value = near_top();
        const uint8_t bank = bank_option(type.results[0].kind());
        auto out = emit_known<Form::return_value>(Op::nop, {.a = classify(value), .option = bank});
        set<Field::value>(out, value);
        return;
    }
    if (count != 0) {
        const size_t first = stack_.size() - count;
        flush_from(first);
        copy_range(first_slot(), stack_[first].slot, height() - stack_[first].slot);
    }
    emit(Form::return_void);
}

void Lowering::begin_tail_call(const FuncType& type, uint32_t* callee) noexcept {
    uint32_t width = 0;
    for (const ValType param : type.params)
        width += slots_of(param.kind());
    const uint32_t from = begin_call(type.params.size());
    if (callee != nullptr && *callee < width) {
        const uint32_t safe = from + width;
        raise_height(width + 1);
        height_ -= width + 1;
        copy_slots(ValType::ref, safe, *callee);
        *callee = safe;
    }
    if (width != 0)
        copy_range(first_slot(), from, width);
    emit_return_excess();
    if (large_)
        close_frame(width, callee);
}

/// A function that calls itself at its end is a loop: its frame stays, and the arguments are assigned to the
/// parameters. False if its entry has more to do.
bool Lowering::jump_to_entry(size_t params) noexcept {
    if (large_ || zero_count_ != 0 || options_.is_deterministic() || options_.shows_calls())
        return false;
    for (size_t i = params; i-- != 0;)
        set_local(static_cast<uint32_t>(i), pop());
    // What comes after this block still has the pins of now.
    const PinSet pins = std::exchange(pins_, control_[0].pins);
    if (pins != pins_) {
        emit_pins();
        forget_accs();
    }
    if (!repeat_test(static_cast<uint32_t>(control_.size() - 1))) {
        const size_t jump = here();
        emit(Form::jump);
        set_distance(jump, 0);
    }
    pins_ = pins;
    return true;
}

void Lowering::lower_direct_call(bool tail) noexcept {
    const uint32_t func = reader_.u32();
    const FuncType& type = module_.type_registry().func(module_.funcs()[func]);
    const bool imported = func < module_.imported_funcs();
    const Field callee = imported ? Field::function : Field::callee;
    const uint64_t target =
        imported ? func : reinterpret_cast<uintptr_t>(&cells_[func - module_.imported_funcs()]);
    if (tail) {
        if (!imported && &module_.bodies()[func - module_.imported_funcs()] == &body_ &&
            jump_to_entry(type.params.size())) {
            become_unreachable();
            return;
        }
        begin_tail_call(type, nullptr);
        emit(imported ? Form::return_call_import : Form::return_call).set(callee, target);
        become_unreachable();
        return;
    }
    const uint32_t frame = begin_call(type.params.size());
    const uint32_t references = list_references();
    const auto pins = std::bit_cast<uint64_t>(pins_word(frame));
    if (imported)
        emit(Form::call_import).set(Field::frame, frame).set(callee, target).set(Field::pins, pins);
    else
        emit_known<Form::call>(Op::nop, {})
            .set<Field::frame>(frame)
            .set<Field::callee>(target)
            .set<Field::pins>(pins);
    note_safepoint(here() - 1, references);
    end_call(type);
}

void Lowering::lower_indirect_call(bool by_ref, bool tail) noexcept {
    const TypeId type_id = module_.types()[reader_.u32()];
    const FuncType& type = module_.type_registry().func(type_id);
    const uint64_t table_and_type = by_ref ? 0 : uint64_t{reader_.u32()} << 32 | type_id;
    Popped callee = pop();
    // The index stays in the accumulator if no argument's move or store is in between.
    const bool in_acc = !tail && !by_ref && callee.in_acc && classify(callee) == Src::acc;
    if (!in_acc)
        force_slot(callee);
    const Field operand = by_ref ? Field::operand : Field::index;
    uint32_t slot = slot_of(callee.operand);
    if (tail) {
        begin_tail_call(type, &slot);
        Fields out = emit(by_ref ? Form::return_call_ref : Form::return_call_indirect);
        out.set(operand, slot);
        if (!by_ref)
            out.set(Field::type, table_and_type);
        become_unreachable();
        return;
    }
    // Slots above the arguments stay unchanged until the call has read its operand.
    const uint32_t frame = begin_call(type.params.size());
    const uint32_t references = list_references();
    Fields out =
        emit({by_ref ? Form::call_ref : Form::call_indirect, Op::nop, {.a = in_acc ? Src::acc : Src::slot}});
    out.set(operand, slot)
        .set(Field::frame, frame)
        .set(Field::pins, std::bit_cast<uint64_t>(pins_word(frame)));
    if (!by_ref)
        out.set(Field::type, table_and_type);
    note_safepoint(here() - 1, references);
    end_call(type);
}

} // namespace warpbeam::vm
