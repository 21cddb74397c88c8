#include "lower/lowering.hpp"
#if !WARPBEAM_SMALL
#include "lower/settled.hpp"
#endif

/// Numeric instructions, and accesses to memory, that are frequent.
/// https://webassembly.github.io/spec/core/exec/instructions.html
///
/// The same as lower_numeric.cpp and lower_memory.cpp do, for the cases that make up most of a module:
/// numbers, and accesses to a memory with 32-bit addresses, whose operands need not be moved. A function
/// that returns false has changed nothing.
///
/// What an instruction looks like depends on the data of a module, so a branch on that is often mispredicted:
/// tables and conditional moves take the place of most branches.

namespace warpbeam::vm {

#if !WARPBEAM_SMALL

namespace {

/// A value of a field of the first word after the handler; it fits.
template <Form form, Field name, bool is_constant = false>
[[gnu::always_inline]] inline uint64_t in_head(uint64_t value) noexcept {
    constexpr Encoding encoding = encoding_of(form, is_constant ? 1u << operand_index(form, name) : 0, 4);
    constexpr BitRange bits = encoding.fields[field_index(form, name)];
    static_assert(bits.byte < sizeof value);
    return value << (is_little_endian ? 8u * bits.byte : 64u - bits.count - 8u * bits.byte);
}

} // namespace

/// Where the operand at a place of the stack is.
[[gnu::always_inline]] inline Spot Emitter::spot_of(const Operand& operand, size_t place,
                                                    const Accumulator& accumulator) noexcept {
    const bool in_acc = accumulator.operand == place;
    const bool is_local_in_acc = operand.src == Src::slot && accumulator.local == operand.index;
    const auto spot = in_acc && !operand.stored ? only_acc : static_cast<Spot>(Src::acc);
    return in_acc || is_local_in_acc ? spot : static_cast<Spot>(operand.src);
}

/// Whether an accumulator has the operand at a place as the result of an instruction that may be taken back.
[[gnu::always_inline]] inline bool Emitter::is_made(size_t place, const Accumulator& accumulator) noexcept {
    return accumulator.operand == place && accumulator.producer.exists;
}

/// Appends an instruction with perhaps one word after its head, and pushes its result where the lowest of its
/// operands was, which are still on the stack.
[[gnu::always_inline]] inline void Emitter::emit_frequent_result(const OpHandlers& handlers,
                                                                 const Choice& choice, size_t count,
                                                                 uint64_t head, uint64_t word,
                                                                 bool has_word) noexcept {
    const size_t place = stack_.size() - count;
    Operand* const first = stack_.begin() + place;
    const Kind kind = handlers.result;
    Accumulator& accumulator = acc(is_float_kind(kind));
    if (accumulator.operand < place) [[unlikely]]
        spill_operand(accumulator);
    const auto begin = static_cast<uint32_t>(here());
    emit_frequent(handlers, choice, head, word, has_word);
    const bool stored = choice.variant.result == Dst::slot;
    const uint32_t slot = first->slot;
    forget_operands(first, place, count);
    const uint32_t before = accumulator.local;
    const auto number = static_cast<uint32_t>(instrs_.size() - 1);
    accumulator.operand = place;
    accumulator.local = no_local;
    accumulator.producer = {choice,  kind,  true, stored, number, begin, static_cast<uint32_t>(here()),
                            serial_, before};
    height_ = slot + 1;
    detail::write(first, {Operand::home, kind, stored, Src::slot, slot, blank_, 0, slot, 0});
    stack_.set_end(first + 1);
}

[[gnu::always_inline]] inline void Emitter::emit_frequent(const OpHandlers& handlers, const Choice& choice,
                                                          uint64_t head, uint64_t word,
                                                          bool has_word) noexcept {
    const size_t number = number_of(choice.form, choice.variant);
    uint8_t* const instr = add_instr(sizeof(Instr) + (has_word ? sizeof word : 0),
                                     handlers.first + static_cast<ChoiceKey>(number),
                                     handlers.row.handlers[handlers.row.places[number]]);
    std::memcpy(instr + head_offset, &head, sizeof head);
    // If it has none, the next instruction is written over this.
    std::memcpy(instr + head_offset + sizeof head, &word, sizeof word);
}

[[gnu::always_inline]] inline bool Lowering::lower_frequent_binary(Op op) noexcept {
    const size_t code = static_cast<size_t>(op) - first_settled;
    if (code >= settled_count || stack_.size() < 2)
        return false;
    const size_t place = stack_.size() - 2;
    Operand* const operands = stack_.begin() + place;
    const Accumulator& accumulator = acc(is_float_kind(operands[0].kind));
    const Spot left_spot = spot_of(operands[0], place, accumulator);
    const Spot right_spot = spot_of(operands[1], place + 1, accumulator);
    const Settled settled = settled_rows[settled_keys.of[code]][left_spot * spot_count + right_spot];
    if (settled.is_unusual() || is_far(operands[1].slot)) [[unlikely]]
        return false;
    if (op == Op::i32_add && accumulator.operand - place < 2 && accumulator.producer.exists &&
        accumulator.producer.is(Form::binary, Op::i32_shl))
        return false; // perhaps an add_shl
    uint64_t left = operands[0].field;
    uint64_t right = operands[1].field;
    if (settled.swapped()) {
        std::swap(left, right);
        op = op_row(op).mirror;
    }
    const OpHandlers& handlers = frequent(Form::binary, op);
    const Variant variant{settled.stored() ? Dst::slot : Dst::acc, settled.a(), settled.b()};
    // A constant of eight bytes, or one on the left, is in the word.
    const bool is_left_word = variant.a == Src::imm;
    const bool is_right_word = variant.b == Src::imm && (handlers.widths & 3) != 0;
    const uint64_t right_field = variant.b == Src::imm ? in_head<Form::binary, Field::right, true>(right)
                                                       : in_head<Form::binary, Field::right>(right);
    const uint64_t head = (settled.stored() ? in_head<Form::binary, Field::result>(operands[0].slot) : 0) |
                          (is_left_word ? 0 : in_head<Form::binary, Field::left>(left)) |
                          (is_right_word ? 0 : right_field);
    emit_frequent_result(handlers, {Form::binary, op, variant}, 2, head, is_left_word ? left : right,
                         is_left_word || is_right_word);
    return true;
}

[[gnu::always_inline]] inline bool Lowering::lower_frequent_load(Op op, const MemArg& arg) noexcept {
    const size_t code = static_cast<size_t>(op) - first_settled;
    if (code >= settled_count || stack_.empty() || !first_is_32_ || arg.memory != 0)
        return false;
    const size_t place = stack_.size() - 1;
    Operand* const address = stack_.begin() + place;
    const Accumulator& accumulator = acc(false);
    const Spot spot = spot_of(*address, place, accumulator);
    const Settled settled = settled_rows[settled_keys.of[code]][spot * spot_count];
    if (settled.is_unusual() || is_far(address->slot))
        return false;
    if (is_made(place, accumulator)) {
        const Producer& producer = accumulator.producer;
        const bool is_sum = producer.is(Form::binary, Op::i32_add);
        if (is_sum && producer.choice.variant.b == Src::imm && lower_displaced_load(op, arg, *address))
            return true;
        if (is_sum || producer.choice.form == Form::add_shl)
            return false; // perhaps one with a sum
    }
    const Variant variant{settled.stored() ? Dst::slot : Dst::acc, settled.a(), Src::slot, Src::slot,
                          first_option_};
    const uint64_t head = (settled.stored() ? in_head<Form::load, Field::result>(address->slot) : 0) |
                          in_head<Form::load, Field::address>(address->field) |
                          in_head<Form::load, Field::offset>(arg.offset);
    emit_frequent_result(frequent(Form::load, op), {Form::load, op, variant}, 1, head, 0, false);
    return true;
}

/// The address is the sum of an operand and a constant.
bool Lowering::lower_displaced_load(Op op, const MemArg& arg, const Operand& address) noexcept {
    const Producer& sum = acc(false).producer;
    if (sum.end != here() || last_label_ > sum.begin || (address.stored && !sum.born_stored))
        return false;
    const uint64_t base = operand_of<Form::binary, Field::left>(sum);
    const uint64_t addend = operand_of<Form::binary, Field::right>(sum);
    const Src src = from_pin(sum.choice.variant.a, base, false);
    Choice choice{Form::load_displaced, op, {.a = src, .option = first_option_}};
    if (src == Src::imm || !settle_pins(choice))
        return false;
    remove(sum);
    emit_frequent_result(frequent(Form::load_displaced, op), choice, 1,
                         in_head<Form::load_displaced, Field::base>(base) |
                             in_head<Form::load_displaced, Field::addend>(addend),
                         arg.offset, true);
    return true;
}

[[gnu::always_inline]] inline bool Lowering::lower_frequent_store(Op op, const MemArg& arg) noexcept {
    const size_t code = static_cast<size_t>(op) - first_settled;
    if (code >= settled_count || stack_.size() < 2 || !first_is_32_ || arg.memory != 0)
        return false;
    const size_t place = stack_.size() - 2;
    Operand* const operands = stack_.begin() + place;
    const Operand& address = operands[0];
    const Operand& value = operands[1];
    const Spot address_spot = spot_of(address, place, acc(false));
    const Spot value_spot = spot_of(value, place + 1, acc(is_float_kind(value.kind)));
    const Settled settled = settled_rows[settled_keys.of[code]][address_spot * spot_count + value_spot];
    if (settled.is_unusual() || is_far(value.slot))
        return false;
    if (is_made(place, acc(false)) && acc(false).producer.is(Form::binary, Op::i32_add))
        return false; // perhaps one with a sum
    const Variant variant{Dst::acc, settled.a(), settled.b(), Src::slot, first_option_};
    const bool has_word = variant.b == Src::imm;
    const uint64_t head = (has_word ? 0 : in_head<Form::store, Field::value>(value.field)) |
                          in_head<Form::store, Field::address>(address.field) |
                          in_head<Form::store, Field::offset>(arg.offset);
    emit_frequent(frequent(Form::store, op), {Form::store, op, variant}, head, value.field, has_word);
    forget_operands(operands, place, 2);
    height_ = address.slot;
    stack_.set_end(stack_.begin() + place);
    return true;
}

/// Makes the last instruction, whose result is on top of the stack, leave that in a local instead. As
/// `assign` does, for a local whose old value is not needed any more.
bool Emitter::set_by_last(uint32_t local) noexcept {
    if (stack_.empty())
        return false;
    const size_t place = stack_.size() - 1;
    Operand* const value = stack_.begin() + place;
    Accumulator& accumulator = acc(is_float_kind(value->kind));
    Producer& producer = accumulator.producer;
    const LocalInfo& info = locals_[local];
    const bool is_last = is_made(place, accumulator) && producer.end == here() &&
                         last_label_ <= producer.begin && (!value->stored || producer.born_stored);
    if (!is_last || info.last != 0 || is_far(value->slot))
        return false;
    const Dst to = is_pin(info.src) ? static_cast<Dst>(info.src) : Dst::slot;
    const Choice choice = producer.to(to);
    if (!retarget(producer, choice, info.slot))
        return false;
    forget_operands(value, place, 1);
    height_ = value->slot;
    stack_.set_end(stack_.begin() + place);
    producer.choice = choice;
    if (choice.op == Op::i32_add || choice.op == Op::i64_add)
        note_step(producer, to, local);
    // With another destination, the accumulator was not written after all.
    const uint32_t before = producer.before_local == local ? no_local : producer.before_local;
    accumulator.hold(no_operand, to == Dst::slot ? local : before);
    last_set_ = {local, serial_};
    return true;
}

#else

bool Emitter::set_by_last(uint32_t) noexcept { return false; }
inline bool Lowering::lower_frequent_binary(Op) noexcept { return false; }
inline bool Lowering::lower_frequent_load(Op, const MemArg&) noexcept { return false; }
inline bool Lowering::lower_frequent_store(Op, const MemArg&) noexcept { return false; }

#endif

/// A constant is added rather than subtracted: additions have more variants, and are taken into addresses and
/// latches. Compilers add negative constants, but wasm-opt makes them positive.
inline void Lowering::add_negated(Op& op, Operand& right) noexcept {
    if ((op != Op::i32_sub && op != Op::i64_sub) || right.where != Operand::constant)
        return;
    uint64_t& value = right.field;
    value = op == Op::i32_sub ? static_cast<uint32_t>(0 - value) : 0 - value;
    op = op == Op::i32_sub ? Op::i32_add : Op::i64_add;
}

void Lowering::lower_binary(Op op) noexcept {
    if (!stack_.empty())
        add_negated(op, stack_.back());
    if (!lower_frequent_binary(op))
        lower_any_binary(op);
}

void Lowering::lower_load(Op op) noexcept {
    const MemArg arg = reader_.mem_arg();
    if (!lower_frequent_load(op, arg))
        lower_other_load(op, arg);
}

void Lowering::lower_store(Op op) noexcept {
    const MemArg arg = reader_.mem_arg();
    if (!lower_frequent_store(op, arg))
        lower_other_store(op, arg);
}

} // namespace warpbeam::vm
