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

/// Appends an instruction with perhaps one word after its head.
[[gnu::always_inline]] inline void Emitter::emit_frequent(const OpHandlers& handlers, size_t number,
                                                          const Words& words) noexcept {
    uint8_t* const instr = add_instr(sizeof(Instr) + (words.has_word ? sizeof words.word : 0),
                                     handlers.first + static_cast<ChoiceKey>(number),
                                     handlers.row.handlers[handlers.row.places[number]]);
    std::memcpy(instr + head_offset, &words.head, sizeof words.head);
    // If it has none, the next instruction is written over this.
    std::memcpy(instr + head_offset + sizeof words.head, &words.word, sizeof words.word);
}

/// The same, and pushes its result where the lowest of its operands was, which were taken from the stack but
/// for its size.
template <Form form>
[[gnu::always_inline]] inline void
Lowering::emit_frequent_result(const OpHandlers& handlers, Op op, Variant variant, size_t number,
                               size_t place, Accumulator& accumulator, const Words& words) noexcept {
    if (accumulator.operand < place) [[unlikely]]
        spill_operand(accumulator);
    Producer& producer = accumulator.producer;
    const auto begin = static_cast<uint32_t>(here());
    emit_frequent(handlers, number, words);
    Operand* const result = stack_.begin() + place;
    stack_.set_end(result + 1);
    const bool stored = variant.result == Dst::slot;
    const uint32_t slot = result->slot;
    height_ = slot + 1;
    const uint32_t before = accumulator.local;
    accumulator.operand = place;
    accumulator.local = no_local;
    producer = {{form, op, variant},
                handlers.result,
                true,
                stored,
                static_cast<uint32_t>(instrs_.size() - 1),
                begin,
                static_cast<uint32_t>(here()),
                serial_,
                before};
    detail::write(result, {Operand::home, handlers.result, stored, Src::slot, slot, blank_, 0, slot, 0});
}

/// If the next instruction puts the result of this one into a local, this one can leave it there: where that
/// is. None if it can't, or if the old value of the local is still needed.
[[gnu::always_inline]] inline Lowering::Destination
Lowering::destination(const OpHandlers& handlers, size_t number, size_t stride) noexcept {
    const uint8_t next = reader_.peek();
    const bool tee = next == static_cast<uint8_t>(Op::local_tee);
    if (!tee && next != static_cast<uint8_t>(Op::local_set))
        return {};
    const uint8_t local = second_byte();
    if (local >= 0x80)
        return {};
    const LocalInfo& info = locals_[local];
    const Dst to = is_pin(info.src) ? static_cast<Dst>(info.src) : Dst::slot;
    const size_t place = number + stride * static_cast<size_t>(to);
    if (info.last != 0 || is_far(info.slot) || handlers.row.places[place] == HandlerRow::no_handler)
        return {};
    return {local, to, tee};
}

/// Does what comes of that.
template <Form form>
[[gnu::always_inline]] inline void
Lowering::emit_to_local(const OpHandlers& handlers, Op op, Variant variant, size_t number, size_t place,
                        Accumulator& accumulator, Words words, const Destination& to) noexcept {
    const LocalInfo& info = locals_[to.local];
    reader_.pass(2);
    // With a register for its destination, it leaves the accumulator as it is, perhaps with a lower operand.
    if (to.where == Dst::slot && accumulator.operand < place)
        spill_operand(accumulator);
    words.head |= in_head<form, Field::result>(info.slot);
    variant.result = to.where;
    number += strides_of(form).result * static_cast<size_t>(to.where);
    const auto begin = static_cast<uint32_t>(here());
    emit_frequent(handlers, number, words);
    height_ = stack_[place].slot;
    stack_.set_end(stack_.begin() + place);
    const uint32_t before = accumulator.local;
    if (op == Op::i32_add || op == Op::i64_add)
        note_step({{form, op, variant},
                   handlers.result,
                   true,
                   false,
                   static_cast<uint32_t>(instrs_.size() - 1),
                   begin,
                   static_cast<uint32_t>(here()),
                   serial_,
                   before},
                  to.where, to.local);
    if (to.where == Dst::slot)
        accumulator.hold(no_operand, to.local);
    else
        accumulator.local = before == to.local ? no_local : before;
    last_set_ = {to.local, serial_};
    if (to.tee)
        push_local(to.local);
}

template <Form form>
[[gnu::always_inline]] inline void
Lowering::finish_frequent(const OpHandlers& handlers, Op op, Variant variant, size_t number, size_t place,
                          Accumulator& accumulator, const Words& words) noexcept {
    constexpr size_t stride = strides_of(form).result;
    if (variant.result == Dst::acc)
        if (const Destination to = destination(handlers, number, stride); to.exists())
            return emit_to_local<form>(handlers, op, variant, number, place, accumulator, words, to);
    emit_frequent_result<form>(handlers, op, variant, number, place, accumulator, words);
}

