#include "handlers/families.hpp"
#include "handlers/frame.hpp"
#include "handlers/profile.hpp"
#include "handlers/run.hpp"
#include "handlers/shapes.hpp"

/// Calls and returns. Calls between functions of one instance are short; all others go through `enter_func`.
/// https://webassembly.github.io/spec/core/exec/instructions.html#function-calls

namespace warpbeam::vm {

namespace {

constexpr size_t call_size = sizeof(Instr) + 16;

/// Calls any function instance: of this instance, of another one, or of the host.
template <bool Tail>
[[gnu::always_inline]] inline Exit enter_func(Regs& r, const FuncInst& func, Slot* fp,
                                              const Instr* return_ip) noexcept {
    if (func.instance == r.inst || func.instance == nullptr) [[likely]]
        return enter<Tail>(r, *func.cell, fp, return_ip);

    InstanceData* const caller = r.inst;
    func.instance->stack_limit = caller->stack_limit;
    func.instance->execution = caller->execution;
    // A tail call out of a frame that returns into another instance anyway needs no second way back.
    const bool way_back = Tail && r.rp[-1].ip == restore_instr();
    const Code* const code = func.cell->code.load(std::memory_order_acquire);
    if (!fits(r, fp, *code)) [[unlikely]]
        return Exit::call_stack_exhausted;
    if constexpr (!Tail)
        *r.rp++ = {return_ip, r.fp};
    if (!way_back) {
        *r.rp++ = {reinterpret_cast<const Instr*>(caller), nullptr};
        *r.rp++ = {restore_instr(), fp};
    }
    r.inst = func.instance;
    load_memory(r);
    return enter<true>(r, *func.cell, fp, nullptr);
}

template <bool Tail>
struct Call {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        return enter<Tail>(r, *reinterpret_cast<const CodeCell*>(r.ip->word(0)), r.fp + r.ip->uimm,
                           r.ip->after(call_size));
    }
};

template <bool Tail>
struct CallImport {
    static Exit run(Regs& r) noexcept {
        return enter_func<Tail>(r, *r.inst->funcs[r.ip->word(0)], r.fp + r.ip->uimm, r.ip->after(call_size));
    }
};

template <bool Tail, Src S>
struct CallIndirect {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        // An i32 is stored zero-extended, so this reads the index of either address type.
        const uint64_t index = read<uint64_t, S>(r, r.ip->a, 0);
        const uint64_t target = r.ip->word(0);
        const TableInst& table = *r.inst->tables[target >> 32];
        if (index >= table.size) [[unlikely]] {
            r.acc = index;
            return Exit::undefined_element;
        }
        const auto* const func = reinterpret_cast<const FuncInst*>(table.elements[index]);
        if (func == nullptr) [[unlikely]] {
            r.acc = index;
            return Exit::uninitialized_element;
        }
        const auto type = static_cast<TypeId>(target);
        if (func->type != type && !r.inst->registry->is_subtype(func->type, type)) [[unlikely]]
            return Exit::indirect_call_type_mismatch;
        return enter_func<Tail>(r, *func, r.fp + r.ip->uimm, r.ip->after(call_size));
    }
};

template <bool Tail>
struct CallRef {
    static Exit run(Regs& r) noexcept {
        const auto* const func = reinterpret_cast<const FuncInst*>(r.fp[r.ip->a]);
        if (func == nullptr) [[unlikely]]
            return Exit::null_function_reference;
        return enter_func<Tail>(r, *func, r.fp + r.ip->uimm, r.ip->after(call_size));
    }
};

struct ReturnVoid {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        load_pins(r, pop_record(r));
        return Exit::none;
    }
};

/// Leaves the one result in the accumulator and in the slot that the caller names.
template <typename T, Src S>
struct Return {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        uint64_t imm = 0;
        if constexpr (S == Src::imm)
            imm = r.ip->word(0);
        const T result = read<T, S>(r, r.ip->a, imm);
        leave_frame(r, result);
        write<Dst::acc, T>(r, 0, result);
        return Exit::none;
    }
};

