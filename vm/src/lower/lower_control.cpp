#include "isa/decoder.hpp"
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
    const size_t instr = branch_on(condition, true);
    control_.back().else_jump = instr;
    note_head_test(instr, control_.size() - 1);
}

void Lowering::begin_loop() noexcept {
    begin_block(ControlKind::loop, reader_.block_type());
    if (failure() != Exit::none)
        return;
    Control& control = control_.back();
    const size_t set = choice_.sets.size() == 1 ? 0 : next_loop_++;
    pins_ = choice_.sets[set];
    place_params(control, set);
    // The set_pins is there even if the pins don't change: an inner loop may have other pins and jump here.
    control.entry = here();
    if (pins_ != control.pins || choice_.entered_from_other_pins[set])
        emit_pins();
    control.pins = pins_;
    if (control.params != no_local) {
        truncate_stack(control.operands);
        for (size_t i = 0; i < control.type.params(); ++i)
            push_local(control.params + static_cast<uint32_t>(i));
    }
    control.head = loop_head_ = here();
    forget_accs();
    bind_here();
    emit_poll();
}

/// The parameters of a loop are like locals whose slots are their homes, if one has a register.
void Lowering::place_params(Control& loop, size_t set) noexcept {
    const size_t count = loop.type.params();
    if (set == 0 || count == 0)
        return;
    const uint32_t first = choice_.first_params[set];
    for (size_t i = 0; i < count; ++i)
        locals_[first + i].slot = stack_[loop.operands + i].slot;
    const auto is_param = [&](uint32_t local) { return local != no_local && local - first < count; };
    if (is_param(pins_.l0) || is_param(pins_.l1) || is_param(pins_.f0))
        loop.params = first;
}