/// A numeric instruction with operands of one bank, and a result of the same one for integers.
template <bool is_float>
[[gnu::always_inline]] inline bool Lowering::lower_frequent_binary(Op op) noexcept {
    const size_t size = stack_.size();
    if (size < 2) [[unlikely]]
        return false; // after a failure
    const size_t place = size - 2;
    Operand* const operands = stack_.begin() + place;
    Accumulator& source = acc(is_float);
    const Spot left_spot = spot_of(operands[0], place, source);
    const Spot right_spot = spot_of(operands[1], place + 1, source);
    const size_t code = static_cast<size_t>(op) - first_settled;
    const Settled& settled = settled_rows[settled_keys.of[code]][left_spot * spot_count + right_spot];
    if (settled.is(Settled::unusual) || is_far(operands[1].slot)) [[unlikely]]
        return false;
    if (!is_float && op == Op::i32_add && source.operand - place < 2 && source.producer.exists &&
        source.producer.is(Form::binary, Op::i32_shl))
        return false; // perhaps an add_shl
    uint64_t left = operands[0].field;
    uint64_t right = operands[1].field;
    if (settled.is(Settled::swapped)) {
        std::swap(left, right);
        op = op_row(op).mirror;
    }
    // Comparisons of numbers with floating point are too rare for code of their own.
    if constexpr (!is_float) {
        const uint8_t next = reader_.peek();
        if (next == static_cast<uint8_t>(Op::br_if) || next == static_cast<uint8_t>(Op::if_))
            if (lower_compare_branch(op, settled, operands))
                return true;
    }
    const OpHandlers& handlers = frequent(Form::binary, op);
    Accumulator& accumulator = is_float ? acc(is_float_kind(handlers.result)) : source;
    // A constant of eight bytes, or one on the left, is in the word.
    const bool is_left_word = settled.is(Settled::left_word);
    const bool is_right_word = settled.is(Settled::right_word);
    const uint64_t right_field = settled.variant.b == Src::imm
                                     ? in_head<Form::binary, Field::right, true>(right)
                                     : in_head<Form::binary, Field::right>(right);
    const uint64_t head =
        (settled.is(Settled::stored) ? in_head<Form::binary, Field::result>(operands[0].slot) : 0) |
        (is_left_word ? 0 : in_head<Form::binary, Field::left>(left)) | (is_right_word ? 0 : right_field);
    const Words words{head, is_left_word ? left : right, is_left_word || is_right_word};
    forget_locals(operands, place, 2);
    if (source.operand >= place)
        source.operand = no_operand;
    finish_frequent<Form::binary>(handlers, op, settled.variant, settled.number, place, accumulator, words);
    return true;
}

/// A comparison of integers whose result only the branch after it uses: the branch compares. False if there
/// is no such branch, or if code comes between the two.
bool Lowering::lower_compare_branch(Op op, const Settled& settled, const Operand* operands) noexcept {
    const bool is_if = reader_.peek() == static_cast<uint8_t>(Op::if_);
    // With operands for the label, there may be code between the two.
    const uint8_t depth = second_byte();
    if (!is_if && (depth >= 0x80 || arity(target(depth)) != 0))
        return false;
    const bool is_return = !is_if && target(depth).kind == ControlKind::func;
    const auto side = [&](Src src, const Operand& operand) {
        const bool is_pinned = src == Src::slot && is_pin(operand.src) && operand.index < own_locals_;
        return Side{is_pinned ? operand.src : src, operand.field};
    };
    const bool swapped = settled.is(Settled::swapped);
    Comparison compare{op,
                       side(settled.variant.a, operands[swapped ? 1 : 0]),
                       side(settled.variant.b, operands[swapped ? 0 : 1]),
                       acc(false).local,
                       serial_ + 1,
                       here()};
    Choice branch;
    if (!plan_branch(compare, is_if || is_return, branch))
        return false;
    offset_ = reader_.offset();
    reader_.pass(1);
    const auto place = static_cast<size_t>(operands - stack_.begin());
    height_ = operands->slot;
    forget_operands(operands, place, 2);
    stack_.set_end(stack_.begin() + place);
    if (is_if)
        begin_if(compare, branch);
    else
        lower_br_if(compare, branch);
    return true;
}

