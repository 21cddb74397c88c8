#include "lower/lowering.hpp"

/// Accesses to memory and globals.
/// https://webassembly.github.io/spec/core/exec/instructions.html#memory-instructions

namespace warpbeam::vm {

namespace {

/// Gives an access the operands of the addition that computed its address.
void set_sum(Fields& access, const Taken& sum, bool is_displaced, uint64_t offset) noexcept {
    access.set(Field::offset, offset)
        .set(is_displaced ? Field::base : Field::left, sum.get(Field::left))
        .set(is_displaced ? Field::addend : Field::right, sum.get(Field::right));
}

} // namespace

/// Of accesses with 64-bit addresses, those of vectors, at constant addresses, and with offsets beyond 32
/// bits are rare.
bool Lowering::is_fast_64(Form form, Op op, const MemArg& arg, const Popped& address) const noexcept {
    return arg.offset <= UINT32_MAX && address.operand.where != Operand::constant &&
           is_available({form, op, {.option = detail::option_wide}});
}

/// Fuses the addition that computed an address, or a shift and an addition, into the load.
bool Lowering::fold_into_load(Op op, MemArg arg, const Popped& address, uint8_t option) noexcept {
    const Producer* const last = is_built(Form::load_sum) ? last_producer(address) : nullptr;
    if (last == nullptr)
        return false;
    const Variant sum = operands_from_pins(*last);
    const bool is_wide = option == detail::option_wide;
    const bool is_add = last->is(Form::binary, is_wide ? Op::i64_add : Op::i32_add);
    const bool is_displaced = is_add && sum.b == Src::imm;
    if (is_wide && (!is_add || is_displaced))
        return false;
    const bool is_index = last->choice.form == Form::add_shl &&
                          fields(*last).get(Field::shift) == warpbeam::row_of(op).access_log2;
    if ((!is_add && !is_index) || (!is_displaced && arg.offset > UINT16_MAX))
        return false;
    const Form form = is_displaced ? Form::load_displaced : is_add ? Form::load_sum : Form::load_indexed;
    Choice choice{form, op, {.a = sum.a, .b = is_displaced ? Src::slot : sum.b, .option = option}};
    if (!settle_pins(choice))
        return false;
    const Taken old = take_back(*last);
    Fields out = emit_result(choice, select(form, op).result);
    set_sum(out, old, is_displaced, arg.offset);
    return true;
}

void Lowering::lower_load_any(Op op, MemArg arg, Popped address) noexcept {
    const Kind result = kind_of(sig_of(op).out);
    force_slot(address);
    spill_accs();
    emit({Form::load_any, op, {}})
        .set(Field::to, address.operand.slot)
        .set(Field::address, slot_of(address.operand))
        .set(Field::memory, arg.memory)
        .set(Field::offset, arg.offset);
    push_in_acc(result);
}

/// Of a vector, or in a small build.
void Lowering::lower_load(Op op) noexcept { lower_other_load(op, reader_.mem_arg()); }

void Lowering::lower_other_load(Op op, MemArg arg) noexcept {
    Popped address = pop();
    uint8_t option;
    if (!is_fast(Form::load, op, arg, address, option))
        return lower_load_any(op, arg, address);
    if (fold_into_load(op, arg, address, option))
        return;
    if (is_built(Form::load_at) && classify(address) == Src::imm) {
        emit_result({Form::load_at, op, {.option = option}}, select(Form::load_at, op).result)
            .set(Field::address, address.operand.field + arg.offset);
        return;
    }
    Choice choice{Form::load, op, {.option = option}};
    settle_and_prepare(choice, address);
    Fields out = emit_result(choice, select(Form::load, op).result);
    set(out, Field::address, address);
    out.set(Field::offset, arg.offset);
}

/// The same for a store. An integer value is not taken from the accumulator, which held the address.
bool Lowering::fold_into_store(Op op, MemArg arg, const Popped& address, Popped& value,
                               uint8_t option) noexcept {
    const Producer* const last = is_built(Form::store_sum) ? last_producer(address) : nullptr;
    const bool is_wide = option == detail::option_wide;
    if (last == nullptr || !last->is(Form::binary, is_wide ? Op::i64_add : Op::i32_add))
        return false;
    const Variant sum = operands_from_pins(*last);
    const bool is_displaced = sum.b == Src::imm;
    if (is_displaced ? is_wide : arg.offset > UINT16_MAX)
        return false;
    Src src = classify(value);
    if (src == Src::acc && !is_float_kind(value.operand.kind))
        src = Src::slot;
    Choice choice{is_displaced ? Form::store_displaced : Form::store_sum, op, {.a = sum.a, .option = option}};
    (is_displaced ? choice.variant.b : choice.variant.c) = src;
    if (!is_displaced)
        choice.variant.b = sum.b;
    // A constant, or a value only in an accumulator, would first have to be stored, above the addition.
    if (!settle_pins(choice))
        return false;
    const Taken old = take_back(*last);
    Fields out = emit(choice);
    set(out, Field::value, value);
    set_sum(out, old, is_displaced, arg.offset);
    return true;
}

void Lowering::lower_other_store(Op op, MemArg arg) noexcept {
    Popped value = pop();
    Popped address = pop();
    uint8_t option;
    if (!is_fast(Form::store, op, arg, address, option)) {
        force_slot(address);
        force_slot(value);
        emit({Form::store_any, op, {}})
            .set(Field::value, slot_of(value.operand))
            .set(Field::address, slot_of(address.operand))
            .set(Field::memory, arg.memory)
            .set(Field::offset, arg.offset);
        return;
    }
    if (value.operand.where == Operand::constant && value.operand.kind == ValType::v128)
        force_slot(value);
    if (fold_into_store(op, arg, address, value, option))
        return;
    if (is_built(Form::store_at) && classify(address) == Src::imm) {
        Choice choice{Form::store_at, op, {.option = option}};
        settle_and_prepare(choice, value);
        Fields out = emit(choice);
        set(out, Field::value, value);
        out.set(Field::address, address.operand.field + arg.offset);
        return;
    }
    Choice choice{Form::store, op, {.option = option}};
    settle_and_prepare(choice, address, value);
    Fields out = emit(choice);
    set(out, Field::value, value);
    set(out, Field::address, address);
    out.set(Field::offset, arg.offset);
}

void Lowering::lower_atomic(Op op) noexcept {
    const MemArg arg = reader_.mem_arg();
    const Sig& sig = sig_of(op);
    const MemoryType& memory = module_.memories()[arg.memory];
    Popped value;
    Popped expected;
    if (sig.arity > 1)
        value = pop();
    if (sig.arity > 2)
        expected = pop();
    Popped address = pop();
    const bool first = is_first(memory, arg.memory);
    const Choice choice{first ? Form::atomic : Form::atomic_any, op, {}};
    force_slot(address);
    if (sig.arity > 1)
        force_slot(value);
    if (sig.arity > 2)
        force_slot(expected);
    if (sig.out != Sig::none)
        spill_accs();
    Fields out = emit(choice);
    out.set(Field::address, slot_of(address.operand))
        .set(Field::to, address.operand.slot)
        .set(Field::offset, arg.offset);
    if (sig.arity > 1)
        out.set(Field::value, slot_of(value.operand));
    if (sig.arity > 2)
        out.set(Field::expected, slot_of(expected.operand));
    if (!first)
        out.set(Field::memory, arg.memory);
    if (sig.out != Sig::none)
        push_in_acc(kind_of(sig.out));
}

void Lowering::lower_fence() noexcept {
    (void)reader_.byte();
    emit(Form::fence);
}

void Lowering::lower_global_get() noexcept {
    const uint32_t index = reader_.u32();
    const Kind kind = module_.globals()[index].content.kind();
    emit_result({Form::global_get, Op::nop, {.option = bank_option(kind)}}, kind).set(Field::global, index);
}

void Lowering::lower_global_set() noexcept {
    const uint32_t index = reader_.u32();
    Popped value = pop();
    Choice choice{Form::global_set, Op::nop, {.option = bank_option(value.operand.kind)}};
    settle_and_prepare(choice, value);
    Fields out = emit(choice);
    set(out, Field::value, value);
    out.set(Field::global, index);
}

} // namespace warpbeam::vm
