#include "lower/emitter.hpp"

#include <algorithm>

namespace warpbeam::vm {

// ---- The operand stack ----

void Emitter::raise_max_height() noexcept {
    max_height_ = height_ + 1;
    if (max_height_ > max_frame_slots) {
        fail(Exit::limit);
        height_ = max_height_ = 2;
    }
}

void Emitter::grow_stack() noexcept {
    if (!stack_.reserve_more(8))
        fail(Exit::out_of_memory);
}

void Emitter::push_in_acc(Kind kind) noexcept {
    acc(is_float_kind(kind)).hold(stack_.size(), no_local);
    push_home(kind, !is_far(height_));
}

void Emitter::push_rare_local(uint32_t local) noexcept {
    LocalInfo& info = locals_[local];
    if (is_far(info.slot)) {
        push_home(info.kind);
        copy_slots(info.kind, height_ - slots_of(info.kind), info.slot);
        return;
    }
    if (!push(Operand::local, info.kind, false, info.src, local, info.slot, info.last))
        return;
    info.last = stack_.size();
    if (info.kind != ValType::ref)
        return;
    has_references_ = true;
    if (!lazy_references_.push(stack_.size() - 1))
        fail(Exit::out_of_memory);
}

void Emitter::correct_marks(size_t size) noexcept {
    settled_ = std::min(settled_, size);
    listed_ = std::min(listed_, size);
    at_home_.end = std::min(at_home_.end, size);
    at_home_.begin = std::min(at_home_.begin, at_home_.end);
    note_marks();
}

void Emitter::truncate_stack(size_t operands) noexcept {
    if (stack_.size() <= operands)
        return;
    Operand* const first = stack_.begin() + operands;
    height_ = first->slot;
    forget_operands(first, operands, stack_.size() - operands);
    stack_.set_end(stack_.begin() + operands);
}

void Emitter::spill_operand(Accumulator& accumulator) noexcept {
    Operand& operand = stack_[accumulator.operand];
    if (operand.where != Operand::home || operand.stored)
        return;
    store_acc(accumulator, operand);
}

/// Stores an operand's value from an accumulator: with the instruction that made it, if that is known.
void Emitter::store_acc(const Accumulator& accumulator, Operand& operand) noexcept {
    const Producer& producer = accumulator.producer;
    if (!producer.exists || !is_lasting(operand.slot) ||
        !retarget(producer, producer.to(Dst::slot), operand.slot))
        copy_acc_to(operand.kind, operand.slot);
    operand.stored = true;
}

void Emitter::flush(size_t index) noexcept {
    Operand& operand = stack_[index];
    switch (operand.where) {
    case Operand::home:
        if (!operand.stored)
            spill(acc(is_float_kind(operand.kind)));
        return;
    case Operand::local: {
        // Those above it that are the same local go home, too.
        uint64_t& last = locals_[operand.index].last;
        last = std::min(last, operand.high);
        copy_local(operand.slot, operand);
        break;
    }
    case Operand::constant:
        copy_constant(operand.slot, operand);
        break;
    }
    operand.move_home(blank_);
}

void Emitter::flush_from(size_t first) noexcept {
    const auto flush_range = [this](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i)
            flush(i);
    };
    const size_t size = stack_.size();
    if (first <= at_home_.end) {
        flush_range(first, at_home_.begin);
        flush_range(std::max(first, at_home_.end), size);
        at_home_ = {std::min(first, at_home_.begin), size};
    } else {
        flush_range(first, size);
        if (size - first > at_home_.end - at_home_.begin)
            at_home_ = {first, size};
    }
    note_marks();
}

void Emitter::flush_variable(size_t count) noexcept {
    for (size_t i = settled_; i < count; ++i)
        if (stack_[i].where != Operand::constant)
            flush(i);
    settled_ = std::max(settled_, count);
    note_marks();
}

void Emitter::use_pins(const PinSet& pins) noexcept {
    const auto place = [this](const PinSet& set, Src first, Src second) {
        for (const auto& [local, src] : {std::pair{set.l0, first}, {set.l1, second}, {set.f0, first}})
            if (local != PinSet::none)
                locals_[local].src = src;
    };
    place(pins_, Src::slot, Src::slot);
    place(pins, Src::l0, Src::l1);
    pins_ = pins;
}

Pins Emitter::pins_word(const PinSet& pins, uint32_t result) const noexcept {
    const auto slot = [&](uint32_t local) {
        return static_cast<uint16_t>(local == PinSet::none ? 0 : locals_[local].slot);
    };
    return {slot(pins.l0), slot(pins.l1), slot(pins.f0), static_cast<uint16_t>(near_or_transit(result))};
}

