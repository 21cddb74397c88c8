#include "disassembly/code_flow.hpp"

#include "disassembly/extent.hpp"

#include <algorithm>

namespace warpbeam::vm {

namespace {

Sig::Type sig_type(ValType type) noexcept {
    switch (type.kind()) {
    case ValType::f32:
        return Sig::f32;
    case ValType::f64:
        return Sig::f64;
    case ValType::v128:
        return Sig::v128;
    default:
        return Sig::i64;
    }
}

} // namespace

// ---- Paths through the code ----

bool CodeFlow::join(size_t instr, const State& state) noexcept {
    State& known = states_[instr];
    State joined = state;
    if (known.reached) {
        joined = known;
        if (joined.acc != state.acc)
            joined.acc = Value::none;
        if (joined.facc != state.facc)
            joined.facc = Value::none;
        for (size_t i = 0; i < pin_count; ++i)
            if (joined.pins[i].slot != state.pins[i].slot)
                joined.pins[i] = {};
            else
                joined.pins[i].is_current &= state.pins[i].is_current;
    }
    joined.reached = true;
    if (joined == known)
        return true;
    known = joined;
    return work_.push(instr);
}

bool CodeFlow::join_at(int64_t position, const State& state) noexcept {
    const auto target = std::ranges::lower_bound(instrs_, position, {}, &CodeInstr::position);
    return join(static_cast<size_t>(target - instrs_.begin()), state);
}

bool CodeFlow::flow() noexcept {
    if (!states_.resize(instrs_.size()))
        return false;
    State state;
    set_pins(state, code_.pins);
    if (!join(0, state))
        return false;
    for (const CatchClause& clause : std::span{clauses_of(code_), code_.catch_clauses}) {
        if (clause.tag == CatchClause::never)
            continue;
        set_pins(state, clause.pins);
        if (!join_at(clause.target, state))
            return false;
    }
    while (!work_.empty()) {
        const size_t i = work_.back();
        work_.pop();
        const CodeInstr& instr = instrs_[i];
        const State next = after(instr, states_[i]);
        for (size_t target = 0; target < instr.target_count(); ++target)
            if (!join_at(instr.target(target), next))
                return false;
        if (!instr.has(effect::ends) && !join(i + 1, next))
            return false;
    }
    return true;
}

// ---- The effect of an instruction ----

void CodeFlow::leave_result(State& state, Sig::Type type) const noexcept {
    (bank_of(type) == Bank::integer ? state.acc : state.facc) =
        type == Sig::v128 ? Value::vector : Value::number;
}

/// The state after writing a field.
void CodeFlow::write(State& state, const CodeInstr& instr, const FieldRow& field) const noexcept {
    const bool is_local = field.name == Field::local;
    const uint64_t slot = instr.get(field.name);
    const Sig::Type type = instr.type(field);
    Dst to = Dst::slot;
    if (field.kind == FieldKind::result)
        to = instr.result();
    else if (is_local && is_pin(instr.source(field.name)))
        to = instr.source(field.name) == Src::l0 ? Dst::l0 : Dst::l1;
    if (to != Dst::acc)
        overwrite(state, slot, extent_of(context_, instr, field));
    if (is_pin(to))
        state.pins[pin_of(to == Dst::l0, bank_of(type))] = {static_cast<uint32_t>(slot), true};
    else if (field.kind == FieldKind::result || is_local || field.typed == Typed::out)
        leave_result(state, type);
}

CodeFlow::State CodeFlow::after(const CodeInstr& instr, State state) const noexcept {
    const Form form = instr.choice.form;
    for (const FieldRow& field : instr.row().fields) {
        if (!instr.uses(field))
            continue;
        const bool writes_area = field.name == Field::to || field.name == Field::operands;
        if (field.kind == FieldKind::result || field.kind == FieldKind::destination ||
            field.name == Field::local)
            write(state, instr, field);
        else if (field.kind == FieldKind::area && writes_area)
            overwrite(state, instr.get(field.name), extent_of(context_, instr, field));
    }
    if (form == Form::open_frame)
        state.pins = {};
    if (form == Form::far_copy) {
        const int64_t first = static_cast<int32_t>(instr.get(Field::far));
        const int64_t end = first + static_cast<int64_t>(instr.get(Field::count));
        const int64_t near = std::max<int64_t>(first, 0);
        if (end > near)
            overwrite(state, static_cast<uint64_t>(near), static_cast<uint64_t>(end - near));
    }
    if (form == Form::set_pins)
        set_pins(state, {static_cast<uint16_t>(instr.get(Field::pin0)),
                         static_cast<uint16_t>(instr.get(Field::pin1)),
                         static_cast<uint16_t>(instr.get(Field::pin2))});
    if (is_general(form)) {
        state.acc = instr.has_general_result() ? Value::number : Value::none;
        state.facc = Value::none;
    }
    if (field_index(form, Field::frame) < max_fields) {
        // A return reads the pins if the result is in its slot. A single non-vector result is in its
        // accumulator; nothing is known about a referenced function.
        state.acc = state.facc = Value::none;
        set_pins(state, instr.pins());
        const FuncType* const type = callee_type(context_, instr);
        if (type == nullptr)
            state.acc = state.facc = Value::number;
        else if (type->results.size() == 1 && !type->results[0].is_vec())
            leave_result(state, sig_type(type->results[0]));
    }
    return state;
}

// ---- The requirements of an instruction ----

Finding CodeFlow::check(const CodeInstr& instr, const State& state) const noexcept {
    const auto fault = [&](const FieldRow& field, const char* words) {
        return Finding{instr.position, words, field_names[static_cast<size_t>(field.name)]};
    };
    for (const FieldRow& field : instr.row().fields) {
        const Sig::Type type = instr.type(field);
        if (field.kind == FieldKind::operand) {
            const Src src = instr.source(field.name);
            if (src == Src::acc) {
                const Value held = bank_of(type) == Bank::integer ? state.acc : state.facc;
                if (held == Value::none)
                    return fault(field, "the accumulator is read but may be empty");
                if (held != (type == Sig::v128 ? Value::vector : Value::number))
                    return fault(field, "the accumulator holds a value of another kind");
            }
            if (is_pin(src)) {
                const Pin& pin = state.pins[pin_of(src == Src::l0, bank_of(type))];
                if (!pin.is_current || pin.slot != instr.get(field.name))
                    return fault(field, "the register is read but may not hold that local");
            }
        }
        if (field.kind == FieldKind::result && is_pin(instr.result()) &&
            state.pins[pin_of(instr.result() == Dst::l0, bank_of(type))].slot != instr.get(field.name))
            return fault(field, "the register is written but may not belong to that local");
    }
    return {};
}

std::expected<Finding, Exit> CodeFlow::check() noexcept {
    if (!flow())
        return std::unexpected{Exit::out_of_memory};
    for (size_t i = 0; i < instrs_.size(); ++i)
        if (states_[i].reached)
            if (const Finding finding = check(instrs_[i], states_[i]); finding.words != nullptr)
                return finding;
    return Finding{};
}

} // namespace warpbeam::vm
