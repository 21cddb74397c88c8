#include "lower/lowering.hpp"

/// Vector instructions that have another form than those of numbers: three operands, a number next to a
/// vector, lanes as immediates. The others are lowered as numeric and memory instructions.

namespace warpbeam::vm {

namespace {

/// Loading or storing a lane is an access to a number, and the replacement or extraction of a lane.
struct LaneAccess {
    Op access;
    Op lane;
};
constexpr LaneAccess lane_access(Op op) noexcept {
    switch (op) {
    case Op::v128_load8_lane:
        return {Op::i32_load8_u, Op::i8x16_replace_lane};
    case Op::v128_load16_lane:
        return {Op::i32_load16_u, Op::i16x8_replace_lane};
    case Op::v128_load32_lane:
        return {Op::i32_load, Op::i32x4_replace_lane};
    case Op::v128_load64_lane:
        return {Op::i64_load, Op::i64x2_replace_lane};
    case Op::v128_store8_lane:
        return {Op::i32_store8, Op::i8x16_extract_lane_u};
    case Op::v128_store16_lane:
        return {Op::i32_store16, Op::i16x8_extract_lane_u};
    case Op::v128_store32_lane:
        return {Op::i32_store, Op::i32x4_extract_lane};
    default:
        return {Op::i64_store, Op::i64x2_extract_lane};
    }
}

} // namespace

/// Slot or accumulator: constants go into a slot.
Src Lowering::classify_vector(Popped& vector) noexcept {
    Src src = classify(vector);
    if (src == Src::imm)
        generalize(vector, src);
    return src;
}

void Lowering::lower_ternary(Op op) noexcept {
    Popped c = pop();
    Popped b = pop();
    Popped a = pop();
    Producer producer;
    producer.family = Producer::Family::ternary;
    producer.op = op;
    producer.l = classify_vector(a);
    producer.r = classify_vector(b);
    producer.third = classify_vector(c);
    // At most one is in the accumulator and perhaps nowhere else; others are locals that it happens to hold.
    bool taken = a.in_acc || b.in_acc || c.in_acc;
    const auto share = [&](const Popped& operand, Src& src) {
        if (src != Src::acc || operand.in_acc)
            return;
        if (taken)
            src = Src::slot;
        taken = true;
    };
    share(a, producer.l);
    share(b, producer.r);
    share(c, producer.third);
    Instr& instr = emit_result(producer, ValType::v128);
    instr.a = slot_of(a.operand);
    instr.b = slot_of(b.operand);
    instr.c = slot_of(c.operand);
    end_result(true);
}

/// A shift or the replacement of a lane.
void Lowering::lower_with_scalar(Op op, Popped vector, Popped scalar, uint8_t lane) noexcept {
    Producer producer;
    producer.family = Producer::Family::with_scalar;
    producer.op = op;
    producer.l = classify_vector(vector);
    producer.r = classify(scalar);
    if (producer.r == Src::l0 || producer.r == Src::l1)
        producer.r = Src::slot;
    if (producer.handler(Dst::acc) == nullptr)
        generalize(scalar, producer.r);
    Instr& instr = emit_result(producer, ValType::v128);
    instr.a = slot_of(vector.operand);
    instr.b = slot_of(scalar.operand);
    instr.c = lane;
    if (producer.r == Src::imm)
        instr.uimm = static_cast<uint32_t>(scalar.operand.value);
    end_result(true);
}

void Lowering::lower_shuffle() noexcept {
    Popped b = pop();
    Popped a = pop();
    Producer producer;
    producer.family = Producer::Family::shuffle;
    producer.op = Op::i8x16_shuffle;
    producer.l = classify_vector(a);
    producer.r = classify_vector(b);
    if (producer.l == Src::acc && producer.r == Src::acc)
        (a.in_acc ? producer.r : producer.l) = Src::slot;
    Instr& instr = emit_result(producer, ValType::v128);
    instr.a = slot_of(a.operand);
    instr.b = slot_of(b.operand);
    word(reader_.fixed<uint64_t>());
    word(reader_.fixed<uint64_t>());
    end_result(true);
}

void Lowering::lower_extract_lane(Op op, uint8_t lane) noexcept {
    Popped vector = pop();
    force_slot(vector);
    Producer producer;
    producer.family = Producer::Family::extract_lane;
    producer.op = op;
    const Kind kind = kind_of(row_of(op).sig.out);
    Instr& instr = emit_result(producer, kind);
    instr.a = slot_of(vector.operand);
    instr.c = lane;
    end_result(is_float_kind(kind));
}

void Lowering::lower_lane_access(Op op) noexcept {
    const LaneAccess parts = lane_access(op);
    if (row_of(op).sig.out == Sig::v128) {
        const Popped vector = pop();
        lower_load(parts.access, kind_of(row_of(parts.access).sig.out));
        lower_with_scalar(parts.lane, vector, pop(), reader_.byte());
    } else {
        InstrReader ahead = reader_;
        (void)ahead.mem_arg();
        lower_extract_lane(parts.lane, ahead.byte());
        lower_store(parts.access);
        (void)reader_.byte();
    }
}

bool Lowering::lower_simd(Op op) noexcept {
    const InstrRow& row = row_of(op);
    if (op == Op::v128_const) {
        const auto low = reader_.fixed<uint64_t>();
        push_const(ValType::v128, low, reader_.fixed<uint64_t>());
    } else if (op == Op::i8x16_shuffle) {
        lower_shuffle();
    } else if (extract_lane(op, Dst::acc) != nullptr) {
        lower_extract_lane(op, reader_.byte());
    } else if (vector_scalar(op, Dst::acc, Src::slot, Src::slot) != nullptr) {
        const Popped scalar = pop();
        const Popped vector = pop();
        lower_with_scalar(op, vector, scalar, row.imm == Imm::lane ? reader_.byte() : uint8_t{0});
    } else if (vector_ternary(op, Dst::acc, Src::slot, Src::slot, Src::slot) != nullptr) {
        lower_ternary(op);
    } else if (row.imm == Imm::mem_arg_lane) {
        lower_lane_access(op);
    } else {
        return false;
    }
    return true;
}

} // namespace warpbeam::vm
