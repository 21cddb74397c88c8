#include "isa/decoder.hpp"
#include "lower/branch_choice.hpp"
#include "lower/lowering.hpp"

#include <algorithm>

/// Blocks, labels and branches.
///
/// At a label all operands are at home, and the label's own set of locals is pinned. A jump from a region
/// with another set goes to a `set_pins` before the label instead.
/// https://webassembly.github.io/spec/core/exec/instructions.html#control-instructions

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

void Lowering::lower_block() noexcept { begin_block(ControlKind::block, reader_.block_type()); }

void Lowering::begin_if() noexcept {
    const BlockType type = reader_.block_type();
    const Popped condition = pop();
    // Copies that move operands home leave the accumulator with the condition unchanged.
    begin_block(ControlKind::if_, type);
    if (failure() != Exit::none)
        return;
    end_if(branch_on(condition, true));
}

/// The same after a comparison, which nothing else uses.
void Lowering::begin_if(Comparison& compare, const Choice& branch) noexcept {
    begin_block(ControlKind::if_, reader_.block_type());
    if (failure() == Exit::none)
        end_if(emit_branch(compare, branch));
}

void Lowering::end_if(size_t instr) noexcept {
    control_.back().else_jump = instr;
    note_head_test(instr, control_.size() - 1);
}

/// Counts fuel and lets an interrupt stop the code, if the engine has that enabled.
void Lowering::emit_poll() noexcept {
    if (!options_.fuel && !options_.interrupt)
        return;
    const uint32_t references = list_references();
    note_safepoint(here(), references);
    const bool checks = options_.interrupt && options_.stop_points == nullptr;
    if (options_.interrupt && !checks)
        note_stop_point();
    if (options_.fuel || checks)
        emit(Form::poll, static_cast<uint8_t>(!checks ? 0 : !options_.fuel ? 1 : 2));
}

/// Takes fuel for what comes next.
void Lowering::emit_charge(uint64_t bytes) noexcept {
    if (options_.fuel)
        emit(Form::charge).set(Field::count, bytes);
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
    set_distance(control.else_jump, here());
    for (size_t i = control.else_jumps; i != no_jump; i = fixups_[i].next)
        set_distance(fixups_[i].instr, fixups_[i].field, here());
    if (!fixups_.push({control.else_jump, control.else_jump + target_offset, no_jump, false}))
        fail(Exit::out_of_memory);
    forget_accs();
    bind_here();
    if (Control& around = control_[control_.size() - 2];
        around.test.end != 0 && around.head == control.else_jump)
        around.test.target = here();
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
    use_pins(control.pins);
    for (size_t i = 0; i < control.type.params(); ++i)
        push_home(control.type.param(i));
}