/// Assigns the top operands to the parameters of a loop of which one has a register; with `stay`, they are on
/// the stack again. False if there is none, or this is not the place: then the loop loads its registers.
bool Lowering::assign_params(uint32_t depth, bool stay) noexcept {
    const Control& loop = target(depth);
    if (loop.params == no_local || loop.pins != pins_ || !in_place(depth))
        return false;
    const auto count = static_cast<uint32_t>(arity(loop));
    for (uint32_t i = count; i-- != 0;)
        set_local(loop.params + i, pop());
    for (uint32_t i = 0; stay && i < count; ++i)
        push_local(loop.params + i);
    return true;
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
    pins_ = control.pins;
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
        if (is_outermost)
            return begin_catch(op == Op::catch_all);
        break;
    case Op::delegate:
        if (is_outermost)
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

void Lowering::end_conditional_branch(size_t instr, bool direct, uint32_t depth) noexcept {
    if (direct) {
        jump_from(instr, depth);
        note_head_test(instr, control_.size() - 1 - depth);
        return;
    }
    leave_to(depth);
    set_distance(instr, here());
    // The accumulators are unchanged, but no instruction up to here may be modified any more.
    int_acc_.producer.exists = float_acc_.producer.exists = false;
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
    leave_to(depth);
    set_distance(instr, here());
    forget_accs();
    bind_here();
    if (on_null)
        push_home(ValType::ref);
    else
        (void)discard();
}

namespace {

/// The branch that jumps if a comparison holds, or with `negated` if it does not.
Choice branch_of(Op compare, bool negated) noexcept {
    const Op negation = op_row(compare).negation;
    if (negated && negation != Op::unreachable)
        return {Form::compare_branch, negation, {}};
    return {Form::compare_branch, compare, {.option = negated}};
}

} // namespace

// ---- Loops that begin with a test ----

/// To be called after a branch that goes to the end of a block, or to its else part. What comes after it
/// becomes a label, if it is the first instruction of a loop.
void Lowering::note_head_test(size_t instr, size_t label) noexcept {
    if (instr != loop_head_ || last_branch_.form != Form::compare_branch)
        return;
    for (size_t i = control_.size(); i-- != 0;) {
        Control& control = control_[i];
        if (control.kind != ControlKind::loop && i != 0)
            continue;
        // A label inside the loop may be gone when the loop goes back.
        if (control.head == instr && (label < i || control_[label].else_jump == instr)) {
            control.test = {last_branch_, label, here(), 0};
            bind_here();
        }
        return;
    }
}

/// Goes back to a loop that begins with a test: with the test, to where the loop goes on, and otherwise to
/// where that leaves it. So a round has one instruction less; two if the test is joined with a step before
/// it.
bool Lowering::repeat_test(uint32_t depth) noexcept {
    const Control& loop = target(depth);
    if (loop.test.end == 0 || loop.pins != pins_ || (loop.params != no_local && !params_assigned_))
        return false;
    const HeadTest& test = loop.test;
    const bool to_else = test.target == 0 && test.label < control_.size() &&
                         control_[test.label].kind == ControlKind::if_ &&
                         control_[test.label].else_jump == loop.head;
    if (test.target == 0 && !to_else && test.label >= control_.size() - 1 - depth)
        return false;
    Choice branch = test.branch;
    if (test.target == 0) {
        const bool was_negated = branch.variant.option != 0;
        branch = branch_of(branch.op, !was_negated);
        branch.variant.a = test.branch.variant.a;
        branch.variant.b = test.branch.variant.b;
        if (!exists(branch))
            return false;
    }
    const Fields made{&at(loop.head), shape_of(test.branch)};
    const uint64_t left = made.get(Field::left);
    const uint64_t right = made.get(Field::right);
    size_t instr = 0;
    if (!repeat_as_latch(branch, left, right, instr)) {
        instr = here();
        emit(branch).set(Field::left, left).set(Field::right, right);
    }
    const auto go_to = [&](size_t from, size_t to) {
        set_distance(from, to);
        if (options_.stop_points != nullptr)
            note_bypass(from + target_offset, to - loop.head);
    };
    go_to(instr, test.target != 0 ? test.target : test.end);
    const size_t jump = here();
    emit(Form::jump);
    if (test.target != 0) {
        go_to(jump, test.end);
    } else if (!to_else) {
        jump_from(jump, static_cast<uint32_t>(control_.size() - 1 - test.label));
    } else if (fixups_.push({jump, jump + target_offset, control_[test.label].else_jumps, false})) {
        control_[test.label].else_jumps = fixups_.size() - 1;
    } else {
        fail(Exit::out_of_memory);
    }
    return true;
}

/// With the step of a local that is the last instruction, if the test is of that local.
bool Lowering::repeat_as_latch(Choice branch, uint64_t left, uint64_t right, size_t& instr) noexcept {
    if (step_.serial != serial_ || step_.end != here() || last_label_ > step_.begin ||
        (sig_of(branch.op).in[0] == Sig::i64) != step_.is_64)
        return false;
    const auto is_step = [&](Src src, uint64_t slot) {
        return src == step_.src && slot == locals_[step_.local].slot;
    };
    const Op mirror = op_row(branch.op).mirror;
    if (!is_step(branch.variant.a, left) && is_step(branch.variant.b, right) && mirror != Op::unreachable) {
        branch.op = mirror;
        std::swap(branch.variant.a, branch.variant.b);
        std::swap(left, right);
    }
    return is_step(branch.variant.a, left) && fuse_latch(branch, right, instr);
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
bool Lowering::fuse_branch(const Producer& compare, bool negated, size_t& instr) noexcept {
    struct Side {
        Src src;
        uint64_t value; ///< slot or constant
    };
    const Fields made = fields(compare);
    const Variant& variant = compare.choice.variant;
    const bool is_float = bank_of(sig_of(compare.choice.op).in[0]) != Bank::integer;
    const auto side = [&](Src src, Field field) {
        const uint64_t value = made.get(field);
        return Side{from_pin(src, value, is_float), value};
    };
    Side left = side(variant.a, Field::left);
    Side right = side(variant.b, Field::right);
    const auto is_step = [&](const Side& one) {
        // A local in a slot is compared through the accumulator, where the addition left it.
        return step_.serial + 1 == compare.serial && step_.end == compare.begin &&
               last_label_ <= step_.begin &&
               (step_.src == Src::slot ? one.src == Src::acc && compare.before_local == step_.local
                                       : one.src == step_.src);
    };
    const auto branch = [&](Op op) {
        Choice choice = branch_of(op, negated);
        choice.variant.a = left.src;
        choice.variant.b = right.src;
        return choice;
    };
    Op op = compare.choice.op;
    const Op mirror = op_row(op).mirror;
    const bool can_swap = mirror != Op::unreachable && right.src != Src::imm;
    if (can_swap && (is_step(right) || (!is_step(left) && !settles(branch(op))))) {
        std::swap(left, right);
        op = mirror;
    }
    Choice choice = branch(op);
    if (!settle_pins(choice))
        return false;
    const bool has_step = is_step(left) && (sig_of(op).in[0] == Sig::i64) == step_.is_64;
    take_back(compare);
    if (has_step && fuse_latch(choice, right.value, instr))
        return true;
    instr = here();
    last_branch_ = choice;
    auto out = emit_known<Form::compare_branch>(choice.op, choice.variant);
    out.set<Field::left>(left.value);
    if (out.is_constant<Field::right>())
        out.set_constant<Field::right>(right.value, 0);
    else
        out.set<Field::right>(right.value);
    return true;
}

/// Fuses the last step of a local into a branch that compares the local with `right`, which is a slot or a
/// constant.
bool Lowering::fuse_latch(const Choice& branch, uint64_t right, size_t& instr) noexcept {
    Choice latch{Form::latch, branch.op, {.a = step_.src, .b = step_.step, .c = branch.variant.b}};
    if (branch.variant.option != 0 || !settle_pins(latch, 2))
        return false;
    remove_from(step_.begin);
    instr = here();
    last_branch_ = latch;
    emit(latch)
        .set(Field::local, locals_[step_.local].slot)
        .set(Field::step, step_.value)
        .set(Field::right, right);
    return true;
}

} // namespace warpbeam::vm