struct ExitRun {
    static Exit run(Regs&) noexcept { return Exit::done; }
};

struct RestoreInstance {
    static Exit run(Regs& r) noexcept {
        --r.rp;
        r.inst = reinterpret_cast<InstanceData*>(const_cast<Instr*>(r.rp->ip));
        load_memory(r);
        // The callee left its result, if it has one, in its first slot. Several results are there already.
        leave_frame(r, r.fp[0]);
        return Exit::none;
    }
};

/// The stub of a function that has not been lowered.
struct LowerNow {
    static Exit run(Regs& r) noexcept {
        const auto& cell = *reinterpret_cast<const CodeCell*>(r.acc);
        const Exit exit = lower_function(cell);
        return exit != Exit::none ? exit : enter<true>(r, cell, r.fp, nullptr);
    }
};

/// The code of every host function.
struct CallHost {
    static Exit run(Regs& r) noexcept {
        const auto& cell = *reinterpret_cast<const CodeCell*>(r.acc);
        Execution& execution = *r.inst->execution;
        execution.ip = r.ip;
        execution.fp = r.fp;
        execution.free = r.fp + cell.code.load(std::memory_order_relaxed)->frame_slots;
        execution.rp = r.rp;
        execution.inst = r.inst;
        const Exit exit = call_host(execution, *static_cast<HostFunc*>(cell.owner), r.inst, r.fp);
        if (exit == Exit::uncaught_exception)
            return raise(r, execution, execution.detail);
        if (exit != Exit::none)
            return exit;
        load_memory(r);
        // Whatever the result's type is, it is in its accumulator.
        r.acc = r.fp[0];
        r.facc = detail::vector_set(load_slot<double>(r.fp, 0));
        leave_frame(r, r.acc);
        return Exit::none;
    }
};

/// An instruction that a record returns to, behind the pins that every return reads.
struct Landing {
    Pins pins;
    Instr instr;
};
constinit const Landing exit_landing{{}, {&handler<ExitRun>, 0, 0, {}}};
constinit const Landing restore_landing{{}, {&handler<RestoreInstance>, 0, 0, {}}};

} // namespace

const Instr* exit_instr() noexcept { return &exit_landing.instr; }
const Instr* restore_instr() noexcept { return &restore_landing.instr; }

bool is_bottom_record(const Record& record) noexcept { return record.ip == exit_instr(); }
bool is_restore_record(const Record& record) noexcept { return record.ip == restore_instr(); }

Handler lower_now() noexcept { return &handler<LowerNow>; }

void make_host_code(HostCode& code, uint32_t frame_slots) noexcept {
    code.header = {};
    code.header.frame_slots = frame_slots;
    code.instr = {};
    code.instr.handler = &handler<CallHost>;
}

Handler call() noexcept { return &handler<Call<false>>; }
Handler call_import() noexcept { return &handler<CallImport<false>>; }
Handler call_indirect(Src index) noexcept {
    return index == Src::acc ? &handler<CallIndirect<false, Src::acc>>
                             : &handler<CallIndirect<false, Src::slot>>;
}
Handler call_ref() noexcept { return &handler<CallRef<false>>; }
Handler return_call() noexcept { return &handler<Call<true>>; }
Handler return_call_import() noexcept { return &handler<CallImport<true>>; }
Handler return_call_indirect() noexcept { return &handler<CallIndirect<true, Src::slot>>; }
Handler return_call_ref() noexcept { return &handler<CallRef<true>>; }
Handler return_void() noexcept { return &handler<ReturnVoid>; }
Handler return_int(Src s) noexcept {
    switch (s) {
    case Src::slot:
        return &handler<Return<uint64_t, Src::slot>>;
    case Src::acc:
        return &handler<Return<uint64_t, Src::acc>>;
    case Src::l0:
        return &handler<Return<uint64_t, Src::l0>>;
    case Src::l1:
        return &handler<Return<uint64_t, Src::l1>>;
    case Src::imm:
        return &handler<Return<uint64_t, Src::imm>>;
    }
    return nullptr;
}
Handler return_float(Src s) noexcept {
    switch (s) {
    case Src::slot:
        return &handler<Return<double, Src::slot>>;
    case Src::acc:
        return &handler<Return<double, Src::acc>>;
    case Src::l0:
        return &handler<Return<double, Src::l0>>;
    case Src::l1:
        return nullptr;
    case Src::imm:
        return &handler<Return<double, Src::imm>>;
    }
    return nullptr;
}

