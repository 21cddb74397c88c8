#include "lower/frame_state.hpp"

#include "lower/lowering.hpp"

/// Frames in WebAssembly's terms, found by lowering again (docs/decisions/0003).

namespace warpbeam::vm {

FramePlace Emitter::place_of(const Operand& operand) const noexcept {
    switch (operand.where) {
    case Operand::home:
        break;
    case Operand::local:
        if (operand.index >= own_locals_)
            break;
        return {operand.kind, FramePlace::local, slot_of(operand), 0, 0};
    case Operand::constant:
        return {operand.kind, FramePlace::constant, operand.slot, operand.field, operand.high};
    }
    return {operand.kind, FramePlace::own, operand.slot, 0, 0};
}

/// Describes the frame at the stop that comes now.
void Emitter::observe() noexcept {
    FrameState& state = *search_->state;
    bool done = state.locals.reserve(own_locals_) && state.operands.reserve(stack_.size());
    for (size_t i = 0; i < own_locals_; ++i)
        done = done && state.locals.push({locals_[i].kind, FramePlace::own, locals_[i].slot, 0, 0});
    for (const Operand& operand : stack_)
        done = done && state.operands.push(place_of(operand));
    if (!done)
        fail(Exit::out_of_memory);
    state.pins = pins_word(0);
    state.base = far_slots_;
    state.height = height_;
}

/// Describes the frame before an instruction that may trap, if it is the one that is looked for.
void Emitter::observe_inside() noexcept {
    if (search_->inside != offset_)
        return;
    observe();
    if (failure_ != Exit::none)
        return;
    // What only an accumulator has is lost, and the instruction that made it may yet be changed.
    for (size_t i = 0; i < stack_.size(); ++i)
        if (const Operand& operand = stack_[i];
            operand.where == Operand::home &&
            (!operand.stored || acc(is_float_kind(operand.kind)).operand == i))
            search_->state->operands[i].where = FramePlace::unknown;
    fail(Exit::done);
}

/// Whether the stop at this position is the one that is looked for.
void Emitter::compare(size_t position) noexcept {
    if (search_->inside != StopSearch::any)
        return;
    const bool is_call = position % alignof(Instr) != 0;
    const FramePoint point{at_entry_ ? FramePoint::entry
                           : is_call ? FramePoint::call
                                     : FramePoint::before,
                           static_cast<uint32_t>(at_entry_ ? 0 : offset_)};
    if (search_->stop != 0) {
        if (search_->stop != stops_)
            return;
        search_->state->point = point;
        search_->state->position = is_call ? position + 1 : position;
        fail(Exit::done); // the rest of the function does not matter
    } else if (search_->position != StopSearch::any ? search_->position == position
                                                    : search_->point == point) {
        search_->stop = stops_;
        fail(Exit::done);
    }
}

Exit Lowering::find_stop(StopSearch& search) noexcept {
    search_ = &search;
    begin();
    (void)lower(SIZE_MAX);
    return failure() == Exit::done ? Exit::none : failure() == Exit::none ? Exit::invalid_code : failure();
}

Exit ModuleCode::find_stop(uint32_t func, StopSearch search) noexcept {
    const FuncBody& body = module_.bodies()[func - module_.imported_funcs()];
    // First its number, then what the stack is then: copies of the stack for all stops would take too long.
    for (int pass = 0; pass < 2; ++pass)
        if (const Exit exit =
                Lowering{module_, options_, cells(), body, *options_.allocator}.find_stop(search);
            exit != Exit::none)
            return exit;
    return Exit::none;
}

Exit ModuleCode::state_at(const Instr* ip, bool after, uint32_t& func, FrameState& state) noexcept {
    const Code* const code = find(ip, after);
    if (code == nullptr)
        return Exit::invalid_code;
    func = code->func;
    return find_stop(func, {.position = position_in(*code, ip, after), .point = {}, .state = &state});
}

Exit ModuleCode::state_inside(uint32_t func, size_t offset, FrameState& state) noexcept {
    const FuncBody& body = module_.bodies()[func - module_.imported_funcs()];
    StopSearch search{.point = {}, .inside = offset, .state = &state};
    return Lowering{module_, options_, cells(), body, *options_.allocator}.find_stop(search);
}

Exit ModuleCode::state_of(uint32_t func, FramePoint point, FrameState& state) noexcept {
    return find_stop(func, {.point = point, .state = &state});
}

} // namespace warpbeam::vm