void Emitter::flush_pending(uint32_t local) noexcept {
    while (locals_[local].last != 0)
        flush(static_cast<size_t>(locals_[local].last) - 1);
}

// ---- The map of references ----

void Emitter::note_local(const LocalInfo& local) noexcept {
    if (local.kind != ValType::ref)
        return;
    const auto slot = static_cast<int32_t>(local.slot);
    if (!reference_runs_.empty()) {
        ReferenceRun& last = reference_runs_.back();
        // Far locals follow each other downwards.
        last.begin -= slot == last.begin - 1 ? 1 : 0;
        const int64_t place = int64_t{slot} - last.begin;
        if (place == 0 || place == last.count) {
            ++last.count;
            return;
        }
    }
    if (!reference_runs_.push({slot, 1}))
        fail(Exit::out_of_memory);
}

uint32_t Emitter::list_all() noexcept {
    // What is only a copy of a local has no slot yet, and would have to be found in all lists above it later.
    for (const size_t i : lazy_references_)
        if (i < stack_.size() && stack_[i].where == Operand::local && stack_[i].kind == ValType::ref)
            flush(i);
    lazy_references_.clear();
    for (; listed_ < stack_.size(); ++listed_) {
        Operand& operand = stack_[listed_];
        operand.references = listed_ == 0 ? 0 : stack_[listed_ - 1].references;
        // A constant is null.
        if (operand.kind != ValType::ref || operand.where != Operand::home)
            continue;
        if (!reference_nodes_.push({static_cast<int32_t>(operand.slot), operand.references})) {
            fail(Exit::out_of_memory);
            return 0;
        }
        operand.references = static_cast<uint32_t>(reference_nodes_.size());
    }
    note_marks();
    return stack_.empty() ? 0 : stack_.back().references;
}

// ---- Operands of instructions ----

bool Emitter::exists(const Choice& choice) const noexcept {
    return select(choice.form, choice.op).has(number_of(choice.form, choice.variant));
}

void Emitter::force_slot(Popped& popped) noexcept {
    Operand& operand = popped.operand;
    if (operand.where == Operand::constant) {
        copy_constant(operand.slot, operand);
        operand.move_home(blank_);
    } else if (operand.where == Operand::home && !operand.stored) {
        store_acc(acc(is_float_kind(operand.kind)), operand);
    }
}

unsigned Emitter::cost_of_slot(const Popped& popped, Src src) const noexcept {
    if (src == Src::imm)
        return 2;
    return popped.operand.where == Operand::home && !popped.operand.stored ? 1 : 0;
}

unsigned Emitter::settle_in_slots(Choice& choice, std::initializer_list<Popped*> operands) const noexcept {
    const Variant own = choice.variant;
    // Chooses which operands go to their slots: the cheapest set, and the smallest of several.
    unsigned best = no_handler;
    Variant chosen;
    for (unsigned set = 1; set < 1u << operands.size(); ++set) {
        unsigned cost = 0;
        bool is_change = true;
        for (size_t i = 0; i < operands.size(); ++i) {
            const bool to_slot = (set >> i & 1) != 0;
            choice.variant.set_operand(i, to_slot ? Src::slot : own.operand(i));
            if (to_slot) {
                is_change &= own.operand(i) != Src::slot;
                cost += 4 * cost_of_slot(*operands.begin()[i], own.operand(i)) + 1;
            }
        }
        if (is_change && cost < best && is_available(choice)) {
            best = cost;
            chosen = choice.variant;
        }
    }
    if (best != no_handler)
        choice.variant = chosen;
    return best;
}

Src Emitter::from_pin(Src src, uint64_t slot, bool is_float) const noexcept {
    // The home of a loop's parameter may have another operand by now.
    const auto is_at = [&](uint32_t local) { return local < own_locals_ && locals_[local].slot == slot; };
    if (src != Src::slot)
        return src;
    return is_at(is_float ? pins_.f0 : pins_.l0) ? Src::l0 : !is_float && is_at(pins_.l1) ? Src::l1 : src;
}

Variant Emitter::operands_from_pins(const Producer& producer) noexcept {
    Variant variant = producer.choice.variant;
    if (producer.choice.form == Form::binary) {
        variant.a = from_pin(variant.a, operand_of<Form::binary, Field::left>(producer), false);
        variant.b = from_pin(variant.b, operand_of<Form::binary, Field::right>(producer), false);
    }
    return variant;
}

