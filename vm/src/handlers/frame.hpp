#pragma once

#include "handlers/dispatch.hpp"
#include "handlers/entry_points.hpp"
#include "isa/catch_table.hpp"
#include "isa/decoder.hpp"
#include "isa/operand.hpp"

/// Entering and leaving frames, for calls, returns, exceptions and the start of a run.

namespace warpbeam::vm {

/// The instruction that ends a run; the bottom record of a run returns to it.
const Instr* exit_instr() noexcept;
/// The instruction that returns to the instance in the record below its own.
const Instr* restore_instr() noexcept;

[[gnu::always_inline]] inline void load_pins(Regs& r, const Pins& pins) noexcept {
    r.l0 = r.fp[pins.l0];
    r.l1 = r.fp[pins.l1];
    r.f0 = detail::vector_set(load_slot<double>(r.fp, pins.f0));
}

[[gnu::always_inline]] inline void load_memory(Regs& r) noexcept {
    const bool any = r.inst->memory_count != 0;
    r.mem = any ? r.inst->memories[0]->base : nullptr;
    r.mem_size = any ? r.inst->memories[0]->size : 0;
}

/// Whether a frame at `fp` has room on the stack, and the records of its call.
[[gnu::always_inline]] inline bool fits(const Regs& r, const Slot* fp, const Code& code) noexcept {
    return reinterpret_cast<uintptr_t>(fp) + size_t{code.frame_slots} * sizeof(Slot) +
               call_records * sizeof(Record) <=
           reinterpret_cast<uintptr_t>(r.rp);
}

/// Zeroes `zeroed_slots(count)` slots.
[[gnu::always_inline]] inline void zero_locals(Slot* first, uint32_t count) noexcept {
    if (count == 0)
        return;
    using Pair [[gnu::vector_size(16), gnu::aligned(8), gnu::may_alias]] = uint64_t;
    // `volatile` keeps the compiler from calling memset, for which it would save all registers.
    volatile Pair* const pairs = reinterpret_cast<volatile Pair*>(first);
    pairs[0] = Pair{};
    pairs[1] = Pair{};
    if (count > 4) [[unlikely]] {
        volatile Slot* local = first + 4;
        for (volatile Slot* const end = first + count; local != end; ++local)
            *local = 0;
    }
}

/// Goes to the function of `cell` with its arguments at `fp`, which is in the caller's frame. A call pushes a
/// record, a tail call does not. acc tells a stub which cell it stands for. If there is no room nothing has
/// changed, so that the same can be done again when the stack has grown. Without `Checked`, there is room.
template <bool Tail, bool Checked = true>
[[gnu::always_inline]] inline Exit enter(Regs& r, const CodeCell& cell, Slot* fp,
                                         const Instr* return_ip) noexcept {
    const Code* const code = cell.code.load(std::memory_order_acquire);
    if (Checked && !fits(r, fp, *code)) [[unlikely]]
        return Exit::call_stack_exhausted;
    if constexpr (!Tail) {
        --r.rp;
        r.rp->ip = return_ip;
        r.rp->fp = r.fp;
    }
    r.fp = fp;
    zero_locals(fp + code->zero_from, code->zero_count);
    load_pins(r, code->pins);
    r.acc = reinterpret_cast<uint64_t>(&cell);
    r.ip = code->entry();
    return Exit::none;
}

/// An instruction that a record returns to, after the pins that every return reads.
struct Landing {
    Pins pins;
    Instr instr;
};

/// Returns to the position in the last record, without a result.
[[gnu::always_inline]] inline Pins pop_record(Regs& r) noexcept {
    r.ip = r.rp->ip;
    r.fp = r.rp->fp;
    ++r.rp;
    Pins pins;
    std::memcpy(&pins, reinterpret_cast<const char*>(r.ip) - sizeof(Pins), sizeof(Pins));
    return pins;
}

/// Returns to the position in the last record, and leaves the result where the caller wants it. That may be a
/// pinned local, so the pins are read afterwards.
template <typename T>
[[gnu::always_inline]] inline void leave_frame(Regs& r, T result) noexcept {
    const Pins pins = pop_record(r);
    store_slot<T>(r.fp, pins.result, result);
    load_pins(r, pins);
}

/// Records the position of the code for the runtime.
inline void save(Execution& execution, const Regs& r) noexcept {
    execution.ip = r.ip;
    execution.fp = r.fp;
    execution.rp = r.rp;
    execution.inst = r.inst;
}

/// Goes to the position that the execution records.
[[gnu::always_inline]] inline void restore(Regs& r, Execution& execution) noexcept {
    r.ip = execution.ip;
    r.fp = execution.fp;
    r.rp = execution.rp;
    r.inst = execution.inst;
    r.inst->execution = &execution;
    load_memory(r);
}

/// Throws an exception where `execution` stands, and continues where it is caught.
[[gnu::always_inline]] inline Exit raise(Regs& r, Execution& execution, Slot exception) noexcept {
    const CatchClause* const clause = unwind(execution, exception);
    if (clause == nullptr) {
        r.acc = exception;
        return Exit::uncaught_exception;
    }
    restore(r, execution);
    load_pins(r, clause->pins);
    return Exit::none;
}

} // namespace warpbeam::vm
