#include "lower/lowering.hpp"

#include <algorithm>

/// Numeric and parametric instructions, locals and constants.

namespace warpbeam::vm {

Op mirrored(Op op) noexcept {
    switch (op) {
    case Op::i32_add:
    case Op::i32_mul:
    case Op::i32_and:
    case Op::i32_or:
    case Op::i32_xor:
    case Op::i32_eq:
    case Op::i32_ne:
    case Op::i64_add:
    case Op::i64_mul:
    case Op::i64_and:
    case Op::i64_or:
    case Op::i64_xor:
    case Op::i64_eq:
    case Op::i64_ne:
    case Op::f32_add:
    case Op::f32_mul:
    case Op::f32_eq:
    case Op::f32_ne:
    case Op::f64_add:
    case Op::f64_mul:
    case Op::f64_eq:
    case Op::f64_ne:
        return op;
    case Op::i32_lt_s:
        return Op::i32_gt_s;
    case Op::i32_lt_u:
        return Op::i32_gt_u;
    case Op::i32_gt_s:
        return Op::i32_lt_s;
    case Op::i32_gt_u:
        return Op::i32_lt_u;
    case Op::i32_le_s:
        return Op::i32_ge_s;
    case Op::i32_le_u:
        return Op::i32_ge_u;
    case Op::i32_ge_s:
        return Op::i32_le_s;
    case Op::i32_ge_u:
        return Op::i32_le_u;
    case Op::i64_lt_s:
        return Op::i64_gt_s;
    case Op::i64_lt_u:
        return Op::i64_gt_u;
    case Op::i64_gt_s:
        return Op::i64_lt_s;
    case Op::i64_gt_u:
        return Op::i64_lt_u;
    case Op::i64_le_s:
        return Op::i64_ge_s;
    case Op::i64_le_u:
        return Op::i64_ge_u;
    case Op::i64_ge_s:
        return Op::i64_le_s;
    case Op::i64_ge_u:
        return Op::i64_le_u;
    case Op::f32_lt:
        return Op::f32_gt;
    case Op::f32_gt:
        return Op::f32_lt;
    case Op::f32_le:
        return Op::f32_ge;
    case Op::f32_ge:
        return Op::f32_le;
    case Op::f64_lt:
        return Op::f64_gt;
    case Op::f64_gt:
        return Op::f64_lt;
    case Op::f64_le:
        return Op::f64_ge;
    case Op::f64_ge:
        return Op::f64_le;
    default:
        return Op::unreachable;
    }
}

namespace {

/// In the order in which a class is given up when there is no handler: the pinned locals are in their slots
/// anyway.
constexpr bool is_pin(Src s) noexcept { return s == Src::l0 || s == Src::l1; }

} // namespace

void Lowering::lower_binary(Op op, const Handler* variants, Kind operand, Kind result) noexcept {
    Popped r = pop();
    Popped l = pop();
    if (op == Op::i32_add && fold_add_shl(l, r))
        return;
    Src ls = classify(l);
    Src rs = classify(r);
    if (ls == Src::acc && rs == Src::acc) {
        // One of the two is a local that the accumulator happens to hold.
        (l.operand.where == Operand::local ? ls : rs) = Src::slot;
    }
    const auto handler = [&] { return binary_variant(variants, Dst::acc, ls, rs); };
    if (handler() == nullptr && mirrored(op) != Op::unreachable) {
        const Op other = mirrored(op);
        const Handler* const others = is_float_kind(operand)    ? float_binary(other)
                                      : operand == ValType::i32 ? i32_binary(other)
                                                                : i64_binary(other);
        // Swap where that alone helps, or where a constant then comes to stand on the right.
        if (binary_variant(others, Dst::acc, rs, ls) != nullptr || ls == Src::imm) {
            std::swap(l, r);
            std::swap(ls, rs);
            op = other;
            variants = others;
        }
    }
    if (handler() == nullptr && is_pin(ls))
        ls = Src::slot;
    if (handler() == nullptr && is_pin(rs))
        rs = Src::slot;
    if (handler() == nullptr && ls == Src::imm)
        generalize(l, ls);
    if (handler() == nullptr && rs == Src::imm)
        generalize(r, rs);
    if (handler() == nullptr && ls == Src::acc)
        generalize(l, ls);
    if (handler() == nullptr && rs == Src::acc)
        generalize(r, rs);

    Producer producer;
    producer.family = Producer::Family::binary;
    producer.op = op;
    producer.l = ls;
    producer.r = rs;
    Instr& instr = emit_result(producer, result);
    const bool has_imm = ls == Src::imm || rs == Src::imm;
    const Operand& constant = ls == Src::imm ? l.operand : r.operand;
    instr.a = slot_of(ls == Src::imm ? r.operand : l.operand);
    const bool wide = operand != ValType::i32 && operand != ValType::f32;
    if (!has_imm)
        instr.b = slot_of(r.operand);
    else if (wide)
        words(constant);
    else
        instr.uimm = static_cast<uint32_t>(constant.value);
    end_result(is_float_kind(result));
}

bool Lowering::fold_add_shl(Popped& l, Popped& r) noexcept {
    Popped& shifted = last_producer(r) != nullptr ? r : l;
    Popped& base = &shifted == &r ? l : r;
    const Producer* const last = last_producer(shifted);
    if (last == nullptr || last->family != Producer::Family::binary || last->op != Op::i32_shl ||
        last->r != Src::imm)
        return false;
    Src base_src = classify(base);
    const Producer shl = *last;
    // The accumulator's value before the shift, which the base may be, is gone unless the shift is taken
    // back.
    if (base_src == Src::imm || base_src == Src::acc)
        return false;
    const Instr shift = at(shl.begin);
    take_back(shl);
    Producer producer;
    producer.family = Producer::Family::add_shl;
    producer.op = Op::i32_add;
    producer.l = base_src;
    producer.r = shl.l;
    Instr& instr = emit_result(producer, ValType::i32);
    instr.a = slot_of(base.operand);
    instr.b = shift.a;
    instr.c = static_cast<uint16_t>(shift.uimm & 31);
    end_result(false);
    return true;
}

void Lowering::lower_unary(Op op, Kind result) noexcept {
    Popped value = pop();
    Src src = classify(value);
    const Handler* const variants = unary(op);
    if (unary_variant(variants, Dst::acc, src) == nullptr)
        generalize(value, src);
    Producer producer;
    producer.family = Producer::Family::unary;
    producer.op = op;
    producer.l = src;
    emit_result(producer, result).a = slot_of(value.operand);
    end_result(is_float_kind(result));
}

void Lowering::lower_eqz(Op equal, Kind operand) noexcept {
    Producer compare;
    if (!stack_.empty())
        if (const Producer* const last = last_producer(top()); last != nullptr)
            compare = *last;
    push_const(operand, 0);
    lower_binary(equal, operand == ValType::i32 ? i32_binary(equal) : i64_binary(equal), operand,
                 ValType::i32);
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
    Src condition_src = classify(condition);
    if (condition_src != Src::acc && condition_src != Src::slot)
        generalize(condition, condition_src);
    Src a_src = classify(a);
    Src b_src = classify(b);
    if (a_src != Src::imm || kind == ValType::v128)
        generalize(a, a_src);
    if (b_src != Src::imm || kind == ValType::v128)
        generalize(b, b_src);
    Producer producer;
    producer.family = Producer::Family::select;
    producer.l = a_src;
    producer.r = b_src;
    producer.third = condition_src;
    Instr& instr = emit_result(producer, kind);
    instr.a = slot_of(a.operand);
    instr.b = slot_of(b.operand);
    instr.c = slot_of(condition.operand);
    if (a_src == Src::imm)
        word(a.operand.value);
    if (b_src == Src::imm)
        word(b.operand.value);
    end_result(is_float_kind(kind));
}

void Lowering::lower_slow(Op op, uint32_t operands, Kind result,
                          std::initializer_list<uint64_t> words) noexcept {
    spill_accs();
    flush_from(stack_.size() - operands);
    truncate_stack(stack_.size() - operands);
    const uint32_t slot = height();
    // The result of an instruction without operands needs a slot too.
    raise_height(1);
    height_ -= 1;
    emit(slow(op)).a = static_cast<uint16_t>(slot);
    for (const uint64_t value : words)
        word(value);
    forget_accs();
    if (result != ValType::bot) {
        push_home(result);
        int_acc_.operand = stack_.size() - 1;
    }
}

bool Lowering::lower_numeric(Op op) noexcept {
    switch (op) {
    case Op::nop:
        return true;
    case Op::drop:
        (void)pop();
        return true;
    case Op::select:
        lower_select(ValType::bot);
        return true;
    case Op::select_t: {
        (void)reader_.u32();
        lower_select(reader_.val_type().kind());
        return true;
    }
    case Op::local_get:
        push_local(reader_.u32());
        return true;
    case Op::local_set:
        set_local(reader_.u32(), pop());
        return true;
    case Op::local_tee: {
        const uint32_t local = reader_.u32();
        set_local(local, pop());
        push_local(local);
        return true;
    }
    case Op::i32_const:
        push_const(ValType::i32, static_cast<uint32_t>(reader_.s64()));
        return true;
    case Op::i64_const:
        push_const(ValType::i64, static_cast<uint64_t>(reader_.s64()));
        return true;
    case Op::f32_const:
        push_const(ValType::f32, reader_.fixed<uint32_t>());
        return true;
    case Op::f64_const:
        push_const(ValType::f64, reader_.fixed<uint64_t>());
        return true;
    case Op::ref_null:
        (void)reader_.heap_type();
        push_const(ValType::ref, 0);
        return true;
    case Op::i32_eqz:
        lower_eqz(Op::i32_eq, ValType::i32);
        return true;
    case Op::i64_eqz:
    case Op::ref_is_null:
        lower_eqz(Op::i64_eq, ValType::i64);
        return true;
    case Op::ref_eq:
        lower_binary(Op::i64_eq, i64_binary(Op::i64_eq), ValType::i64, ValType::i32);
        return true;
    case Op::i64_extend_i32_u:
        // An i32 is stored zero-extended.
        if (!stack_.empty())
            stack_.back().kind = ValType::i64;
        return true;
    case Op::ref_func:
        lower_slow(op, 0, ValType::ref, {reader_.u32()});
        return true;
    case Op::ref_as_non_null:
        lower_slow(op, 1, ValType::ref, {});
        return true;
    default:
        break;
    }
    const InstrRow& row = row_of(op);
    const Kind result = kind_of(row.sig.out);
    if (row.sig.arity == 2 && row.imm == Imm::none) {
        const Kind operand = kind_of(row.sig.in[0]);
        const Handler* variants = operand == ValType::i32    ? i32_binary(op)
                                  : operand == ValType::i64  ? i64_binary(op)
                                  : operand == ValType::v128 ? vector_binary(op)
                                  : is_float_kind(operand)   ? float_binary(op)
                                                             : nullptr;
        if (variants == nullptr)
            return false;
        lower_binary(op, variants, operand, result);
        return true;
    }
    if (row.sig.arity == 1 && row.imm == Imm::none && unary(op) != nullptr) {
        lower_unary(op, result);
        return true;
    }
    return false;
}

} // namespace warpbeam::vm
