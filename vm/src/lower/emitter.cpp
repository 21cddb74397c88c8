#include "lower/emitter.hpp"

#include "handlers/guarded_families.hpp"

#include <algorithm>

namespace warpbeam::vm {

Handler Producer::handler(Dst d) const noexcept {
    switch (family) {
    case Family::binary: {
        const Handler* variants = i32_binary(op);
        if (variants == nullptr)
            variants = i64_binary(op);
        if (variants == nullptr)
            variants = float_binary(op);
        if (variants == nullptr)
            variants = vector_binary(op);
        // A comparison of floats has an integer result, which is kept in no pinned local.
        return binary_variant(variants, d, l, r);
    }
    case Family::unary:
        return unary_variant(unary(op), d, l);
    case Family::load:
        return load(op, d, l, guarded);
    case Family::load_sum:
        return load_sum(op, d, l, r, guarded);
    case Family::load_indexed:
        return load_indexed(op, d, l, r, guarded);
    case Family::add_shl:
        return add_shl(d, l, r);
    case Family::select:
        return result == ValType::v128 ? select_v128(d, third, l, r)
               : is_float_kind(result) ? select_float(d, third, l, r)
                                       : select_int(d, third, l, r);
    case Family::global:
        return result == ValType::v128 ? global_get_v128(d)
               : is_float_kind(result) ? global_get_float(d)
                                       : global_get_int(d);
    case Family::ternary:
        return vector_ternary(op, d, l, r, third);
    case Family::with_scalar:
        return vector_scalar(op, d, l, r);
    case Family::shuffle:
        return vm::shuffle(d, l, r);
    case Family::extract_lane:
        return vm::extract_lane(op, d);
    case Family::struct_get:
        return struct_get(op, d, l);
    case Family::array_get:
        return array_get(op, d, l, r);
    case Family::struct_new:
        return struct_new(words, d);
    case Family::struct_new_default:
        return struct_new_default(d);
    case Family::ref_test:
        return ref_test(to_layout, nullable, d, l);
    case Family::ref_cast:
        return ref_cast(to_layout, nullable, d, l);
    case Family::none:
        break;
    }
    return nullptr;
}

// ---- The operand stack ----

void Emitter::raise_height(uint32_t slots) noexcept {
    height_ += slots;
    // The slot above is where the frame of a callee without arguments begins.
    max_height_ = std::max(max_height_, height_ + 1);
    if (max_height_ > UINT16_MAX) {
        fail(Exit::limit);
        height_ = max_height_ = 2;
    }
}

Operand& Emitter::push(Operand::Where where, Kind kind) noexcept {
    const Operand operand{where, kind, false, static_cast<uint16_t>(height_), 0, 0, 0};
    raise_height(slots_of(kind));
    if (!stack_.push(operand)) {
        fail(Exit::out_of_memory);
        return nowhere_ = operand;
    }
    return stack_.back();
}

void Emitter::push_local(uint32_t local) noexcept {
    Operand& operand = push(Operand::local, locals_[local].kind);
    operand.index = local;
    ++locals_[local].pending;
}

Emitter::Popped Emitter::pop() noexcept {
    if (stack_.empty())
        return {{Operand::home, ValType::i32, true, 0, 0, 0, 0}, false}; // only after a failure
    Popped popped{stack_.back(), false};
    stack_.pop();
    settled_ = std::min(settled_, stack_.size());
    height_ -= slots_of(popped.operand.kind);
    if (popped.operand.where == Operand::local)
        --locals_[popped.operand.index].pending;
    Accumulator& accumulator = acc(is_float_kind(popped.operand.kind));
    if (accumulator.operand == stack_.size()) {
        popped.in_acc = true;
        accumulator.operand = no_operand;
    }
    return popped;
}

void Emitter::truncate_stack(size_t operands) noexcept {
    while (stack_.size() > operands)
        (void)pop();
}

void Emitter::spill(Accumulator& accumulator) noexcept {
    if (accumulator.operand == no_operand || accumulator.operand >= stack_.size())
        return;
    Operand& operand = stack_[accumulator.operand];
    if (operand.where != Operand::home || operand.stored)
        return;
    operand.stored = true;
    const Producer& producer = accumulator.producer;
    if (producer.family != Producer::Family::none) {
        if (const Handler handler = producer.handler(Dst::slot); handler != nullptr) {
            at(producer.begin).handler = handler;
            at(producer.begin).d = operand.slot;
            return;
        }
    }
    copy_acc_to(operand.kind, operand.slot);
}

void Emitter::flush(size_t index) noexcept {
    Operand& operand = stack_[index];
    switch (operand.where) {
    case Operand::home:
        if (!operand.stored)
            spill(acc(is_float_kind(operand.kind)));
        return;
    case Operand::local:
        --locals_[operand.index].pending;
        copy_slots(operand.kind, operand.slot, locals_[operand.index].slot);
        break;
    case Operand::constant:
        copy_constant(operand.slot, operand);
        break;
    }
    operand.where = Operand::home;
    operand.stored = true;
}

void Emitter::flush_from(size_t first) noexcept {
    for (size_t i = first; i < stack_.size(); ++i)
        flush(i);
}

void Emitter::flush_variable(size_t count) noexcept {
    for (size_t i = settled_; i < count; ++i)
        if (stack_[i].where != Operand::constant)
            flush(i);
    settled_ = std::max(settled_, count);
}

void Emitter::flush_pending(uint32_t local) noexcept {
    for (size_t i = stack_.size(); i-- != 0 && locals_[local].pending != 0;)
        if (stack_[i].where == Operand::local && stack_[i].index == local)
            flush(i);
}

// ---- Operands of instructions ----

Src Emitter::classify(const Popped& popped) const noexcept {
    const Operand& operand = popped.operand;
    if (popped.in_acc)
        return Src::acc;
    if (operand.where == Operand::constant)
        return Src::imm;
    if (operand.where == Operand::local) {
        const bool is_float = is_float_kind(operand.kind);
        if (is_float ? pins_.f0 == operand.index : pins_.l0 == operand.index)
            return Src::l0;
        if (!is_float && pins_.l1 == operand.index)
            return Src::l1;
        if (acc(is_float).local == operand.index)
            return Src::acc;
    }
    return Src::slot;
}

void Emitter::force_slot(Popped& popped) noexcept {
    Operand& operand = popped.operand;
    if (operand.where == Operand::constant) {
        copy_constant(operand.slot, operand);
        operand.where = Operand::home;
        operand.stored = true;
    } else if (operand.where == Operand::home && !operand.stored) {
        const Producer& producer = acc(is_float_kind(operand.kind)).producer;
        const Handler handler =
            producer.family != Producer::Family::none ? producer.handler(Dst::slot) : nullptr;
        if (handler != nullptr) {
            at(producer.begin).handler = handler;
            at(producer.begin).d = operand.slot;
        } else {
            copy_acc_to(operand.kind, operand.slot);
        }
        operand.stored = true;
    }
}

void Emitter::generalize(Popped& popped, Src& src) noexcept {
    force_slot(popped);
    src = Src::slot;
}

// ---- Instructions ----

Instr& Emitter::emit(Handler handler) noexcept {
    ++serial_;
    const size_t position = here();
    if (marks_ != nullptr) {
        while (!marks_->empty() && marks_->back().position >= position)
            marks_->pop();
        if (!marks_->push({position, offset_}))
            fail(Exit::out_of_memory);
    }
    if (!code_.resize(position + sizeof(Instr))) {
        fail(Exit::out_of_memory);
        return scratch_;
    }
    Instr& instr = at(position);
    instr = {};
    instr.handler = handler;
    if (handler == nullptr)
        fail(Exit::limit);
    return instr;
}

void Emitter::word(uint64_t value) noexcept {
    const size_t position = here();
    if (!code_.resize(position + 8)) {
        fail(Exit::out_of_memory);
        return;
    }
    std::memcpy(code_.data() + position, &value, 8);
}

void Emitter::words(const Operand& constant) noexcept {
    word(constant.value);
    if (constant.kind == ValType::v128)
        word(constant.high);
}

Instr& Emitter::emit_result(Producer producer, Kind kind, bool keep_before) noexcept {
    const bool is_float = is_float_kind(kind);
    Accumulator& accumulator = acc(is_float);
    spill(accumulator);
    producer.result = kind;
    producer.begin = here();
    producer.end = producer.begin;
    producer.before_local = keep_before ? accumulator.local : no_local;
    accumulator = {stack_.size(), no_local, producer};
    push(Operand::home, kind);
    Instr& instr = emit(producer.handler(Dst::acc));
    accumulator.producer.serial = serial_;
    return instr;
}

const Producer* Emitter::last_producer(const Popped& popped) const noexcept {
    if (!popped.in_acc || popped.operand.stored || popped.operand.where != Operand::home)
        return nullptr;
    const Producer& producer = acc(is_float_kind(popped.operand.kind)).producer;
    if (producer.family == Producer::Family::none || producer.end != here() || last_label_ > producer.begin)
        return nullptr;
    return &producer;
}

void Emitter::take_back(const Producer& producer) noexcept {
    code_.truncate(producer.begin);
    // Copied first: the producer lies in what is overwritten.
    const uint32_t before = producer.before_local;
    acc(is_float_kind(producer.result)) = {no_operand, before, {}};
}

void Emitter::copy_slot(uint16_t to, uint16_t from) noexcept {
    if (to == from)
        return;
    // Two copies in a row are one instruction, if the second doesn't read what the first one writes.
    if (last_copy_ == serial_ && last_copy_ != 0 && last_label_ != here()) {
        Instr& last = at(here() - sizeof(Instr));
        if (last.handler == copy() && last.d != from) {
            last.handler = copy_pair();
            last.b = to;
            last.c = from;
            last_copy_ = 0;
            return;
        }
    }
    Instr& instr = emit(copy());
    last_copy_ = serial_;
    instr.d = to;
    instr.a = from;
}

void Emitter::copy_slots(Kind kind, uint16_t to, uint16_t from) noexcept {
    if (kind != ValType::v128) {
        copy_slot(to, from);
    } else if (to != from) {
        Instr& instr = emit(copy_v128());
        instr.d = to;
        instr.a = from;
    }
}

void Emitter::copy_constant(uint16_t to, const Operand& constant) noexcept {
    emit(constant.kind == ValType::v128 ? copy_const_v128() : copy_const()).d = to;
    words(constant);
}

void Emitter::copy_acc_to(Kind kind, uint16_t to) noexcept {
    emit(kind == ValType::v128 ? copy_facc_v128() : is_float_kind(kind) ? copy_facc() : copy_acc()).d = to;
}

void Emitter::store_to(uint16_t to, Popped& value) noexcept {
    const Operand& operand = value.operand;
    switch (classify(value)) {
    case Src::imm:
        copy_constant(to, operand);
        break;
    case Src::acc:
        copy_acc_to(operand.kind, to);
        break;
    default:
        copy_slots(operand.kind, to, slot_of(operand));
        break;
    }
}

void Emitter::note_step(const Producer& producer, Dst d, uint32_t local) noexcept {
    const bool is_64 = producer.op == Op::i64_add;
    const Src src = d == Dst::l0 ? Src::l0 : d == Dst::l1 ? Src::l1 : Src::slot;
    if (producer.family != Producer::Family::binary || (producer.op != Op::i32_add && !is_64) ||
        producer.l != src)
        return;
    const Instr& instr = at(producer.begin);
    if (src == Src::slot && instr.a != instr.d)
        return;
    Step step{producer.begin, producer.end, local, src, producer.r, is_64, 0, serial_};
    if (producer.r == Src::imm) {
        const int64_t value = is_64 ? static_cast<int64_t>(instr.word(0)) : instr.imm;
        if (value != static_cast<int16_t>(value))
            return;
        step.value = static_cast<uint16_t>(value);
    } else if (producer.r == Src::slot) {
        step.value = instr.b;
    } else {
        return;
    }
    step_ = step;
}

void Emitter::set_local(uint32_t local, Popped value) noexcept {
    const LocalInfo& info = locals_[local];
    const Kind kind = info.kind;
    const bool is_float = is_float_kind(kind);
    Accumulator& accumulator = acc(is_float);
    if (value.operand.where == Operand::local && value.operand.index == local)
        return;

    const bool pinned0 = is_float ? pins_.f0 == local : pins_.l0 == local;
    const bool pinned1 = !is_float && pins_.l1 == local;
    const Dst d = pinned0 ? Dst::l0 : pinned1 ? Dst::l1 : Dst::slot;

    // Retarget the instruction that made the value, if it is the last one.
    if (const Producer* const last = last_producer(value); last != nullptr && last->handler(d) != nullptr) {
        Producer producer = *last;
        if (info.pending != 0) {
            // The old value is still wanted: it is copied away before that instruction.
            uint8_t bytes[64];
            const size_t size = producer.end - producer.begin;
            std::memcpy(bytes, code_.data() + producer.begin, size);
            size_t offset = offset_;
            if (marks_ != nullptr && !marks_->empty())
                offset = marks_->back().offset;
            code_.truncate(producer.begin);
            flush_pending(local);
            std::swap(offset, offset_);
            const size_t begin = here();
            emit(producer.handler(d));
            std::swap(offset, offset_);
            for (size_t i = sizeof(Instr); i < size; i += 8)
                word(0);
            if (failure_ != Exit::none)
                return;
            std::memcpy(code_.data() + begin, bytes, size);
            producer.begin = begin;
            producer.end = here();
        }
        at(producer.begin).handler = producer.handler(d);
        at(producer.begin).d = info.slot;
        if (d == Dst::slot) {
            accumulator = {no_operand, local, {}};
        } else {
            // The accumulator was not written after all.
            accumulator = {no_operand, producer.before_local == local ? no_local : producer.before_local, {}};
        }
        note_step(producer, d, local);
        return;
    }

    // A call's result goes to any slot that the call names, and if that is a pinned local's, to its register.
    if (value.in_acc && value.operand.stored && call_serial_ == serial_ && last_label_ != here() &&
        info.pending == 0) {
        std::memcpy(code_.data() + here() - sizeof(Pins) + offsetof(Pins, result), &info.slot,
                    sizeof(info.slot));
        accumulator = {no_operand, local, {}};
        return;
    }

    flush_pending(local);
    const Src src = classify(value);
    if (d == Dst::slot) {
        store_to(info.slot, value);
    } else {
        Instr& instr = emit(is_float ? move_float(d, src) : move_int(d, src));
        instr.d = info.slot;
        instr.a = slot_of(value.operand);
        if (src == Src::imm)
            words(value.operand);
    }
    if (src == Src::acc)
        accumulator.local = local;
    else if (accumulator.local == local)
        accumulator.local = no_local;
}

} // namespace warpbeam::vm
