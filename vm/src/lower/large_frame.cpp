#include "lower/lowering.hpp"

#include <algorithm>

/// Frames with more slots than 16-bit operands of instructions can name.
///
/// The instructions are the same. Slots that they can't name are far, and are copied to and from near slots.
/// Far locals are below the frame pointer: the function raises it at entry, so that it is above the arguments
/// and the far locals. Operands too high for 16 bits have far homes. When such an operand is popped, it is
/// copied to a near slot; a result is in its accumulator, or a near slot, before it goes home. Calls, throws
/// and all instructions with consecutive operands can use any slots for these, so everything live is always
/// below a callee's frame.

namespace warpbeam::vm {

namespace {
/// Frames up to this size are not large; the near part of a large frame has about this size.
constexpr uint32_t near_slots = slot_reach < 60'000 ? 0 : 60'000;
/// Reserved for near locals, even if operands could use all slots.
constexpr uint32_t min_near_locals = slot_reach / 16;
} // namespace

// ---- Copies ----

void Emitter::come_near(Popped& popped) noexcept {
    Operand& operand = popped.operand;
    const uint32_t home =
        std::exchange(operand.slot, transit_ + 2 + 2 * (next_transit_++ % transit_operands));
    if (operand.where == Operand::home)
        operand.field = operand.slot;
    if (operand.where == Operand::home && operand.stored)
        copy_slots(operand.kind, operand.slot, home);
}

void Emitter::copy_far(uint32_t to, uint32_t from, uint32_t slots) noexcept {
    const bool is_get = !is_far(to);
    const bool is_one = slots <= 2 && (is_get || !is_far(from));
    const Form form = !is_one ? Form::far_copy : is_get ? Form::far_get : Form::far_set;
    Fields out = emit(form, is_one && slots == 2 ? 1 : 0);
    out.set(Field::far, is_one && is_get ? from : to);
    if (is_one)
        out.set(is_get ? Field::to : Field::from, is_get ? to : from);
    else
        out.set(Field::far2, from).set(Field::count, slots);
}

void Emitter::copy_range(uint32_t to, uint32_t from, uint32_t count) noexcept {
    if (is_far(to) || is_far(from) || count > UINT16_MAX)
        copy_far(to, from, count);
    else
        emit(Form::copy_range).set(Field::to, to).set(Field::from, from).set(Field::count, count);
}

void Emitter::set_far_local(uint32_t local, bool tee) noexcept {
    const LocalInfo& info = locals_[local];
    if (tee && !stack_.empty()) {
        flush_from(stack_.size() - 1);
        copy_slots(info.kind, info.slot, stack_.back().slot);
        return;
    }
    Popped value = pop();
    force_slot(value);
    copy_slots(info.kind, info.slot, slot_of(value.operand));
}

// ---- The frame ----

bool Lowering::place_locals(const FuncType& type, Vec<Kind>& kinds) noexcept {
    const auto params = static_cast<uint32_t>(slots_of(type.params));
    uint64_t slots = params;
    for (const LocalRun& run : body_.locals)
        slots += uint64_t{run.count} * slots_of(run.type.kind());
    if (slots > max_frame_slots) {
        fail(Exit::limit);
        return false;
    }
    large_ = slots + body_.max_stack > near_slots;
    uint32_t room = max_frame_slots;
    if (large_) {
        transit_ = height_;
        raise_height(transit_slots);
        room = std::max(near_slots - std::min(body_.max_stack, near_slots), min_near_locals);
    }
    const auto add = [&](Kind kind, bool near) {
        LocalInfo info{kind, Src::slot, height_};
        if (near) {
            raise_height(slots_of(kind));
        } else {
            far_slots_ += slots_of(kind);
            info.slot = first_slot();
        }
        return kinds.push(near ? kind : Kind{ValType::bot}) && locals_.push(info);
    };
    // Near parameters are copied there in a large frame. Far ones stay where the frame began.
    const bool near_params = params <= room;
    for (const ValType param : type.params)
        if (!add(param.kind(), near_params))
            return false;
    room -= near_params ? params : 0;
    zero_from_ = height_;
    far_slots_ = 0;
    for (const LocalRun& run : body_.locals) {
        const uint32_t width = slots_of(run.type.kind());
        for (uint32_t i = 0; i < run.count; ++i) {
            const bool near = width <= room;
            room -= near ? width : 0;
            if (!add(run.type.kind(), near))
                return false;
        }
    }
    zero_count_ = height_ - zero_from_;
    if (!large_) {
        max_height_ = std::max(max_height_, zero_from_ + zeroed_slots(zero_count_));
        return true;
    }
    far_slots_ += params;
    if (near_params)
        return true;
    uint32_t slot = first_slot();
    for (size_t i = 0; i < type.params.size(); ++i) {
        locals_[i].slot = slot;
        slot += slots_of(type.params[i].kind());
    }
    return true;
}

/// Raises the frame pointer above the arguments and far locals.
void Lowering::open_frame() noexcept {
    const FuncType& type = module_.type_registry().func(body_.type);
    const auto params = static_cast<uint32_t>(slots_of(type.params));
    emit(Form::open_frame)
        .set(Field::count, far_slots_)
        .set(Field::first, params)
        .set(Field::zeros, far_slots_ - params + height_);
    if (params != 0 && !is_far(locals_[0].slot))
        copy_range(locals_[0].slot, first_slot(), params);
    emit_pins();
}

void Lowering::close_frame(uint32_t width, uint32_t* callee) noexcept {
    // Only the arguments and the callee are live now, so that it can go to the next slot, which is near.
    if (callee != nullptr && (far_slots_ != 0 || is_far(*callee))) {
        copy_slots(ValType::ref, first_slot() + width, *callee);
        *callee = width;
    }
    if (far_slots_ != 0)
        emit(Form::close_frame).set(Field::count, far_slots_);
}

} // namespace warpbeam::vm
