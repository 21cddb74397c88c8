#include "heap/layout.hpp"
#include "lower/lowering.hpp"

/// Exceptions: blocks that catch, and instructions that throw.
/// https://webassembly.github.io/spec/core/exec/instructions.html#control-instructions ; the legacy forms,
/// https://webassembly.github.io/exception-handling/legacy/core/
///
/// A block that catches emits nothing. Its clauses go to the function's catch table together with the range
/// of code that they cover, and a clause is one more way to get to its label: operands at home, the label's
/// own locals pinned. No instruction is changed or moved across the ends of such a range.

namespace warpbeam::vm {

const FuncType& Lowering::tag_type(uint32_t tag) const noexcept {
    return module_.type_registry().func(module_.tags()[tag].type);
}

/// From here on, the handler of the innermost block catches exceptions.
void Lowering::note_region() noexcept {
    const uint32_t clause = control_.back().handler;
    if (clause == (regions_.empty() ? CatchClause::none : regions_.back().clause))
        return;
    if (!regions_.push({static_cast<uint32_t>(here()), clause}))
        fail(Exit::out_of_memory);
    bind_here();
}

void Lowering::add_clause(const CatchClause& clause) noexcept {
    if (!clauses_.push(clause))
        fail(Exit::out_of_memory);
}

void Lowering::add_clause_to(uint32_t depth, uint32_t tag, bool by_reference, uint32_t next) noexcept {
    Control& label = target(depth);
    const size_t width = tag != CatchClause::all ? slots_of(tag_type(tag).params) : 0;
    CatchClause clause{tag, 0, next, label.height, CatchClause::unwanted, pins_word(label.pins, 0)};
    if (by_reference)
        clause.exception = static_cast<uint32_t>(label.height + width);
    if (label.kind == ControlKind::loop)
        clause.target = static_cast<uint32_t>(label.head);
    else
        clause.target = std::exchange(label.catches, static_cast<uint32_t>(clauses_.size()));
    add_clause(clause);
}

/// Lets the clauses whose label is the end of a block continue here.
void Lowering::bind_catches(Control& control) noexcept {
    for (uint32_t i = control.catches; i != CatchClause::none;) {
        CatchClause& clause = clauses_[i];
        i = std::exchange(clause.target, static_cast<uint32_t>(here()));
    }
}

// ---- try_table ----

void Lowering::begin_try_table() noexcept {
    const BlockType type = reader_.block_type();
    const uint32_t outer = control_.back().handler;
    const auto first = static_cast<uint32_t>(clauses_.size());
    const uint32_t count = reader_.u32();
    for (uint32_t i = 0; i < count; ++i) {
        const CatchCode read = reader_.catch_clause();
        const CatchKind& kind = catch_kinds[read.kind];
        add_clause_to(read.label, kind.has_tag ? read.tag : CatchClause::all, kind.by_reference,
                      i + 1 < count ? first + i + 1 : outer);
    }
    begin_block(ControlKind::block, type);
    if (count != 0)
        control_.back().handler = first;
    note_region();
}

// ---- Legacy try ----

/// The clause made here becomes that of the first `catch`; until then it catches nothing.
void Lowering::begin_try() noexcept {
    begin_block(ControlKind::try_, reader_.block_type());
    Control& control = control_.back();
    const auto index = static_cast<uint32_t>(clauses_.size());
    add_clause({CatchClause::never, 0, control.handler, 0, CatchClause::unwanted, {}});
    control.handler = control.own = index;
    note_region();
}

/// The caught exception lies below the values that it carries, where `rethrow` finds it.
void Lowering::begin_catch(bool all) noexcept {
    Control& control = control_.back();
    if (control.reachable)
        leave_to(0);
    truncate_stack(control.operands);
    control.reachable = true;
    use_pins(control.pins);
    if (control.kind == ControlKind::catch_) {
        const auto index = static_cast<uint32_t>(clauses_.size());
        add_clause({CatchClause::never, 0, control_[control_.size() - 2].handler, 0, 0, {}});
        if (failure() != Exit::none)
            return;
        clauses_[control.own].next = index;
        control.own = index;
    }
    control.kind = ControlKind::catch_;
    control.handler = control_[control_.size() - 2].handler;
    note_region();
    forget_accs();
    bind_here();

    CatchClause& clause = clauses_[control.own];
    clause.target = static_cast<uint32_t>(here());
    clause.exception = height();
    push_home(ValType::ref);
    clause.payload = height();
    clause.pins = pins_word(0);
    clause.tag = all ? CatchClause::all : reader_.u32();
    if (!all)
        for (const ValType param : tag_type(clause.tag).params)
            push_home(param.kind());
}

/// The results replace the exception.
void Lowering::end_catch() noexcept {
    const Control& control = control_.back();
    move_to_label(0);
    truncate_stack(control.operands);
    for (size_t i = 0; i < control.type.results(); ++i)
        push_home(control.type.result_kind(i));
}

/// Passes exceptions on to the handler of the label's block; the label is counted from outside the `try`.
void Lowering::end_delegate() noexcept {
    const uint32_t depth = reader_.u32();
    clauses_[control_.back().own].next = target(depth + 1).handler;
    end_block();
}

// ---- Instructions that throw ----

void Lowering::lower_throw() noexcept {
    const uint32_t tag = reader_.u32();
    const size_t params = tag_type(tag).params.size();
    if (stack_.size() < params)
        return; // only after a failure
    emit_charge(exception_size(slots_of(tag_type(tag).params)));
    flush_from(stack_.size() - params);
    const uint32_t references = list_references();
    const uint32_t payload = begin_call(params);
    note_safepoint(here(), references);
    emit(Form::throw_).set(Field::operands, payload).set(Field::tag, tag);
    become_unreachable();
}

void Lowering::lower_throw_ref() noexcept {
    Popped exception = pop();
    force_slot(exception);
    emit_throw_ref(slot_of(exception.operand));
}

void Lowering::lower_rethrow() noexcept { emit_throw_ref(target(reader_.u32()).height); }

void Lowering::emit_throw_ref(uint32_t slot) noexcept {
    spill_accs();
    const uint32_t near = near_or_transit(slot);
    if (near != slot)
        copy_far(near, slot, 1);
    emit(Form::throw_ref).set(Field::operand, near);
    become_unreachable();
}

} // namespace warpbeam::vm