bool Emitter::settle_pins(Choice& choice, size_t first) noexcept {
    const OpHandlers& handlers = select(choice.form, choice.op);
    if (handlers.has(number_of(choice.form, choice.variant)))
        return true;
    const Variant own = choice.variant;
    unsigned pins = 0;
    for (size_t i = first; i < 3; ++i)
        pins |= is_pin(own.operand(i)) ? 1u << i : 0u;
    // Each subset, the smaller numbers first.
    for (unsigned set = pins & (~pins + 1); set != 0; set = (set - pins) & pins) {
        choice.variant = own;
        for (size_t i = first; i < 3; ++i)
            if ((set >> i & 1) != 0)
                choice.variant.set_operand(i, Src::slot);
        if (handlers.has(number_of(choice.form, choice.variant)))
            return true;
    }
    choice.variant = own;
    return false;
}

void Emitter::move_to_slots(const Choice& choice, std::initializer_list<Popped*> operands) noexcept {
    bool has_constants = false;
    size_t i = 0;
    for (Popped* const popped : operands)
        if (choice.variant.operand(i++) != Src::slot)
            continue;
        else if (popped->operand.where == Operand::constant)
            has_constants = true;
        else
            force_slot(*popped);
    if (!has_constants)
        return;
    // These come last, after everything in an accumulator is stored.
    i = 0;
    for (Popped* const popped : operands)
        if (choice.variant.operand(i++) == Src::slot && popped->operand.where == Operand::constant)
            force_slot(*popped);
}

// ---- Instructions ----

Fields Emitter::emit(const Choice& choice) noexcept {
    return emit_selected(select(choice.form, choice.op), choice, number_of(choice.form, choice.variant));
}

Fields Emitter::emit_selected(const OpHandlers& handlers, const Choice& choice, size_t number) noexcept {
    const Shape shape = shape_of(choice);
    uint8_t* const instr = append<sizeof discarded_>(
        shape.size(), handlers.first + static_cast<ChoiceKey>(number), handlers.row.at(number));
    return {instr, shape};
}

/// Makes room for some more instructions: afterwards there is always room for the longest one.
void Emitter::grow_code() noexcept {
    static_assert(
        [] {
            for (const FormRow& row : form_table)
                if (sizeof(Instr) + 8 * encoding_of(row.form, 7, 16).words > sizeof discarded_)
                    return false;
            return true;
        }(),
        "constants take the most");
    if (!reserve_code(2 * code_.size() + sizeof discarded_ * 8))
        fail(Exit::out_of_memory);
}

/// Where there is room for code, there is room for what belongs to its instructions, so only one of both has
/// to be looked at.
bool Emitter::reserve_code(size_t size) noexcept {
    if (!instrs_.reserve(size / sizeof(Instr)) || !code_.reserve(size))
        return false;
    code_room_ = size - std::min(size, sizeof discarded_);
    return true;
}

void Emitter::mark(size_t position) noexcept {
    while (!marks_->empty() && marks_->back().position >= position)
        marks_->pop();
    if (!marks_->push({position, offset_}))
        fail(Exit::out_of_memory);
}

Fields Emitter::emit_result(const Choice& choice, Kind kind, bool keep_before) noexcept {
    Accumulator& accumulator = acc(is_float_kind(kind));
    spill(accumulator);
    const auto begin = static_cast<uint32_t>(here());
    Choice made = choice;
    const OpHandlers& handlers = select(choice.form, choice.op);
    size_t number = number_of(choice.form, choice.variant);
    const bool stored = !handlers.has(number);
    if (stored) {
        made.variant.result = Dst::slot;
        number = number_of(made.form, made.variant);
    }
    Fields fields = emit_selected(handlers, made, number);
    if (stored)
        fields.set(Field::result, near_or_transit(height_));
    const uint32_t before = keep_before ? accumulator.local : no_local;
    const auto instr = static_cast<uint32_t>(instrs_.size() - 1);
    accumulator = {stack_.size(),
                   no_local,
                   {made, kind, true, stored, instr, begin, static_cast<uint32_t>(here()), serial_, before}};
    push_home(kind, stored && !is_far(height_));
    return fields;
}

