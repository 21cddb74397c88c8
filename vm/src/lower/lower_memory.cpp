#include "handlers/guarded_families.hpp"
#include "lower/lowering.hpp"

/// Memory, table and global instructions.

namespace warpbeam::vm {

namespace {

/// The operands of the bulk instructions are read from slots in the order of the binary format.
constexpr uint32_t bulk_operands = 3;

} // namespace

void Lowering::lower_load(Op op, Kind result) noexcept {
    const MemArg arg = reader_.mem_arg();
    Popped address = pop();
    const MemoryType& memory = module_.memories()[arg.memory];
    if (arg.memory != 0 || memory.limits.is_64) {
        force_slot(address);
        spill_accs();
        Instr& instr = emit(load_any(op, memory.limits.is_64));
        instr.d = address.operand.slot;
        instr.a = slot_of(address.operand);
        instr.c = static_cast<uint16_t>(arg.memory);
        word(arg.offset);
        acc(is_float_kind(result)) = {};
        push_home(result);
        acc(is_float_kind(result)).operand = stack_.size() - 1;
        return;
    }

    Producer producer;
    producer.op = op;
    producer.guarded = is_guarded(memory);
    // An address that was just added up is added up by the load.
    if (const Producer* const last = last_producer(address);
        last != nullptr && (arg.offset <= UINT16_MAX || last->r == Src::imm)) {
        producer.l = last->l;
        producer.r = last->r;
        const bool is_add = last->family == Producer::Family::binary && last->op == Op::i32_add;
        const bool is_index =
            last->family == Producer::Family::add_shl && at(last->begin).c == row_of(op).access_log2;
        producer.family = is_index ? Producer::Family::load_indexed : Producer::Family::load_sum;
        if ((is_add || is_index) && producer.handler(Dst::acc) != nullptr) {
            const Producer sum = *last;
            const Instr old = at(sum.begin);
            take_back(sum);
            Instr& instr = emit_result(producer, result);
            instr.a = old.a;
            if (sum.r == Src::imm) {
                instr.uimm = old.uimm;
                word(arg.offset);
            } else {
                instr.b = old.b;
                instr.c = static_cast<uint16_t>(arg.offset);
            }
            end_result(is_float_kind(result));
            return;
        }
    }
    producer.family = Producer::Family::load;
    producer.l = classify(address);
    producer.r = Src::slot;
    Instr& instr = emit_result(producer, result);
    instr.a = slot_of(address.operand);
    if (producer.l == Src::imm)
        word(address.operand.value + arg.offset);
    else
        instr.uimm = static_cast<uint32_t>(arg.offset);
    end_result(is_float_kind(result));
}

void Lowering::lower_store(Op op) noexcept {
    const MemArg arg = reader_.mem_arg();
    Popped value = pop();
    Popped address = pop();
    const MemoryType& memory = module_.memories()[arg.memory];
    if (arg.memory != 0 || memory.limits.is_64) {
        force_slot(address);
        force_slot(value);
        Instr& instr = emit(store_any(op, memory.limits.is_64));
        instr.d = slot_of(value.operand);
        instr.a = slot_of(address.operand);
        instr.c = static_cast<uint16_t>(arg.memory);
        word(arg.offset);
        return;
    }

    const bool guarded = is_guarded(memory);
    Src value_src = classify(value);
    if (value_src == Src::imm && value.operand.kind == ValType::v128)
        generalize(value, value_src);
    if (const Producer* const last = last_producer(address);
        last != nullptr && last->family == Producer::Family::binary && last->op == Op::i32_add &&
        (arg.offset <= UINT16_MAX || last->r == Src::imm)) {
        const Producer sum = *last;
        const Instr old = at(sum.begin);
        // The accumulator is no place for the value then: before the addition it held something else.
        const Src src = value_src == Src::acc && !is_float_kind(value.operand.kind) ? Src::slot : value_src;
        if (store_sum(op, sum.l, sum.r, src, guarded) != nullptr) {
            take_back(sum);
            Instr& instr = emit(store_sum(op, sum.l, sum.r, src, guarded));
            instr.d = slot_of(value.operand);
            instr.a = old.a;
            if (sum.r == Src::imm) {
                instr.uimm = old.uimm;
                word(arg.offset);
            } else {
                instr.b = old.b;
                instr.c = static_cast<uint16_t>(arg.offset);
            }
            if (src == Src::imm)
                word(value.operand.value);
            return;
        }
    }
    Src address_src = classify(address);
    if (store(op, address_src, value_src, guarded) == nullptr) {
        // Both are in the accumulator, one of them as a local that it happens to hold.
        (value.operand.where == Operand::local ? value_src : address_src) = Src::slot;
    }
    Instr& instr = emit(store(op, address_src, value_src, guarded));
    instr.d = slot_of(value.operand);
    instr.a = slot_of(address.operand);
    if (address_src == Src::imm)
        word(address.operand.value + arg.offset);
    else
        instr.uimm = static_cast<uint32_t>(arg.offset);
    if (value_src == Src::imm)
        word(value.operand.value);
}

bool Lowering::lower_memory(Op op) noexcept {
    const auto address_kind = [](const Limits& limits) { return limits.address_type().kind(); };
    switch (op) {
    case Op::global_get: {
        const uint32_t index = reader_.u32();
        const Kind kind = module_.globals()[index].content.kind();
        Producer producer;
        producer.family = Producer::Family::global;
        emit_result(producer, kind).uimm = index;
        end_result(is_float_kind(kind));
        return true;
    }
    case Op::global_set: {
        const uint32_t index = reader_.u32();
        Popped value = pop();
        const Kind kind = value.operand.kind;
        const Src src = classify(value);
        Instr& instr = emit(kind == ValType::v128 ? global_set_v128(src)
                            : is_float_kind(kind) ? global_set_float(src)
                                                  : global_set_int(src));
        instr.a = slot_of(value.operand);
        instr.uimm = index;
        if (src == Src::imm)
            words(value.operand);
        return true;
    }
    case Op::memory_size: {
        const uint32_t memory = reader_.u32();
        lower_slow(op, 0, address_kind(module_.memories()[memory].limits), {memory});
        return true;
    }
    case Op::memory_grow: {
        const uint32_t memory = reader_.u32();
        lower_slow(op, 1, address_kind(module_.memories()[memory].limits), {memory});
        return true;
    }
    case Op::memory_fill:
    case Op::table_fill:
        lower_slow(op, bulk_operands, ValType::bot, {reader_.u32()});
        return true;
    case Op::memory_copy:
    case Op::memory_init:
    case Op::table_copy:
    case Op::table_init: {
        const uint32_t first = reader_.u32();
        lower_slow(op, bulk_operands, ValType::bot, {first, reader_.u32()});
        return true;
    }
    case Op::data_drop:
    case Op::elem_drop:
        lower_slow(op, 0, ValType::bot, {reader_.u32()});
        return true;
    case Op::table_get:
        lower_slow(op, 1, ValType::ref, {reader_.u32()});
        return true;
    case Op::table_set:
        lower_slow(op, 2, ValType::bot, {reader_.u32()});
        return true;
    case Op::table_size: {
        const uint32_t table = reader_.u32();
        lower_slow(op, 0, address_kind(module_.tables()[table].limits), {table});
        return true;
    }
    case Op::table_grow: {
        const uint32_t table = reader_.u32();
        lower_slow(op, 2, address_kind(module_.tables()[table].limits), {table});
        return true;
    }
    default:
        break;
    }
    if (load(op, Dst::acc, Src::slot) != nullptr) {
        lower_load(op, kind_of(row_of(op).sig.out));
        return true;
    }
    if (store(op, Src::slot, Src::slot) != nullptr) {
        lower_store(op);
        return true;
    }
    return false;
}

} // namespace warpbeam::vm
