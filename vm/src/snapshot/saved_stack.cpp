#include "snapshot/saved_stack.hpp"

#include "handlers/continuation.hpp"
#include "handlers/entry_points.hpp"
#include "handlers/frame.hpp"
#include "handlers/run.hpp"
#include "lower/module_code.hpp"
#include "store/host_func.hpp"
#include "store/store_impl.hpp"

namespace warpbeam::vm {
namespace {

/// A slot of a frame; those of large frames may be below the frame pointer.
template <typename S>
S* slot_at(S* fp, uint32_t slot) noexcept {
    return fp + static_cast<int32_t>(slot);
}

/// Makes room for `slots` slots at `fp`, and for `records` records.
Exit make_room(Execution& execution, size_t slots, size_t records) noexcept {
    while (reinterpret_cast<uintptr_t>(execution.fp + slots) + records * sizeof(Record) >
           reinterpret_cast<uintptr_t>(execution.rp))
        if (!grow_stack(execution)) {
            const size_t size = block_size(execution);
            const size_t max = max_block(execution);
            if (size >= max)
                return Exit::call_stack_exhausted;
            const bool counts = execution.continuation == nullptr;
            return counts && !execution.store->quota.has_execution_bytes(std::min(size, max - size))
                       ? Exit::limit
                       : Exit::out_of_memory;
        }
    return Exit::none;
}

} // namespace

// ---- Reading ----

/// Reads the values of a frame. At the entry only the arguments are there; the other locals are zeros.
Exit SavedStack::push(InstanceData& inst, uint32_t shape, const Slot* fp, bool is_entry,
                      const FrameShapes& shapes) noexcept {
    const size_t first = slots.size();
    size_t arguments = SIZE_MAX;
    if (is_entry)
        arguments = inst.registry->func(inst.module->funcs()[shapes[shape].func]).params.size();
    const bool read = visit_places(shapes[shape].state, [&](const FramePlace& place) {
        const size_t count = slots_of(place.kind);
        Slot constant[2] = {place.value, place.high};
        const Slot* from = constant;
        if (is_entry && arguments == 0) {
            constant[0] = constant[1] = 0;
        } else if (is_entry) {
            --arguments;
            from = fp;
            fp += count;
        } else if (place.where != FramePlace::constant) {
            from = slot_at(fp, place.slot);
        }
        if (!slots.append({from, count}))
            return false;
        // The upper half of such a slot may be anything.
        if (place.kind == ValType::i32 || place.kind == ValType::f32)
            slots.back() = static_cast<uint32_t>(slots.back());
        return true;
    });
    return read && frames.push({&inst, shape, first}) ? Exit::none : Exit::out_of_memory;
}

Exit SavedStack::read_frame(InstanceData& inst, const Instr* ip, bool after, const Slot* fp,
                            FrameShapes& shapes) noexcept {
    uint32_t shape = 0;
    const Exit exit = shapes.at(inst, ip, after, shape);
    return exit == Exit::none ? push(inst, shape, fp, false, shapes) : exit;
}

Exit SavedStack::read_callers(const StackState& state, FrameShapes& shapes) noexcept {
    Exit exit = Exit::none;
    (void)visit_callers(state, [&](InstanceData& caller, const Record& record) {
        exit = read_frame(caller, record.ip, true, record.fp, shapes);
        return exit == Exit::none;
    });
    return exit;
}

Exit SavedStack::read(const Execution& execution, FrameShapes& shapes) noexcept {
    Exit exit = Exit::none;
    host = host_at(execution.ip);
    if (host != nullptr) {
        top = StackTop::host;
        const std::span<const ValType> types =
            execution.has_values ? execution.values : host->signature->params;
        if (!values.append({execution.fp, slots_of(types)}))
            return Exit::out_of_memory;
    } else if (const CodeCell* const cell = cell_at(execution.ip, execution.acc); cell != nullptr) {
        uint32_t shape = 0;
        exit = shapes.of(*execution.inst, cell->func, {}, shape);
        if (exit == Exit::none)
            exit = push(*execution.inst, shape, execution.fp, true, shapes);
    } else {
        exit = read_frame(*execution.inst, execution.ip, false, execution.fp, shapes);
    }
    return exit == Exit::none ? read_callers(execution, shapes) : exit;
}

Exit SavedStack::read_waiting(const StackState& state, StackTop waits, FrameShapes& shapes) noexcept {
    top = waits;
    const bool suspended = waits == StackTop::suspended;
    if (suspended && !values.append({suspended_results(state), state.free}))
        return Exit::out_of_memory;
    const Instr* const next = suspended ? after_suspend(state.ip) : after_resume(state.ip);
    const Exit exit = read_frame(*state.inst, next, true, state.fp, shapes);
    return exit == Exit::none ? read_callers(state, shapes) : exit;
}

// ---- Writing ----

/// `execution.fp` is where the frame's slots begin; afterwards it is its frame pointer, and `ip` what is
/// next.
Exit SavedStack::write_frame(Execution& execution, const SavedFrame& frame,
                             const FrameShapes& shapes) const noexcept {
    const FrameShape& shape = shapes[frame.shape];
    const FrameState& state = shape.state;
    if (const Exit exit = shape.code->lower(shape.func); exit != Exit::none)
        return exit;
    const Code& header = shape.code->code(shape.func);
    // With the records of its call, and of the one that it makes.
    if (const Exit exit = make_room(execution, header.frame_slots, 2 * call_records); exit != Exit::none)
        return exit;
    execution.fp += state.base;
    execution.excess += excess_of(header);
    const Slot* from = slots.data() + frame.first_slot;
    const bool fits = visit_places(state, [&](const FramePlace& place) {
        const size_t count = slots_of(place.kind);
        const bool is_small = place.kind == ValType::i32 || place.kind == ValType::f32;
        const auto part = [&](Slot slot) { return is_small ? static_cast<uint32_t>(slot) : slot; };
        Slot* const to = slot_at(execution.fp, place.slot);
        const Slot constant[2] = {place.value, place.high};
        // What code takes from elsewhere has to be the same there.
        for (size_t i = 0; i < count; ++i, ++from) {
            if (place.where == FramePlace::own)
                to[i] = *from;
            else if (part(*from) != part(place.where == FramePlace::local ? to[i] : constant[i]))
                return false;
        }
        return true;
    });
    if (!fits)
        return Exit::invalid_code;
    execution.inst = frame.inst;
    execution.ip = header.entry()->after(state.position);
    execution.l0 = execution.fp[state.pins.l0];
    execution.l1 = execution.fp[state.pins.l1];
    execution.f0 = detail::vector_set(load_slot<double>(execution.fp, state.pins.f0));
    execution.free = execution.fp + state.height; // where a callee's slots begin
    return Exit::none;
}

/// What is above the innermost frame, at which the execution stands.
Exit SavedStack::write_top(Execution& execution) noexcept {
    switch (top) {
    case StackTop::values:
    case StackTop::code:
        return Exit::none;
    case StackTop::host:
        break;
    case StackTop::resuming:
    case StackTop::suspended: {
        const bool suspended = top == StackTop::suspended;
        const size_t back = suspended ? Decoder<Form::suspend>::size : Decoder<Form::resume>::size;
        const auto at = reinterpret_cast<uintptr_t>(execution.ip) - back;
        execution.ip = reinterpret_cast<const Instr*>(at);
        if (!suspended) {
            execution.free = execution.fp + Decoder<Form::resume>::get<Field::frame>(execution.ip);
            return Exit::none;
        }
        execution.free = std::ranges::copy(values, suspended_results(execution)).out;
        return Exit::none;
    }
    }
    if (!frames.empty()) {
        *--execution.rp = {execution.ip, execution.fp};
        execution.fp = execution.free;
    }
    const Code& header = host->code.header;
    if (const Exit exit = make_room(execution, header.frame_slots, call_records); exit != Exit::none)
        return exit;
    std::ranges::copy(values, execution.fp);
    execution.free = execution.fp + header.frame_slots;
    execution.ip = header.entry();
    return Exit::none;
}

Exit SavedStack::write(Execution& execution, bool is_own, const FrameShapes& shapes) noexcept {
    execution.fp = execution.free = execution.stack;
    execution.rp = execution.stack_end;
    execution.excess = 0;
    // A host function that the host called has no record.
    if (!is_own || !frames.empty())
        *--execution.rp = {is_own ? exit_instr() : finish_instr(), execution.stack};
    for (size_t i = frames.size(); i-- != 0;) {
        if (i + 1 != frames.size()) {
            InstanceData* const caller = execution.inst;
            *--execution.rp = {execution.ip, execution.fp};
            if (caller != frames[i].inst) {
                *--execution.rp = {reinterpret_cast<const Instr*>(caller), nullptr};
                *--execution.rp = {restore_instr(), execution.free};
            }
            execution.fp = execution.free;
        }
        if (const Exit exit = write_frame(execution, frames[i], shapes); exit != Exit::none)
            return exit;
    }
    return write_top(execution);
}

} // namespace warpbeam::vm
