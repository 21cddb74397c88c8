#include "lower/lowering.hpp"

#include <algorithm>

/// Numeric and parametric instructions, locals and constants.

namespace warpbeam::vm {

void Lowering::lower_binary(Op op, Kind result) noexcept {
    Popped r = pop();
    Popped l = pop();
    if (op == Op::i32_add && fold_add_shl(l, r))
        return;
    Choice choice{Form::binary, op, {}};
    const unsigned cost = settle(choice, {&l, &r});
    // Swapped where that is cheaper: a constant then comes to stand on the right.
    if (const Op mirror = op_row(op).mirror; cost != 0 && mirror != Op::unreachable) {
        Choice swapped{Form::binary, mirror, {}};
        if (settle(swapped, {&r, &l}) < cost) {
            choice = swapped;
            std::swap(l, r);
        }
    }
    put_in_slots(choice, {&l, &r});
    Fields out = emit_result(choice, result);
    set(out, Field::left, l);
    set(out, Field::right, r);
}

bool Lowering::fold_add_shl(Popped& l, Popped& r) noexcept {
    Popped& shifted = last_producer(r) != nullptr ? r : l;
    const Popped& base = &shifted == &r ? l : r;
    const Producer* const last = last_producer(shifted);
    if (last == nullptr || !last->is(Form::binary, Op::i32_shl) || last->choice.variant.b != Src::imm)
        return false;
    // The accumulator's value before the shift, which the base may be, is gone unless the shift is taken
    // back.
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
    settle_and_prepare(choice, {&value});
    Fields out = emit_result(choice, result);
    set(out, Field::operand, value);
}

/// Comparisons with zero, and of references.
void Lowering::lower_equality(Op op) noexcept {
    switch (op) {
    case Op::i32_eqz:
        return lower_eqz(Op::i32_eq);
    case Op::i64_eqz:
    case Op::ref_is_null:
        return lower_eqz(Op::i64_eq);
    case Op::ref_eq:
        return lower_binary(Op::i64_eq, ValType::i32);
    default:
        fail(Exit::unsupported); // not of this family
    }
}

void Lowering::lower_eqz(Op equal) noexcept {
    Producer compare;
    if (!stack_.empty())
        if (const Producer* const last = last_producer(top()); last != nullptr)
            compare = *last;
    push_const(equal == Op::i32_eq ? ValType::i32 : ValType::i64, 0);
    lower_binary(equal, ValType::i32);
    // Nothing may have been emitted between the two.
    const bool next = compare.serial + 1 == int_acc_.producer.serial;
    negated_ = {next ? int_acc_.producer.serial : 0, compare};
}

void Lowering::lower_select(Kind kind) noexcept {
    Popped condition = pop();
    Popped b = pop();
    Popped a = pop();
    if (kind == ValType::bot)
        kind = a.operand.kind;
    Choice choice{Form::select, Op::nop, {.option = bank_option(kind)}};
    settle_and_prepare(choice, {&a, &b, &condition});
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
    out.set(Field::to, height()).set(Field::left, slot_of(operands[0].operand));
    if (is_sum)
        out.set(Field::third, slot_of(operands[1].operand))
            .set(Field::right, slot_of(operands[2].operand))
            .set(Field::high, slot_of(operands[3].operand));
    else
        out.set(Field::right, slot_of(operands[1].operand));
    push_home(ValType::i64);
    push_home(ValType::i64);
}

void Lowering::lower_parametric(Op op) noexcept {
    switch (op) {
    case Op::nop:
        return;
    case Op::drop:
        (void)pop();
        return;
    case Op::select:
        return lower_select(ValType::bot);
    case Op::select_t:
        (void)reader_.u32();
        return lower_select(reader_.val_type().kind());
    default:
        fail(Exit::unsupported); // not of this family
    }
}

void Lowering::lower_variable(Op op) noexcept {
    switch (op) {
    case Op::local_get:
        return push_local(reader_.u32());
    case Op::local_set:
        return set_local(reader_.u32(), pop());
    case Op::local_tee: {
        const uint32_t local = reader_.u32();
        set_local(local, pop());
        return push_local(local);
    }
    case Op::global_get:
        return lower_global_get();
    case Op::global_set:
        return lower_global_set();
    default:
        fail(Exit::unsupported); // not of this family
    }
}

void Lowering::lower_constant(Op op) noexcept {
    switch (op) {
    case Op::i32_const:
        return push_const(ValType::i32, static_cast<uint32_t>(reader_.s64()));
    case Op::i64_const:
        return push_const(ValType::i64, static_cast<uint64_t>(reader_.s64()));
    case Op::f32_const:
        return push_const(ValType::f32, reader_.fixed<uint32_t>());
    case Op::f64_const:
        return push_const(ValType::f64, reader_.fixed<uint64_t>());
    case Op::v128_const: {
        const auto low = reader_.fixed<uint64_t>();
        return push_const(ValType::v128, low, reader_.fixed<uint64_t>());
    }
    case Op::ref_null:
        (void)reader_.heap_type();
        return push_const(ValType::ref, 0);
    default:
        fail(Exit::unsupported); // not of this family
    }
}

} // namespace warpbeam::vm