bool Emitter::retarget(const Producer& producer, const Choice& choice, uint32_t slot) noexcept {
    static_assert(std::ranges::all_of(form_table, [](const FormRow& row) {
        return row.fields[0].kind != FieldKind::result || row.fields[0].lane == Lane::d;
    }));
    const OpHandlers& handlers = select(choice.form, choice.op);
    const size_t number = number_of(choice.form, choice.variant);
    const Handler handler = handlers.row.at(number);
    if (handler == nullptr)
        return false;
    Instr& instr = at(producer.begin);
    write_result(instr, slot);
    instr.handler = handler;
    if (producer.number < instrs_.size()) // not after a failure
        instrs_[producer.number].choice = handlers.first + static_cast<ChoiceKey>(number);
    return true;
}

void Emitter::remove(const Producer& producer) noexcept {
    remove_from(producer.begin);
    // Copied first, since the producer lies in the overwritten part.
    const uint32_t before = producer.before_local;
    acc(is_float_kind(producer.result)).hold(no_operand, before);
}

Taken Emitter::take_back(const Producer& producer) noexcept {
    Taken taken{shape_of(producer.choice), {}};
    const size_t size = std::min<size_t>(here() - producer.begin, sizeof taken.bytes);
    std::memcpy(taken.bytes.data(), code_.data() + producer.begin, size);
    remove(producer);
    return taken;
}

void Emitter::copy_slot(uint32_t to, uint32_t from) noexcept {
    if (to == from)
        return;
    // Two consecutive copies become one instruction if the second doesn't read what the first writes.
    if (last_copy_ == serial_ && last_copy_ != 0 && last_label_ != here()) {
        Instr& last = at(here() - sizeof(Instr));
        Fields copies{&last, {Form::copy_pair}};
        if (copies.get(Field::to) != from) {
            const Choice pair{Form::copy_pair};
            last.handler = find(pair);
            if (!instrs_.empty())
                instrs_.back().choice = key_of(pair);
            copies.set(Field::to2, to).set(Field::from2, from);
            last_copy_ = 0;
            return;
        }
    }
    emit_known<Form::copy>(Op::nop, {}).set<Field::to>(to).set<Field::from>(from);
    last_copy_ = serial_;
}

void Emitter::copy_slots(Kind kind, uint32_t to, uint32_t from) noexcept {
    if (is_far(to) || is_far(from))
        copy_far(to, from, slots_of(kind));
    else if (kind != ValType::v128)
        copy_slot(to, from);
    else if (to != from)
        emit(Form::copy_vector).set(Field::to, to).set(Field::from, from);
}

void Emitter::copy_constant(uint32_t to, const Operand& constant) noexcept {
    const uint32_t near = near_or_transit(to);
    if (constant.kind == ValType::v128)
        emit(Form::copy_vector_constant)
            .set(Field::to, near)
            .set(Field::value, constant.field, constant.high);
    else if (constant.field <= UINT32_MAX)
        emit_known<Form::copy_constant>(Op::nop, {}).set<Field::to>(near).set<Field::value>(constant.field);
    else
        emit_known<Form::copy_wide_constant>(Op::nop, {})
            .set<Field::to>(near)
            .set<Field::value>(constant.field);
    if (near != to)
        copy_far(to, near, slots_of(constant.kind));
}

void Emitter::copy_acc_to(Kind kind, uint32_t to) noexcept {
    const uint32_t near = near_or_transit(to);
    emit({Form::copy_register, Op::nop, {.a = Src::acc, .option = bank_option(kind)}}).set(Field::to, near);
    if (near != to)
        copy_far(to, near, slots_of(kind));
}

void Emitter::store_to(uint32_t to, Popped& value) noexcept {
    const Operand& operand = value.operand;
    switch (classify(value)) {
    case Src::imm:
        copy_constant(to, operand);
        break;
    case Src::acc:
        copy_acc_to(operand.kind, to);
        break;
    default:
        if (operand.where == Operand::local)
            copy_local(to, operand);
        else
            copy_slots(operand.kind, to, slot_of(operand));
        break;
    }
}

/// A pinned local that the last instruction wrote is stored from its register: its slot would have to wait
/// for that.
void Emitter::copy_local(uint32_t to, const Operand& operand) noexcept {
    const LocalInfo& local = locals_[operand.index];
    const bool is_new = last_set_.local == operand.index && last_set_.serial == serial_;
    // A loop's parameter is copied from its slot.
    if (!is_new || !is_pin(local.src) || is_far(to) || operand.index >= own_locals_)
        return copy_slots(operand.kind, to, local.slot);
    emit_known<Form::copy_register>(Op::nop, {.a = local.src, .option = bank_option(operand.kind)})
        .set<Field::to>(to)
        .set<Field::from>(local.slot);
}

