#include "lower/lowering.hpp"

#include <algorithm>

/// Numeric and parametric instructions, locals and constants.
/// https://webassembly.github.io/spec/core/exec/instructions.html#numeric-instructions

namespace warpbeam::vm {

void Lowering::lower_any_binary(Op op) noexcept {
    Popped r = pop();
    Popped l = pop();
    if (is_built(Form::add_shl) && op == Op::i32_add && fold_add_shl(l, r))
        return;
    Choice choice{Form::binary, op, {}};
    const unsigned cost = settle(choice, l, r);
    // Swaps the operands if that is cheaper: a constant then is on the right.
    if (const Op mirror = op_row(op).mirror; cost != 0 && mirror != Op::unreachable) {
        Choice swapped{Form::binary, mirror, {}};
        if (settle(swapped, r, l) < cost) {
            choice = swapped;
            std::swap(l, r);
        }
    }
    put_in_slots(choice, l, r);
    Fields out = emit_result(choice, select(Form::binary, choice.op).result);
    set(out, Field::left, l);
    set(out, Field::right, r);
}

bool Lowering::fold_add_shl(Popped& l, Popped& r) noexcept {
    Popped& shifted = last_producer(r) != nullptr ? r : l;
    const Popped& base = &shifted == &r ? l : r;
    const Producer* const last = last_producer(shifted);
    if (last == nullptr || !last->is(Form::binary, Op::i32_shl) || last->choice.variant.b != Src::imm)
        return false;
    // The accumulator's value before the shift, which may be the base, is lost unless the shift is undone.
    Choice choice{Form::add_shl, Op::nop, {.a = classify(base), .b = operands_from_pins(*last).a}};
    if (choice.variant.a == Src::imm || choice.variant.a == Src::acc || !settle_pins(choice))
        return false;
    const Taken shift = take_back(*last);
    emit_result(choice, ValType::i32)
        .set(Field::left, slot_of(base.operand))
        .set(Field::right, shift.get(Field::left))
        .set(Field::shift, shift.get(Field::right) & 31);
    return true;
}

void Lowering::lower_unary(Op op, Kind result) noexcept {
    Popped value = pop();
    Choice choice{Form::unary, op, {}};
    settle_and_prepare(choice, value);
    auto out = emit_result_known<Form::unary>(op, choice.variant, result);
    set<Field::operand>(out, value);
}

/// A comparison with zero.
void Lowering::lower_eqz(Op equal) noexcept {
    Producer compare;
    if (!stack_.empty())
        if (const Producer* const last = last_producer(top()); last != nullptr)
            compare = *last;
    push_const(equal == Op::i32_eq ? ValType::i32 : ValType::i64, 0);
    // The negation of a comparison is left to the branch on it.
    if (compare.exists && compare.choice.form == Form::binary)
        lower_any_binary(equal);
    else
        lower_integer_binary(equal);
    // Nothing may have been emitted between the two.
    const bool next = compare.exists && compare.serial + 1 == acc(false).producer.serial;
    negated_ = {next ? acc(false).producer.serial : 0, compare};
}

/// `kind` is `bot` if the instruction does not name the type.
void Lowering::lower_select(Kind kind) noexcept {
    Popped condition = pop();
    Popped b = pop();
    Popped a = pop();
    if (kind == ValType::bot)
        kind = a.operand.kind;
    Choice choice{Form::select, Op::nop, {.option = bank_option(kind)}};
    settle_and_prepare(choice, a, b, condition);
    Fields out = emit_result(choice, kind);
    set(out, Field::left, a);
    set(out, Field::right, b);
    set(out, Field::condition, condition);
}

void Lowering::lower_wide(Op op) noexcept {
    Popped operands[4];
    const bool is_sum = family_of(op) == Family::wide_sum;
    const size_t count = is_sum ? 4 : 2;
    for (size_t i = count; i-- != 0;) {
        operands[i] = pop();
        force_slot(operands[i]);
    }
    Fields out = emit({is_sum ? Form::wide_sum : Form::wide_product, op, {}});
    const uint32_t to = near_or_transit(height());
    out.set(Field::to, to).set(Field::left, slot_of(operands[0].operand));
    if (is_sum)
        out.set(Field::third, slot_of(operands[1].operand))
            .set(Field::right, slot_of(operands[2].operand))
            .set(Field::high, slot_of(operands[3].operand));
    else
        out.set(Field::right, slot_of(operands[1].operand));
    if (to != height())
        copy_far(height(), to, 2);
    push_home(ValType::i64);
    push_home(ValType::i64);
}

void Lowering::lower_drop() noexcept { (void)discard(); }

void Lowering::lower_select_typed() noexcept {
    (void)reader_.u32();
    lower_select(reader_.val_type().kind());
}

/// An i32 is stored zero-extended.
void Lowering::lower_extend() noexcept {
    if (!stack_.empty())
        stack_.back().kind = ValType::i64;
}

void Lowering::lower_local_set(bool tee) noexcept {
    const uint32_t local = reader_.u32();
    if (is_far(locals_[local].slot)) {
        set_far_local(local, tee);
        return;
    }
    if (!set_by_last(local))
        set_local(local, pop());
    if (tee)
        push_local(local);
}

/// Most take one byte, whose bit 6 is the sign.
int64_t Lowering::read_constant() noexcept {
    return reader_.peek() < 0x80 ? (reader_.byte() ^ 0x40) - 0x40 : reader_.s64();
}
void Lowering::lower_i32_const() noexcept {
    push_const(ValType::i32, static_cast<uint32_t>(read_constant()));
}
void Lowering::lower_i64_const() noexcept {
    push_const(ValType::i64, static_cast<uint64_t>(read_constant()));
}
void Lowering::lower_f32_const() noexcept { push_const(ValType::f32, reader_.fixed<uint32_t>()); }
void Lowering::lower_f64_const() noexcept { push_const(ValType::f64, reader_.fixed<uint64_t>()); }
void Lowering::lower_v128_const() noexcept {
    const auto low = reader_.fixed<uint64_t>();
    push_const(ValType::v128, low, reader_.fixed<uint64_t>());
}
void Lowering::lower_ref_null() noexcept {
    (void)reader_.heap_type();
    push_const(ValType::ref, 0);
}

} // namespace warpbeam::vm