// ---- The start and the end of a run ----

namespace {

void save(Execution& execution, const Regs& r, Exit exit) noexcept {
    save(execution, r);
    execution.detail = exit == Exit::memory_out_of_bounds ? r.mem_size : r.acc;
}

/// Whether an access that lies outside is to be tried again: another thread may have made a shared memory
/// larger since its size was last looked at.
bool retry_after_growth(Regs& r, Exit exit) noexcept {
    if (exit != Exit::memory_out_of_bounds)
        return false;
    bool grown = false;
    for (uint32_t i = 0; i < r.inst->memory_count; ++i)
        grown |= r.inst->memories[i]->refresh();
    if (grown)
        load_memory(r);
    return grown;
}

} // namespace

#if WARPBEAM_TAIL_CALLS
[[gnu::noinline]] WARPBEAM_PRESERVE_NONE Exit leave(const Instr* ip, Slot* fp, uint8_t* mem,
                                                    uint64_t mem_size, InstanceData* inst, Record* rp,
                                                    uint64_t acc, uint64_t l0, uint64_t l1, Vector facc,
                                                    Vector f0) {
    const auto exit = static_cast<Exit>(reinterpret_cast<uintptr_t>(mem));
    Regs r{ip, fp, nullptr, mem_size, inst, rp, acc, l0, l1, facc, f0};
    if (retry_after_growth(r, exit))
        WARPBEAM_DISPATCH(r);
    save(*inst->execution, r, exit);
    return exit;
}

namespace {
Exit start(Regs& r) noexcept {
    return r.ip->handler(r.ip, r.fp, r.mem, r.mem_size, r.inst, r.rp, r.acc, r.l0, r.l1, r.facc, r.f0);
}
} // namespace
#else
namespace {
Exit start(Regs& r) noexcept {
    Exit exit;
    do {
        profile(*r.ip);
        exit = r.ip->handler(r);
    } while (exit == Exit::none || retry_after_growth(r, exit));
    save(*r.inst->execution, r, exit);
    return exit;
}
} // namespace
#endif

Exit run(Execution& execution, FuncInst& func, InstanceData* caller, Slot* frame) noexcept {
    Record* const base = execution.rp;
    Slot* const free = execution.free;
    InstanceData* const outer = execution.inst;
    const Instr* const outer_ip = execution.ip;
    Slot* const outer_fp = execution.fp;
    Exit exit;
    if (func.instance == nullptr) {
        execution.free = frame + func.cell->code.load(std::memory_order_relaxed)->frame_slots;
        exit = call_host(execution, *func.host, caller, frame);
        if (exit == Exit::none)
            exit = Exit::done;
    } else {
        func.instance->stack_limit = execution.stack_limit;
        func.instance->execution = &execution;
        *base = {exit_instr(), frame};
        Regs r{};
        r.rp = base + 1;
        r.fp = frame;
        r.inst = func.instance;
        load_memory(r);
        exit = enter<true>(r, *func.cell, frame, nullptr);
        if (exit == Exit::none)
            exit = start(r);
        else
            save(execution, r, exit);
    }
    if (exit == Exit::done) {
        execution.rp = base;
        execution.inst = outer;
        execution.ip = outer_ip;
        execution.fp = outer_fp;
    }
    execution.free = free;
    return exit;
}

} // namespace warpbeam::vm