void Emitter::note_step(const Producer& producer, Dst d, uint32_t local) noexcept {
    const bool is_64 = producer.choice.op == Op::i64_add;
    const Src src = d == Dst::l0 ? Src::l0 : d == Dst::l1 ? Src::l1 : Src::slot;
    const Variant& variant = producer.choice.variant;
    if (is_small || producer.choice.form != Form::binary || (producer.choice.op != Op::i32_add && !is_64) ||
        variant.a != src)
        return;
    const Fields sum = fields(producer);
    if (src == Src::slot && sum.get(Field::left) != sum.get(Field::result))
        return;
    const uint64_t right = sum.get(Field::right);
    if (variant.b == Src::imm) {
        const int64_t value = is_64 ? static_cast<int64_t>(right) : static_cast<int32_t>(right);
        if (value != static_cast<int16_t>(value))
            return;
    }
    // A pinned step is in its slot too.
    const Src by = is_pin(variant.b) ? Src::slot : variant.b;
    if (by == Src::acc)
        return;
    step_ = {producer.begin, producer.end, local, src, by, is_64, static_cast<uint16_t>(right), serial_};
}

/// Puts copies of a local, for the operands that need its value, before the last instruction.
void Emitter::move_up(Producer& producer, uint32_t local) noexcept {
    // The copies may change what is known about the accumulator.
    Producer moved = producer;
    const size_t size = moved.end - moved.begin;
    std::array<uint64_t, 8> bytes;
    std::memcpy(bytes.data(), code_.data() + moved.begin, size);
    size_t offset = offset_;
    if (marks_ != nullptr && !marks_->empty())
        offset = marks_->back().offset;
    remove_from(moved.begin);
    flush_pending(local);
    std::swap(offset, offset_);
    moved.begin = static_cast<uint32_t>(here());
    emit(moved.choice);
    moved.number = static_cast<uint32_t>(instrs_.size() - 1);
    moved.end = static_cast<uint32_t>(here());
    std::swap(offset, offset_);
    if (failure_ == Exit::none)
        std::memcpy(code_.data() + moved.begin, bytes.data(), size);
    producer = moved;
}

void Emitter::set_local(uint32_t local, Popped value) noexcept {
    assign(local, value);
    last_set_ = {local, serial_};
}

void Emitter::assign(uint32_t local, Popped value) noexcept {
    const LocalInfo& info = locals_[local];
    const Kind kind = info.kind;
    const bool is_float = is_float_kind(kind);
    Accumulator& accumulator = acc(is_float);
    if (value.operand.where == Operand::local && value.operand.index == local)
        return;

    const bool pinned0 = is_float ? pins_.f0 == local : pins_.l0 == local;
    const bool pinned1 = !is_float && pins_.l1 == local;
    const Dst d = pinned0 ? Dst::l0 : pinned1 ? Dst::l1 : Dst::slot;

    // If the instruction that made the value is the last one, change its destination. Its operands may then
    // have to come from the slots of pinned locals.
    const Producer* const last = last_producer(value);
    Choice retargeted = last != nullptr ? last->to(d) : Choice{};
    if (last != nullptr && settle_pins(retargeted)) {
        Producer& producer = accumulator.producer;
        if (info.last != 0) {
            // The old value is still needed: copy it before that instruction.
            move_up(producer, local);
            if (failure_ != Exit::none)
                return;
        }
        producer.choice = retargeted;
        (void)retarget(producer, retargeted, info.slot);
        note_step(producer, d, local);
        // With another destination, the accumulator was not written after all.
        const uint32_t before = producer.before_local == local ? no_local : producer.before_local;
        accumulator.hold(no_operand, d == Dst::slot ? local : before);
        return;
    }

    // A call's result can go to any slot; if that slot belongs to a pinned local, also to its register.
    if (value.in_acc && value.operand.stored && call_serial_ == serial_ && last_label_ != here() &&
        info.last == 0) {
        const auto slot = static_cast<uint16_t>(info.slot);
        std::memcpy(code_.data() + here() - sizeof(Pins) + offsetof(Pins, result), &slot, sizeof slot);
        accumulator.hold(no_operand, local);
        return;
    }

    flush_pending(local);
    const Src src = classify(value);
    if (d == Dst::slot) {
        store_to(info.slot, value);
    } else {
        Fields move = emit({Form::move, Op::nop, {.result = d, .a = src, .option = bank_option(kind)}});
        set(move.set(Field::result, info.slot), Field::from, value);
    }
    if (src == Src::acc)
        accumulator.local = local;
    else if (accumulator.local == local)
        accumulator.local = no_local;
}

} // namespace warpbeam::vm
