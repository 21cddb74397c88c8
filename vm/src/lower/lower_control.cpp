#include "lower/lowering.hpp"

#include <algorithm>

/// Blocks, labels and branches.
///
/// At a label all operands are at home, and the label's own set of locals is pinned. A jump from a region
/// with another set goes to a `set_pins` in front of the label instead.

namespace warpbeam::vm {

void Lowering::set_distance(size_t instr, size_t field, size_t to) noexcept {
    const auto distance = static_cast<int32_t>(static_cast<int64_t>(to) - static_cast<int64_t>(instr));
    if (field + sizeof(distance) <= code_.size())
        std::memcpy(code_.data() + field, &distance, sizeof(distance));
}

// ---- Blocks ----

void Lowering::begin_block(ControlKind kind, BlockType type) noexcept {
    const size_t params = type.params();
    if (stack_.size() < params)
        return; // only after a failure
    const size_t below = stack_.size() - params;
    flush_variable(below);
    flush_from(below);
    uint32_t width = 0;
    for (size_t i = 0; i < params; ++i)
        width += slots_of(type.param(i));
    const uint32_t handler = control_.back().handler;
    if (!control_.push({kind, type, below, height() - width, pins_}))
        fail(Exit::out_of_memory);
    else
        control_.back().handler = handler;
}

void Lowering::begin_loop(BlockType type) noexcept {
    begin_block(ControlKind::loop, type);
    if (failure() != Exit::none)
        return;
    Control& control = control_.back();
    pins_ = choice_.sets[next_loop_++];
    // The set_pins is there also when the pins don't change: an inner loop may have other ones and jump here.
    control.entry = here();
    if (pins_ != control.pins || choice_.entered_from_other_pins[next_loop_ - 1])
        emit_pins();
    control.pins = pins_;
    control.head = here();
    forget_accs();
    bind_here();
    if (const Handler handler = poll(options_.fuel, options_.interrupt); handler != nullptr)
        emit(handler);
}

void Lowering::bind(Control& control) noexcept {
    if (!is_target(control))
        return;
    const size_t before = here();
    bool others = false;
    for (size_t i = control.jumps; i != no_jump; i = fixups_[i].next)
        others |= fixups_[i].other_pins;
    if (others)
        emit_pins();
    for (size_t i = control.jumps; i != no_jump; i = fixups_[i].next)
        set_distance(fixups_[i].instr, fixups_[i].field, fixups_[i].other_pins ? before : here());
    bind_catches(control);
    forget_accs();
    bind_here();
}

void Lowering::bind_else(Control& control) noexcept {
    const size_t field = control.else_jump + offsetof(Instr, imm);
    set_distance(control.else_jump, field, here());
    if (!fixups_.push({control.else_jump, field, no_jump, false}))
        fail(Exit::out_of_memory);
    forget_accs();
    bind_here();
}

void Lowering::begin_else() noexcept {
    Control& control = control_.back();
    if (control.reachable) {
        flush_from(control.operands);
        emit_jump(0);
    }
    truncate_stack(control.operands);
    bind_else(control);
    control.kind = ControlKind::else_;
    control.reachable = true;
    pins_ = control.pins;
    for (size_t i = 0; i < control.type.params(); ++i)
        push_home(control.type.param(i));
}

void Lowering::end_block() noexcept {
    Control& control = control_.back();
    if (control.kind == ControlKind::func) {
        if (control.reachable)
            lower_return();
        truncate_stack(0);
        // A catch clause may have the function's label.
        if (control.catches != CatchClause::none) {
            for (size_t i = 0; i < control.type.results(); ++i)
                push_home(control.type.result_kind(i));
            bind(control);
            lower_return();
            truncate_stack(0);
        }
        control_.pop();
        return;
    }
    if (control.kind == ControlKind::catch_ && control.reachable)
        end_catch();
    if (control.kind == ControlKind::if_) {
        // Without an else the parameters are the results.
        if (control.reachable)
            flush_from(control.operands);
        bind_else(control);
        if (!control.reachable) {
            control.reachable = true;
            truncate_stack(control.operands);
            for (size_t i = 0; i < control.type.results(); ++i)
                push_home(control.type.result_kind(i));
        }
    }
    if (control.reachable)
        flush_from(control.operands);
    else
        forget_accs();
    if (control.kind == ControlKind::loop) {
        const PinSet outer = control_.size() > 1 ? control_[control_.size() - 2].pins : choice_.sets[0];
        if (pins_ != outer) {
            pins_ = outer;
            if (control.reachable)
                emit_pins();
        }
    }
    const bool reached = control.reachable;
    const bool jumped_to = is_target(control);
    bind(control);
    if (!reached || jumped_to) {
        truncate_stack(control.operands);
        for (size_t i = 0; i < control.type.results(); ++i)
            push_home(control.type.result_kind(i));
    }
    control_.pop();
    note_region();
    if (!reached && !jumped_to)
        become_unreachable();
}

/// Behind a jump nothing is emitted until the block ends.
void Lowering::become_unreachable() noexcept {
    control_.back().reachable = false;
    truncate_stack(std::min(control_.back().operands, stack_.size()));
    forget_accs();
}

/// Passes instructions up to the `else` or `end` of the block `depth` levels out, and handles that.
void Lowering::skip_unreachable(size_t depth) noexcept {
    while (!reader_.done()) {
        offset_ = reader_.offset();
        const Op op = reader_.op();
        switch (op) {
        case Op::loop:
            ++next_loop_;
            [[fallthrough]];
        case Op::block:
        case Op::if_:
        case Op::try_:
        case Op::try_table:
            ++depth;
            break;
        case Op::else_:
            if (depth == 0) {
                begin_else();
                return;
            }
            break;
        case Op::catch_:
        case Op::catch_all:
            if (depth == 0) {
                begin_catch(op == Op::catch_all);
                return;
            }
            break;
        case Op::delegate:
        case Op::end:
            if (depth == 0) {
                if (op == Op::delegate)
                    end_delegate();
                else
                    end_block();
                return;
            }
            --depth;
            break;
        default:
            break;
        }
        reader_.skip(row_of(op).imm);
    }
}

// ---- Branches ----

void Lowering::jump_from(size_t instr, size_t field, uint32_t depth) noexcept {
    if (failure() != Exit::none)
        return;
    Control& control = target(depth);
    const bool other_pins = control.pins != pins_;
    if (control.kind == ControlKind::loop) {
        set_distance(instr, field, other_pins ? control.entry : control.head);
        if (!fixups_.push({instr, field, no_jump, other_pins}))
            fail(Exit::out_of_memory);
        return;
    }
    if (!fixups_.push({instr, field, control.jumps, other_pins}))
        fail(Exit::out_of_memory);
    else
        control.jumps = fixups_.size() - 1;
}

void Lowering::emit_jump(uint32_t depth) noexcept {
    const size_t instr = here();
    emit(jump());
    jump_from(instr, instr + offsetof(Instr, imm), depth);
}

void Lowering::leave_to(uint32_t depth) noexcept {
    if (target(depth).kind == ControlKind::func) {
        lower_return();
    } else {
        move_to_label(depth);
        emit_jump(depth);
    }
}

/// Lets jumps to unconditional jumps go to where those go.
void Lowering::thread_jumps() noexcept {
    // Chains are short; the bound is for loops of nothing but jumps.
    constexpr int most = 8;
    for (const Fixup& fixup : fixups_) {
        int32_t distance;
        std::memcpy(&distance, code_.data() + fixup.field, sizeof(distance));
        auto to = static_cast<size_t>(static_cast<int64_t>(fixup.instr) + distance);
        for (int i = 0; i < most && to < here() && at(to).handler == jump(); ++i)
            to = static_cast<size_t>(static_cast<int64_t>(to) + at(to).imm);
        set_distance(fixup.instr, fixup.field, to);
    }
}

bool Lowering::in_place(uint32_t depth) noexcept {
    const Control& control = target(depth);
    const size_t count = arity(control);
    if (count == 0)
        return true;
    return stack_[stack_.size() - count].slot == control.height;
}

void Lowering::move_to_label(uint32_t depth) noexcept {
    const Control& control = target(depth);
    const size_t count = arity(control);
    if (count == 0)
        return;
    const size_t first = stack_.size() - count;
    if (in_place(depth)) {
        flush_from(first);
    } else if (count == 1) {
        Popped value = top();
        store_to(static_cast<uint16_t>(control.height), value);
    } else {
        flush_from(first);
        Instr& instr = emit(copy_range());
        instr.d = static_cast<uint16_t>(control.height);
        instr.a = stack_[first].slot;
        instr.c = static_cast<uint16_t>(height() - stack_[first].slot);
    }
}

void Lowering::lower_br(uint32_t depth) noexcept {
    leave_to(depth);
    become_unreachable();
}

void Lowering::lower_br_if(uint32_t depth) noexcept {
    const Popped condition = pop();
    const Control& control = target(depth);
    const size_t count = arity(control);
    const bool direct = control.kind != ControlKind::func && in_place(depth);
    // Several operands, or those that are in place, go home before the ways part.
    if (count > 1 || direct)
        flush_from(stack_.size() - count);
    end_conditional_branch(branch_on(condition, !direct), direct, depth);
}

void Lowering::end_conditional_branch(size_t instr, bool direct, uint32_t depth) noexcept {
    if (direct) {
        jump_from(instr, instr + offsetof(Instr, imm), depth);
        return;
    }
    leave_to(depth);
    set_distance(instr, instr + offsetof(Instr, imm), here());
    // The accumulators hold the same as before, but no instruction up to here may be changed any more.
    int_acc_.producer = {};
    float_acc_.producer = {};
    bind_here();
}

void Lowering::lower_br_table() noexcept {
    Popped index = pop();
    force_slot(index);
    const uint32_t count = reader_.u32();
    InstrReader labels = reader_;
    // A label wants its operands in its own place, so then every entry gets a piece of code.
    bool direct = true;
    size_t operands = 0;
    for (uint32_t i = 0; i <= count; ++i) {
        const Control& control = target(reader_.u32());
        operands = arity(control);
        direct &= control.kind != ControlKind::func && operands == 0;
    }
    flush_from(stack_.size() - operands);
    const size_t instr = here();
    Instr& head = emit(jump_table());
    head.a = slot_of(index.operand);
    head.uimm = count;
    for (uint32_t i = 0; i <= count; i += 2)
        word(0);
    for (uint32_t i = 0; i <= count && failure() == Exit::none; ++i) {
        const uint32_t depth = labels.u32();
        const size_t field = instr + sizeof(Instr) + size_t{4} * i;
        if (direct) {
            jump_from(instr, field, depth);
        } else {
            set_distance(instr, field, here());
            bind_here();
            leave_to(depth);
        }
    }
    become_unreachable();
}

void Lowering::lower_br_on_null(bool on_null) noexcept {
    const uint32_t depth = reader_.u32();
    // br_on_null hands on what lies below the reference; br_on_non_null the reference too.
    const size_t operands = arity(target(depth)) + (on_null ? 1 : 0);
    flush_from(stack_.size() - operands);
    spill_accs();
    const uint16_t slot = stack_.back().slot;
    if (on_null)
        (void)pop();
    const size_t instr = here();
    emit(jump_if_null(!on_null)).a = slot;
    leave_to(depth);
    set_distance(instr, instr + offsetof(Instr, imm), here());
    forget_accs();
    bind_here();
    if (on_null)
        push_home(ValType::ref);
    else
        (void)pop();
}

// ---- Conditions ----

size_t Lowering::branch_on(Popped condition, bool negated) noexcept {
    if (const Producer* const last = last_producer(condition);
        last != nullptr && last->family == Producer::Family::binary) {
        Producer compare = *last;
        // `eqz` of a comparison is its negation.
        if (negated_.eqz == compare.serial && negated_.compare.family == Producer::Family::binary &&
            last_label_ <= negated_.compare.begin &&
            compare_branch(negated_.compare.op, !negated) != nullptr) {
            compare = negated_.compare;
            negated = !negated;
        }
        const Handler* const variants = compare_branch(compare.op, negated);
        if (variants != nullptr && branch_variant(variants, compare.l, compare.r) != nullptr)
            return fuse_branch(compare, false, negated);
        if (variants != nullptr && mirrored(compare.op) != Op::unreachable && compare.r != Src::imm &&
            branch_variant(compare_branch(mirrored(compare.op), negated), compare.r, compare.l) != nullptr)
            return fuse_branch(compare, true, negated);
    }
    Src src = classify(condition);
    // A local just stepped and tested against zero.
    const bool is_step = condition.operand.where == Operand::local && condition.operand.index == step_.local;
    if (is_step && step_.serial == serial_ && last_label_ <= step_.begin && !step_.is_64) {
        if (const Handler fused = latch(Op::i32_ne, negated, step_.src, step_.step, Src::imm);
            fused != nullptr) {
            code_.truncate(step_.begin);
            const size_t instr = here();
            Instr& head = emit(fused);
            head.d = locals_[step_.local].slot;
            head.a = step_.value;
            word(0);
            return instr;
        }
    }
    if (src == Src::imm)
        generalize(condition, src);
    const size_t instr = here();
    Instr& head = emit(branch_variant(compare_branch(Op::i32_ne, negated), src, Src::imm));
    head.a = slot_of(condition.operand);
    word(0);
    return instr;
}

size_t Lowering::fuse_branch(Producer compare, bool swapped, bool negated) noexcept {
    Instr old = at(compare.begin);
    const bool wide = compare.end - compare.begin > sizeof(Instr);
    const uint64_t imm = wide ? at(compare.begin).word(0) : old.uimm;
    take_back(compare);
    if (swapped) {
        compare.op = mirrored(compare.op);
        std::swap(compare.l, compare.r);
        std::swap(old.a, old.b);
    }

    const bool is_64 = compare.op >= Op::i64_eq && compare.op <= Op::i64_ge_u;
    // A local in a slot is compared as what the addition left in the accumulator.
    const bool of_step = step_.src == Src::slot ? compare.l == Src::acc && acc(false).local == step_.local
                                                : compare.l == step_.src;
    if (step_.serial + 1 == compare.serial && step_.end == compare.begin && last_label_ <= step_.begin &&
        of_step && is_64 == step_.is_64) {
        if (const Handler fused = latch(compare.op, negated, step_.src, step_.step, compare.r);
            fused != nullptr) {
            const uint16_t slot = at(step_.begin).d;
            code_.truncate(step_.begin);
            const size_t instr = here();
            Instr& head = emit(fused);
            head.d = slot;
            head.a = step_.value;
            word(compare.r == Src::imm ? imm : old.b);
            return instr;
        }
    }
    const size_t instr = here();
    Instr& head = emit(branch_variant(compare_branch(compare.op, negated), compare.l, compare.r));
    head.a = old.a;
    head.d = old.b;
    if (compare.r == Src::imm)
        word(imm);
    return instr;
}

bool Lowering::lower_control(Op op) noexcept {
    switch (op) {
    case Op::block:
        begin_block(ControlKind::block, reader_.block_type());
        return true;
    case Op::loop:
        begin_loop(reader_.block_type());
        return true;
    case Op::if_: {
        const BlockType type = reader_.block_type();
        const Popped condition = pop();
        // Copies of what has to go home leave the accumulator with the condition alone.
        begin_block(ControlKind::if_, type);
        if (failure() != Exit::none)
            return true;
        control_.back().else_jump = branch_on(condition, true);
        return true;
    }
    case Op::else_:
        begin_else();
        return true;
    case Op::end:
        end_block();
        return true;
    case Op::br:
        lower_br(reader_.u32());
        return true;
    case Op::br_if:
        lower_br_if(reader_.u32());
        return true;
    case Op::br_table:
        lower_br_table();
        return true;
    case Op::br_on_null:
        lower_br_on_null(true);
        return true;
    case Op::br_on_non_null:
        lower_br_on_null(false);
        return true;
    case Op::unreachable:
        emit(trap()).uimm = static_cast<uint32_t>(Exit::unreachable);
        become_unreachable();
        return true;
    default:
        return false;
    }
}

} // namespace warpbeam::vm
