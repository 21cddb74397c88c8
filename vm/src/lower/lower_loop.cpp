#include "lower/branch_choice.hpp"
#include "lower/lowering.hpp"

/// Loops: their parameters in registers, and how the ways back to their beginning get shorter.
/// https://webassembly.github.io/spec/core/exec/instructions.html#control-instructions

namespace warpbeam::vm {

void Lowering::begin_loop() noexcept {
    begin_block(ControlKind::loop, reader_.block_type());
    if (failure() != Exit::none)
        return;
    Control& control = control_.back();
    const size_t set = choice_.sets.size() == 1 ? 0 : next_loop_++;
    use_pins(choice_.sets[set]);
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
    // What was null at first is another reference in the next round.
    for (size_t i = 0; i < control.type.params(); ++i)
        if (stack_[control.operands + i].kind == ValType::ref)
            relist_from(control.operands + i);
    control.head = loop_head_ = here();
    forget_accs();
    bind_here();
    emit_poll();
}

/// The parameters of a loop are like locals whose slots are their homes, if one has a register.
void Lowering::place_params(Control& loop, size_t set) noexcept {
    const size_t count = loop.type.params();
    if (set == 0 || count == 0 || count > max_params_to_pin)
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
    if (is_small || loop.params == no_local || loop.pins != pins_ || !in_place(depth))
        return false;
    const auto count = static_cast<uint32_t>(arity(loop));
    for (uint32_t i = count; i-- != 0;)
        set_local(loop.params + i, pop());
    for (uint32_t i = 0; stay && i < count; ++i)
        push_local(loop.params + i);
    return true;
}

// ---- Loops that begin with a test ----

/// To be called after a branch that goes to the end of a block, or to its else part. What comes after it
/// becomes a label, if it is the first instruction of a loop.
void Lowering::note_head_test(size_t instr, size_t label) noexcept {
    if (is_small || instr != loop_head_ || last_branch_.form != Form::compare_branch)
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
    if (is_small || loop.test.end == 0 || loop.pins != pins_ ||
        (loop.params != no_local && !params_assigned_))
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

/// Fuses the last step of a local into a branch that compares the local with `right`, which is a slot or a
/// constant.
bool Lowering::fuse_latch(const Choice& branch, uint64_t right, size_t& instr) noexcept {
    Choice latch{Form::latch, branch.op, {.a = step_.src, .b = step_.step, .c = branch.variant.b}};
    if (!is_built(Form::latch) || branch.variant.option != 0 || !settle_pins(latch, 2))
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
