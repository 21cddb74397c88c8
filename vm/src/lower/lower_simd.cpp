#include "lower/lowering.hpp"

/// Vector instructions whose forms differ from those of numbers: three operands, a number and a vector, lanes
/// as immediates. The others are lowered like numeric and memory instructions.
/// https://webassembly.github.io/spec/core/exec/instructions.html#vector-instructions

namespace warpbeam::vm {

namespace {

/// Loading or storing a lane is an access to a number, plus replacing or extracting a lane.
struct LaneAccess {
    Op op;
    Op access;
    Op lane;
};
constexpr LaneAccess lane_accesses[] = {
    {Op::v128_load8_lane, Op::i32_load8_u, Op::i8x16_replace_lane},
    {Op::v128_load16_lane, Op::i32_load16_u, Op::i16x8_replace_lane},
    {Op::v128_load32_lane, Op::i32_load, Op::i32x4_replace_lane},
    {Op::v128_load64_lane, Op::i64_load, Op::i64x2_replace_lane},
    {Op::v128_store8_lane, Op::i32_store8, Op::i8x16_extract_lane_u},
    {Op::v128_store16_lane, Op::i32_store16, Op::i16x8_extract_lane_u},
    {Op::v128_store32_lane, Op::i32_store, Op::i32x4_extract_lane},
    {Op::v128_store64_lane, Op::i64_store, Op::i64x2_extract_lane},
};
constexpr const LaneAccess* parts_of(Op op) noexcept {
    return std::ranges::find(lane_accesses, op, &LaneAccess::op);
}
static_assert(std::ranges::all_of(ops_of<Family::vector_lane_load>, [](Op op) {
    return parts_of(op) != std::end(lane_accesses) && family_of(parts_of(op)->lane) == Family::vector_replace;
}));
static_assert(std::ranges::all_of(ops_of<Family::vector_lane_store>, [](Op op) {
    return parts_of(op) != std::end(lane_accesses) && family_of(parts_of(op)->lane) == Family::vector_extract;
}));

} // namespace

void Lowering::lower_ternary(Op op) noexcept {
    Popped c = pop();
    Popped b = pop();
    Popped a = pop();
    Choice choice{Form::ternary, op, {}};
    settle_and_prepare(choice, a, b, c);
    Fields out = emit_result(choice, ValType::v128);
    set(out, Field::left, a);
    set(out, Field::right, b);
    set(out, Field::third, c);
}

/// A shift, or replacing a lane.
void Lowering::lower_with_scalar(Form form, Op op, Popped vector, Popped scalar, uint8_t lane) noexcept {
    Choice choice{form, op, {}};
    settle_and_prepare(choice, vector, scalar);
    Fields out = emit_result(choice, ValType::v128);
    set(out, Field::left, vector);
    set(out, Field::right, scalar);
    if (form == Form::replace_lane)
        out.set(Field::lane, lane);
}

void Lowering::lower_shuffle(Op op) noexcept {
    Popped b = pop();
    Popped a = pop();
    Choice choice{Form::shuffle, op, {}};
    settle_and_prepare(choice, a, b);
    Fields out = emit_result(choice, ValType::v128);
    set(out, Field::left, a);
    set(out, Field::right, b);
    const auto low = reader_.fixed<uint64_t>();
    out.set(Field::lanes, low, reader_.fixed<uint64_t>());
}

void Lowering::lower_shift(Op op) noexcept {
    const Popped scalar = pop();
    lower_with_scalar(Form::shift, op, pop(), scalar, 0);
}

void Lowering::lower_replace_lane(Op op) noexcept {
    const Popped scalar = pop();
    const Popped vector = pop();
    lower_with_scalar(Form::replace_lane, op, vector, scalar, reader_.byte());
}

void Lowering::lower_extract_lane(Op op) noexcept { emit_extract_lane(op, reader_.byte()); }

void Lowering::emit_extract_lane(Op op, uint8_t lane) noexcept {
    Popped vector = pop();
    force_slot(vector);
    emit_result({Form::extract_lane, op, {}}, kind_of(sig_of(op).out))
        .set(Field::from, slot_of(vector.operand))
        .set(Field::lane, lane);
}

void Lowering::lower_lane_load(Op op) noexcept {
    const LaneAccess& parts = *parts_of(op);
    const Popped vector = pop();
    lower_load(parts.access);
    lower_with_scalar(Form::replace_lane, parts.lane, vector, pop(), reader_.byte());
}

void Lowering::lower_lane_store(Op op) noexcept {
    const LaneAccess& parts = *parts_of(op);
    InstrReader ahead = reader_;
    (void)ahead.mem_arg();
    emit_extract_lane(parts.lane, ahead.byte());
    lower_store(parts.access);
    (void)reader_.byte();
}

} // namespace warpbeam::vm