template <bool is_float>
[[gnu::always_inline]] inline bool Lowering::lower_frequent_load(Op op, const MemArg& arg) noexcept {
    const size_t size = stack_.size();
    if (size == 0 || !first_is_32_ || arg.memory != 0) [[unlikely]]
        return false;
    const size_t place = size - 1;
    Operand* const address = stack_.begin() + place;
    Accumulator& source = acc(false);
    const Spot spot = spot_of(*address, place, source);
    const size_t code = static_cast<size_t>(op) - first_settled;
    const Settled& settled = settled_rows[settled_keys.of[code]][spot * spot_count];
    if ((settled.flags & (Settled::unusual | Settled::left_word)) != 0 || is_far(address->slot)) [[unlikely]]
        return false;
    if (is_made(place, source)) {
        const Producer& producer = source.producer;
        const bool is_sum = producer.is(Form::binary, Op::i32_add);
        if (is_sum && producer.choice.variant.b == Src::imm && lower_displaced_load(op, arg, *address))
            return true;
        if (is_sum || producer.choice.form == Form::add_shl)
            return false; // perhaps one with a sum
    }
    Variant variant = settled.variant;
    variant.option = first_option_;
    const uint64_t head =
        (settled.is(Settled::stored) ? in_head<Form::load, Field::result>(address->slot) : 0) |
        in_head<Form::load, Field::address>(address->field) | in_head<Form::load, Field::offset>(arg.offset);
    forget_locals(address, place, 1);
    if (source.operand >= place)
        source.operand = no_operand;
    finish_frequent<Form::load>(frequent(Form::load, op), op, variant,
                                settled.number + strides_of(Form::load).option * size_t{first_option_}, place,
                                acc(is_float), {head, 0, false});
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
    const size_t place = stack_.size() - 1;
    remove(sum);
    forget_locals(&address, place, 1);
    const OpHandlers& handlers = frequent(Form::load_displaced, op);
    size_t number = number_of(Form::load_displaced, choice.variant);
    Words words{in_head<Form::load_displaced, Field::base>(base) |
                    in_head<Form::load_displaced, Field::addend>(addend),
                arg.offset, true};
    if (!handlers.has(number)) {
        choice.variant.result = Dst::slot;
        number += to_slot(Form::load_displaced);
        words.head |= in_head<Form::load_displaced, Field::result>(address.slot);
    }
    finish_frequent<Form::load_displaced>(handlers, op, choice.variant, number, place,
                                          acc(is_float_kind(handlers.result)), words);
    return true;
}

[[gnu::always_inline]] inline bool Lowering::lower_frequent_store(Op op, const MemArg& arg) noexcept {
    const size_t size = stack_.size();
    if (size < 2 || !first_is_32_ || arg.memory != 0) [[unlikely]]
        return false;
    const size_t place = size - 2;
    Operand* const operands = stack_.begin() + place;
    const Operand& address = operands[0];
    const Operand& value = operands[1];
    const Spot address_spot = spot_of(address, place, acc(false));
    const Spot value_spot = spot_of(value, place + 1, acc(is_float_kind(value.kind)));
    const size_t code = static_cast<size_t>(op) - first_settled;
    if (code >= settled_count)
        return false; // of a vector
    const Settled& settled = settled_rows[settled_keys.of[code]][address_spot * spot_count + value_spot];
    if ((settled.flags & (Settled::unusual | Settled::left_word)) != 0 || is_far(value.slot)) [[unlikely]]
        return false;
    if (is_made(place, acc(false)) && acc(false).producer.is(Form::binary, Op::i32_add))
        return false; // perhaps one with a sum
    const bool has_word = settled.is(Settled::right_word);
    const uint64_t head = (has_word ? 0 : in_head<Form::store, Field::value>(value.field)) |
                          in_head<Form::store, Field::address>(address.field) |
                          in_head<Form::store, Field::offset>(arg.offset);
    emit_frequent(frequent(Form::store, op),
                  settled.number + strides_of(Form::store).option * size_t{first_option_},
                  {head, value.field, has_word});
    forget_operands(operands, place, 2);
    height_ = address.slot;
    stack_.set_end(operands);
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
template <bool is_float>
inline bool Lowering::lower_frequent_binary(Op) noexcept {
    return false;
}
template <bool is_float>
inline bool Lowering::lower_frequent_load(Op, const MemArg&) noexcept {
    return false;
}
inline bool Lowering::lower_frequent_store(Op, const MemArg&) noexcept { return false; }

#endif

/// A constant is added rather than subtracted: additions have more variants, and are taken into addresses and
/// latches. Compilers add negative constants, but wasm-opt makes them positive.
void Lowering::lower_subtraction(Op op) noexcept {
    if (!stack_.empty() && stack_.back().where == Operand::constant) {
        uint64_t& value = stack_.back().field;
        value = op == Op::i32_sub ? static_cast<uint32_t>(0 - value) : 0 - value;
        op = op == Op::i32_sub ? Op::i32_add : Op::i64_add;
    }
    lower_integer_binary(op);
}

void Lowering::lower_integer_binary(Op op) noexcept {
    if (!lower_frequent_binary<false>(op))
        lower_any_binary(op);
}

void Lowering::lower_float_binary(Op op) noexcept {
    if (!lower_frequent_binary<true>(op))
        lower_any_binary(op);
}

void Lowering::lower_integer_load(Op op) noexcept {
    const MemArg arg = reader_.mem_arg();
    if (!lower_frequent_load<false>(op, arg))
        lower_other_load(op, arg);
}

void Lowering::lower_float_load(Op op) noexcept {
    const MemArg arg = reader_.mem_arg();
    if (!lower_frequent_load<true>(op, arg))
        lower_other_load(op, arg);
}

void Lowering::lower_store(Op op) noexcept {
    const MemArg arg = reader_.mem_arg();
    if (!lower_frequent_store(op, arg))
        lower_other_store(op, arg);
}

} // namespace warpbeam::vm
