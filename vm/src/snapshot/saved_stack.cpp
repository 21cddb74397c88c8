#include "snapshot/saved_stack.hpp"

#include "handlers/entry_points.hpp"
#include "handlers/frame.hpp"
#include "handlers/run.hpp"
#include "lower/module_code.hpp"
#include "store/host_func.hpp"
#include "store/store_impl.hpp"

#include <warpbeam/memory/hash.hpp>

namespace warpbeam::vm {
namespace {

/// A slot of a frame; those of large frames may be below the frame pointer.
template <typename S>
S* slot_at(S* fp, uint32_t slot) noexcept {
    return fp + static_cast<int32_t>(slot);
}

/// Makes room for a frame at `fp`, and for `records` records.
bool make_room(Execution& execution, const Code& code, size_t records) noexcept {
    while (reinterpret_cast<uintptr_t>(execution.fp + code.frame_slots) + records * sizeof(Record) >
           reinterpret_cast<uintptr_t>(execution.rp))
        if (!grow_stack(execution))
            return false;
    return true;
}

template <typename Visit>
bool visit_places(const FrameState& state, Visit visit) noexcept {
    for (const FramePlace& place : state.locals)
        if (!visit(place))
            return false;
    for (const FramePlace& place : state.operands)
        if (!visit(place))
            return false;
    return true;
}

} // namespace

// ---- Reading ----

Exit SavedStack::read(const Execution& execution) noexcept {
    Exit exit = Exit::none;
    host_ = host_at(execution.ip);
    if (host_ != nullptr) {
        if (!args_.append({execution.fp, slots_of(host_->signature->params)}))
            return Exit::out_of_memory;
    } else if (const CodeCell* const cell = cell_at(execution.ip, execution.acc); cell != nullptr) {
        exit = read_entry(*execution.inst, cell->func, execution.fp);
    } else {
        exit = read_frame(*execution.inst, execution.ip, false, execution.fp);
    }
    if (exit == Exit::none)
        (void)visit_callers(execution, [&](InstanceData& caller, const Record& record) {
            exit = read_frame(caller, record.ip, true, record.fp);
            return exit == Exit::none;
        });
    return exit;
}

Exit SavedStack::read_frame(InstanceData& inst, const Instr* ip, bool after, const Slot* fp) noexcept {
    const uint32_t hash = hash_of(reinterpret_cast<uintptr_t>(ip));
    uint32_t known =
        index_.find(hash, [&](uint32_t i) { return states_[i].ip == ip && states_[i].after == after; });
    if (known == HashIndex::npos) {
        Known fresh{&inst, 0, {}, ip, after, FrameState{slots_.allocator()}};
        if (const Exit exit = inst.code->state_at(ip, after, fresh.func, fresh.state); exit != Exit::none)
            return exit;
        known = static_cast<uint32_t>(states_.size());
        if (!states_.push(std::move(fresh)) || !index_.insert(hash, known))
            return Exit::out_of_memory;
    }
    const FrameState& state = states_[known].state;
    const size_t first = slots_.size();
    const bool read = visit_places(state, [&](const FramePlace& place) {
        const Slot constant[2] = {place.value, place.high};
        const Slot* const from = place.where == FramePlace::constant ? constant : slot_at(fp, place.slot);
        return slots_.append({from, slots_of(place.kind)});
    });
    return read && frames_.push({&inst, states_[known].func, state.point, first, slots_.size() - first})
               ? Exit::none
               : Exit::out_of_memory;
}

/// The frame of a function that is not lowered yet: its locals are the arguments, and zeros.
Exit SavedStack::read_entry(InstanceData& inst, uint32_t func, const Slot* args) noexcept {
    const FuncType& type = inst.registry->func(inst.module->funcs()[func]);
    const size_t first = slots_.size();
    bool read = slots_.append({args, slots_of(type.params)});
    size_t zeros = 0;
    for (const LocalRun& run : inst.module->bodies()[func - inst.module->imported_funcs()].locals)
        zeros += size_t{run.count} * slots_of(run.type.kind());
    read = read && slots_.resize(slots_.size() + zeros);
    return read && frames_.push({&inst, func, {}, first, slots_.size() - first}) ? Exit::none
                                                                                 : Exit::out_of_memory;
}

// ---- Writing ----

/// `execution.fp` is where the frame's slots begin; afterwards it is its frame pointer, and `ip` what is
/// next.
Exit SavedStack::write_frame(Execution& execution, const SavedFrame& frame) noexcept {
    ModuleCode& code = *frame.inst->code;
    if (const Exit exit = code.lower(frame.func); exit != Exit::none)
        return exit;
    FrameState state{slots_.allocator()};
    if (const Exit exit = code.state_of(frame.func, frame.point, state); exit != Exit::none)
        return exit;
    const Code& header = code.code(frame.func);
    if (!make_room(execution, header, 2 * call_records)) // those of its call, and of the one that it makes
        return Exit::call_stack_exhausted;
    execution.fp += state.base;
    const Slot* from = slots_.data() + frame.first_slot;
    const Slot* const end = from + frame.slots;
    const bool fits = visit_places(state, [&](const FramePlace& place) {
        const size_t count = slots_of(place.kind);
        if (static_cast<size_t>(end - from) < count)
            return false;
        const Slot constant[2] = {place.value, place.high};
        Slot* const to = slot_at(execution.fp, place.slot);
        if (place.where == FramePlace::own)
            std::copy_n(from, count, to);
        // What code takes from elsewhere has to be the same there.
        else if (!std::equal(from, from + count, place.where == FramePlace::local ? to : constant))
            return false;
        from += count;
        return true;
    });
    if (!fits || from != end)
        return Exit::invalid_code;
    execution.inst = frame.inst;
    execution.ip = header.entry()->after(state.position);
    execution.l0 = execution.fp[state.pins.l0];
    execution.l1 = execution.fp[state.pins.l1];
    execution.f0 = detail::vector_set(load_slot<double>(execution.fp, state.pins.f0));
    execution.free = execution.fp + state.height; // where a callee's slots begin
    return Exit::none;
}

Exit SavedStack::write(Execution& execution) noexcept {
    execution.fp = execution.free = execution.stack;
    execution.rp = execution.stack_end - 1;
    *execution.rp = {exit_instr(), execution.stack};
    for (size_t i = frames_.size(); i-- != 0;) {
        const bool is_outermost = i + 1 == frames_.size();
        InstanceData* const caller = is_outermost ? nullptr : execution.inst;
        const Instr* const return_ip = execution.ip;
        if (!is_outermost) {
            *--execution.rp = {return_ip, execution.fp};
            if (caller != frames_[i].inst) {
                *--execution.rp = {reinterpret_cast<const Instr*>(caller), nullptr};
                *--execution.rp = {restore_instr(), execution.free};
            }
            execution.fp = execution.free;
        }
        if (frames_[i].point.kind != FramePoint::call && (i != 0 || host_ != nullptr))
            return Exit::invalid_code;
        if (const Exit exit = write_frame(execution, frames_[i]); exit != Exit::none)
            return exit;
    }
    if (host_ == nullptr)
        return frames_.empty() || frames_[0].point.kind == FramePoint::call ? Exit::invalid_code : Exit::none;
    if (frames_.empty()) {
        execution.rp = execution.stack_end;
        execution.inst = nullptr;
    } else {
        *--execution.rp = {execution.ip, execution.fp};
        execution.fp = execution.free;
    }
    const Code& header = host_->code.header;
    if (!make_room(execution, header, call_records))
        return Exit::call_stack_exhausted;
    std::copy(args_.begin(), args_.end(), execution.fp);
    execution.free = execution.fp + header.frame_slots;
    execution.ip = header.entry();
    return Exit::none;
}

} // namespace warpbeam::vm