void Lowering::end_block() noexcept {
    Control& control = control_.back();
    if (control.kind == ControlKind::func) {
        if (control.reachable)
            emit_return();
        truncate_stack(0);
        // A catch clause may target the function's label.
        if (control.catches != CatchClause::none) {
            for (size_t i = 0; i < control.type.results(); ++i)
                push_home(control.type.result_kind(i));
            bind(control);
            emit_return();
            truncate_stack(0);
        }
        control_.pop();
        return;
    }
    if (control.kind == ControlKind::catch_ && control.reachable)
        end_catch();
    if (control.kind == ControlKind::if_) {
        // Without an else, the parameters are the results.
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
            use_pins(outer);
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

/// After a jump, nothing is emitted until the block ends.
void Lowering::become_unreachable() noexcept {
    control_.back().reachable = false;
    unreachable_ = true;
    truncate_stack(std::min(control_.back().operands, stack_.size()));
    forget_accs();
}

/// Skips an instruction. An `else` or `end` of the innermost reachable block ends that.
void Lowering::skip_unreachable() noexcept {
    const Op op = reader_.op();
    const Imm imm = row_of(op).imm;
    const bool is_outermost = skipped_blocks_ == 0;
    if (imm == Imm::block || imm == Imm::try_table) {
        ++skipped_blocks_;
        next_loop_ += op == Op::loop ? 1 : 0;
    }
    switch (op) {
    case Op::else_:
        if (is_outermost)
            return begin_else();
        break;
    case Op::catch_:
    case Op::catch_all:
        if (is_built(Op::catch_) && is_outermost)
            return begin_catch(op == Op::catch_all);
        break;
    case Op::delegate:
        if (is_built(Op::delegate) && is_outermost)
            return end_delegate();
        --skipped_blocks_;
        break;
    case Op::end:
        if (is_outermost)
            return end_block();
        --skipped_blocks_;
        break;
    default: // ends no block
        break;
    }
    reader_.skip(imm);
}

// ---- Branches ----

void Lowering::jump_from(size_t instr, size_t field, uint32_t depth) noexcept {
    if (failure() != Exit::none)
        return;
    Control& control = target(depth);
    const bool other_pins = control.pins != pins_ || (control.params != no_local && !params_assigned_);
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
    if (repeat_test(depth))
        return;
    const size_t instr = here();
    emit_known<Form::jump>(Op::nop, {});
    jump_from(instr, depth);
}

void Lowering::leave_to(uint32_t depth) noexcept {
    if (target(depth).kind == ControlKind::func) {
        emit_return();
    } else {
        move_to_label(depth);
        emit_jump(depth);
    }
}

/// Redirects some of the jumps to unconditional jumps to their final targets; true when all are done.
bool Lowering::thread_jumps() noexcept {
    constexpr size_t fixups_per_step = 50'000;
    // Chains are short; the limit is for loops that consist only of jumps. A loop must not avoid its stop
    // point.
    constexpr int max_chain = 8;
    const Handler jump = find_handler({Form::jump});
    const size_t end = std::min(fixups_.size(), next_fixup_ + fixups_per_step);
    for (; next_fixup_ < end; ++next_fixup_) {
        const Fixup& fixup = fixups_[next_fixup_];
        int32_t distance;
        std::memcpy(&distance, code_.data() + fixup.field, sizeof(distance));
        auto to = static_cast<size_t>(static_cast<int64_t>(fixup.instr) + distance);
        for (int i = 0; i < max_chain && to < here() && at(to).handler == jump && !is_stop_point(to); ++i)
            to = static_cast<size_t>(static_cast<int64_t>(to) +
                                     Decoder<Form::jump>::get<Field::target>(&at(to)));
        set_distance(fixup.instr, fixup.field, to);
    }
    return next_fixup_ == fixups_.size();
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
        store_to(control.height, value);
    } else {
        flush_from(first);
        copy_range(control.height, stack_[first].slot, height() - stack_[first].slot);
    }
}

void Lowering::lower_unreachable() noexcept {
    emit(Form::trap).set(Field::code, static_cast<uint32_t>(Exit::unreachable));
    become_unreachable();
}

void Lowering::lower_br() noexcept {
    const uint32_t depth = reader_.u32();
    params_assigned_ = assign_params(depth, false);
    if (params_assigned_)
        emit_jump(depth);
    else
        leave_to(depth);
    params_assigned_ = false;
    become_unreachable();
}

void Lowering::lower_br_if() noexcept {
    const uint32_t depth = reader_.u32();
    const Popped condition = pop();
    const Control& control = target(depth);
    const size_t count = arity(control);
    const bool direct = control.kind != ControlKind::func && in_place(depth);
    // Operands that a jump or a return finds in their homes go there before the paths split.
    const bool returns_vector =
        control.kind == ControlKind::func && count == 1 && control.type.result_kind(0) == ValType::v128;
    params_assigned_ = direct && assign_params(depth, true);
    if (!params_assigned_ && (count > 1 || direct || returns_vector))
        flush_from(stack_.size() - count);
    end_conditional_branch(branch_on(condition, !direct), direct, depth);
    params_assigned_ = false;
}

/// The same after a comparison, which nothing else uses, to a label without operands.
void Lowering::lower_br_if(Comparison& compare, const Choice& branch) noexcept {
    const uint32_t depth = reader_.u32();
    end_conditional_branch(emit_branch(compare, branch), target(depth).kind != ControlKind::func, depth);
}

void Lowering::end_conditional_branch(size_t instr, bool direct, uint32_t depth) noexcept {
    if (direct) {
        jump_from(instr, depth);
        note_head_test(instr, control_.size() - 1 - depth);
        return;
    }
    leave_to(depth);
    set_distance(instr, here());
    // The accumulators are unchanged, but no instruction up to here may be modified any more.
    acc(false).producer.exists = acc(true).producer.exists = false;
    bind_here();
}

void Lowering::lower_br_on_null(bool on_null) noexcept {
    const uint32_t depth = reader_.u32();
    // br_on_null passes on the values below the reference; br_on_non_null also the reference.
    const size_t operands = arity(target(depth)) + (on_null ? 1 : 0);
    flush_from(stack_.size() - operands);
    spill_accs();
    const uint32_t slot = slot_of(near_top().operand);
    if (on_null)
        (void)discard();
    const size_t instr = here();
    emit(Form::jump_if_null, on_null ? 1 : 0).set(Field::operand, slot);
    end_conditional_branch(instr, false, depth);
    if (on_null)
        push_home(ValType::ref);
    else
        (void)discard();
}

// ---- Conditions ----

size_t Lowering::branch_on(Popped condition, bool negated) noexcept {
    size_t instr = 0;
    if (const Producer* const last = last_producer(condition);
        last != nullptr && last->choice.form == Form::binary) {
        // `eqz` of a comparison is its negation.
        if (negated_.eqz == last->serial && negated_.compare.choice.form == Form::binary &&
            last_label_ <= negated_.compare.begin && fuse_branch(negated_.compare, !negated, instr))
            return instr;
        if (fuse_branch(*last, negated, instr))
            return instr;
    }
    // A local that was just stepped is tested against zero.
    const bool is_step = condition.operand.where == Operand::local && condition.operand.index == step_.local;
    Choice branch = branch_of(Op::i32_ne, negated);
    if (is_step && step_.serial == serial_ && last_label_ <= step_.begin && !step_.is_64) {
        branch.variant.a = step_.src;
        branch.variant.b = Src::imm;
        if (fuse_latch(branch, 0, instr))
            return instr;
    }
    branch.variant.a = classify(condition);
    branch.variant.b = Src::imm;
    if (branch.variant.a == Src::imm || !settle_pins(branch)) {
        force_slot(condition);
        branch.variant.a = Src::slot;
    }
    instr = here();
    last_branch_ = branch;
    emit_known<Form::compare_branch>(branch.op, branch.variant).set<Field::left>(slot_of(condition.operand));
    return instr;
}

/// Fuses a comparison into the branch on it, and the step before it too. False if there is no such branch.
bool Lowering::fuse_branch(const Producer& producer, bool negated, size_t& instr) noexcept {
    const Op op = producer.choice.op;
    const bool is_float = bank_of(sig_of(op).in[0]) != Bank::integer;
    const auto side = [&](Src src, uint64_t value) { return Side{from_pin(src, value, is_float), value}; };
    const Variant& variant = producer.choice.variant;
    Comparison compare{op,
                       side(variant.a, operand_of<Form::binary, Field::left>(producer)),
                       side(variant.b, operand_of<Form::binary, Field::right>(producer)),
                       producer.before_local,
                       producer.serial,
                       producer.begin};
    Choice branch;
    if (!plan_branch(compare, negated, branch))
        return false;
    remove(producer);
    instr = emit_branch(compare, branch);
    return true;
}

/// Finds the branch that does a comparison. False if there is none; nothing is emitted yet.
bool Lowering::plan_branch(Comparison& compare, bool negated, Choice& branch) noexcept {
    Side& left = compare.left;
    Side& right = compare.right;
    const bool is_after_step =
        step_.serial + 1 == compare.serial && step_.end == compare.begin && last_label_ <= step_.begin;
    const auto is_step = [&](const Side& one) {
        // A local in a slot is compared through the accumulator, where the addition left it.
        return is_after_step &&
               (step_.src == Src::slot ? one.src == Src::acc && compare.before_local == step_.local
                                       : one.src == step_.src);
    };
    const auto branch_by = [&](Op op) {
        Choice choice = branch_of(op, negated);
        choice.variant.a = left.src;
        choice.variant.b = right.src;
        return choice;
    };
    const Op mirror = op_row(compare.op).mirror;
    const bool can_swap = mirror != Op::unreachable && right.src != Src::imm;
    branch = branch_by(compare.op);
    if (can_swap && (is_step(right) || (!is_step(left) && !settles(branch)))) {
        std::swap(left, right);
        branch = branch_by(mirror);
    }
    compare.has_step = is_step(left) && (sig_of(compare.op).in[0] == Sig::i64) == step_.is_64;
    return settle_pins(branch);
}

size_t Lowering::emit_branch(const Comparison& compare, const Choice& branch) noexcept {
    size_t instr = 0;
    if (compare.has_step && step_.end == here() && fuse_latch(branch, compare.right.value, instr))
        return instr;
    instr = here();
    last_branch_ = branch;
    auto out = emit_known<Form::compare_branch>(branch.op, branch.variant);
    out.set<Field::left>(compare.left.value);
    if (out.is_constant<Field::right>())
        out.set_constant<Field::right>(compare.right.value);
    else
        out.set<Field::right>(compare.right.value);
    return instr;
}

} // namespace warpbeam::vm
