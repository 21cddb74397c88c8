#include "handlers/entry_points.hpp"
#include "handlers/frame.hpp"
#include "handlers/generate.hpp"
#include "handlers/profile.hpp"
#include "handlers/run.hpp"

/// Calls and returns. Calls within an instance take the short path; all others go through `enter_func`.
/// https://webassembly.github.io/spec/core/exec/instructions.html#function-calls

namespace warpbeam::vm {

namespace {

/// Calls any function instance: of this instance, another instance, or the host.
template <bool Tail>
[[gnu::always_inline]] inline Exit enter_func(Regs& r, const FuncInst& func, Slot* fp,
                                              const Instr* return_ip) noexcept {
    if (func.instance == r.inst || func.instance == nullptr) [[likely]]
        return enter<Tail>(r, *func.cell, fp, return_ip);

    InstanceData* const caller = r.inst;
    const Code* const code = func.cell->code.load(std::memory_order_acquire);
    if (!fits(r, fp, *code)) [[unlikely]]
        return Exit::call_stack_exhausted;
    if constexpr (!Tail)
        *--r.rp = {return_ip, r.fp};
    // There is a way back exactly if the frame that is returned to is one of another instance: so a stack has
    // the same size when it is restored.
    const bool has_way_back = Tail && is_restore_record(*r.rp);
    if (has_way_back && r.rp[1].ip == reinterpret_cast<const Instr*>(func.instance)) {
        r.rp += 2;
    } else if (!has_way_back && !(Tail && is_bottom_record(*r.rp))) {
        *--r.rp = {reinterpret_cast<const Instr*>(caller), nullptr};
        *--r.rp = {restore_instr(), fp};
    }
    r.inst = func.instance;
    r.inst->execution = caller->execution;
    load_memory(r);
    return enter<true, false>(r, *func.cell, fp, nullptr);
}

/// The arguments of a call: a tail call has them at the beginning of the frame.
template <typename In, bool tail>
[[gnu::always_inline]] inline Slot* callee_frame(const Regs& r) noexcept {
    if constexpr (tail)
        return r.fp;
    else
        return r.fp + In::template get<Field::frame>(r.ip);
}

template <Form form, bool tail>
struct Call {
    using In = Decoder<form>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        return enter<tail>(r, *In::template pointer<Field::callee, CodeCell>(r), callee_frame<In, tail>(r),
                           In::next(r));
    }
};

template <Form form, bool tail>
struct CallImport {
    using In = Decoder<form>;
    static Exit run(Regs& r) noexcept {
        return enter_func<tail>(r, *r.inst->funcs[In::template get<Field::function>(r.ip)],
                                callee_frame<In, tail>(r), In::next(r));
    }
};

/// The index is an operand of any class, or in a slot for a tail call. An i32 is stored zero-extended, so a
/// u64 is the index for either address type.
template <Form form, bool tail, Variant v>
struct CallIndirect {
    using In = Decoder<form, v>;
    [[gnu::always_inline]] static uint64_t index(const Regs& r) noexcept {
        if constexpr (tail)
            return In::template slot<Field::index, uint64_t>(r);
        else
            return In::template read<Field::index, uint64_t>(r);
    }
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const uint64_t element = index(r);
        const uint64_t target = In::template get<Field::type>(r.ip);
        const TableInst& table = *r.inst->tables[target >> 32];
        if (element >= table.size) [[unlikely]] {
            r.acc = element;
            return Exit::undefined_element;
        }
        const auto* const func = reinterpret_cast<const FuncInst*>(table.elements[element]);
        if (func == nullptr) [[unlikely]] {
            r.acc = element;
            return Exit::uninitialized_element;
        }
        const auto type = static_cast<TypeId>(target);
        if (func->type != type && !r.inst->registry->is_subtype(func->type, type)) [[unlikely]]
            return Exit::indirect_call_type_mismatch;
        return enter_func<tail>(r, *func, callee_frame<In, tail>(r), In::next(r));
    }
};

template <Form form, bool tail>
struct CallRef {
    using In = Decoder<form>;
    static Exit run(Regs& r) noexcept {
        const auto* const func =
            reinterpret_cast<const FuncInst*>(In::template slot<Field::operand, Slot>(r));
        if (func == nullptr) [[unlikely]]
            return Exit::null_function_reference;
        return enter_func<tail>(r, *func, callee_frame<In, tail>(r), In::next(r));
    }
};

template <Variant>
using CallBody = Call<Form::call, false>;
template <Variant>
using ReturnCallBody = Call<Form::return_call, true>;
template <Variant>
using CallImportBody = CallImport<Form::call_import, false>;
template <Variant>
using ReturnCallImportBody = CallImport<Form::return_call_import, true>;
template <Variant v>
using CallIndirectBody = CallIndirect<Form::call_indirect, false, v>;
template <Variant v>
using ReturnCallIndirectBody = CallIndirect<Form::return_call_indirect, true, v>;
template <Variant>
using CallRefBody = CallRef<Form::call_ref, false>;
template <Variant>
using ReturnCallRefBody = CallRef<Form::return_call_ref, true>;

template <Variant>
struct ReturnVoid {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        load_pins(r, pop_record(r));
        return Exit::none;
    }
};

/// Leaves the single result in the accumulator and in the slot that the caller names.
template <Variant v>
struct ReturnValue {
    using T = std::conditional_t<v.option == static_cast<uint8_t>(Bank::floating), double, uint64_t>;
    using In = Decoder<Form::return_value, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const T result = In::template read<Field::value, T>(r);
        leave_frame(r, result);
        write<Dst::acc, T>(r, 0, result);
        return Exit::none;
    }
};

template <Variant>
struct ExitRun {
    static Exit run(Regs&) noexcept { return Exit::done; }
};

template <Variant>
struct RestoreInstance {
    static Exit run(Regs& r) noexcept {
        Execution* const execution = r.inst->execution;
        r.inst = reinterpret_cast<InstanceData*>(const_cast<Instr*>(r.rp->ip));
        r.inst->execution = execution;
        ++r.rp;
        load_memory(r);
        // The callee left its result, if it has one, in its first slot. Several results are already in place.
        leave_frame(r, r.fp[0]);
        return Exit::none;
    }
};

/// The stub of a function that is not lowered yet.
template <Variant>
struct LowerNow {
    static Exit run(Regs& r) noexcept {
        const auto& cell = *reinterpret_cast<const CodeCell*>(r.acc);
        const Exit exit = lower_function(cell, *r.inst->execution);
        return exit != Exit::none ? exit : enter<true>(r, cell, r.fp, nullptr);
    }
};

/// Returns from a host function, whose results are in its frame.
[[gnu::always_inline]] inline void leave_host_frame(Regs& r) noexcept {
    // Whatever the result's type is, the result is in its accumulator.
    r.acc = r.fp[0];
    r.facc = detail::vector_set(load_slot<double>(r.fp, 0));
    leave_frame(r, r.acc);
}

/// The code of every host function.
template <Variant>
struct CallHost {
    static Exit run(Regs& r) noexcept {
        Execution& execution = *r.inst->execution;
        execution.ip = r.ip;
        execution.fp = r.fp;
        execution.free = r.fp + (reinterpret_cast<const Code*>(r.ip) - 1)->frame_slots;
        execution.rp = r.rp;
        execution.inst = r.inst;
        const Exit exit = call_host(
            execution, *reinterpret_cast<HostFunc*>(static_cast<uintptr_t>(r.ip->head)), r.inst, r.fp);
        r.inst->execution = &execution; // another execution may have used the instance
        if (exit != Exit::none) [[unlikely]] {
            // They are not read again, so they need not be saved for the call.
            r.acc = r.l0 = r.l1 = 0;
            r.facc = r.f0 = Vector{};
            return exit == Exit::uncaught_exception ? raise(r, execution, execution.detail) : exit;
        }
        load_memory(r);
        leave_host_frame(r);
        return Exit::none;
    }
};

constexpr HandlerGroup call_group_list[] = {group<Form::call, CallBody>(),
                                            group<Form::call_import, CallImportBody>(),
                                            group<Form::call_indirect, CallIndirectBody>(),
                                            group<Form::call_ref, CallRefBody>(),
                                            group<Form::return_call, ReturnCallBody>(),
                                            group<Form::return_call_import, ReturnCallImportBody>(),
                                            group<Form::return_call_indirect, ReturnCallIndirectBody>(),
                                            group<Form::return_call_ref, ReturnCallRefBody>(),
                                            group<Form::return_void, ReturnVoid>(),
                                            group<Form::return_value, ReturnValue>(),
                                            group<Form::exit_run, ExitRun>(),
                                            group<Form::restore_instance, RestoreInstance>(),
                                            group<Form::lower_now, LowerNow>(),
                                            group<Form::call_host, CallHost>()};

constinit const Landing exit_landing{{}, {&handler<ExitRun<Variant{}>>, 0}};
constinit const Landing restore_landing{{}, {&handler<RestoreInstance<Variant{}>>, 0}};

} // namespace

constinit const HandlerGroups call_groups{call_group_list};

const Instr* exit_instr() noexcept { return &exit_landing.instr; }
const Instr* restore_instr() noexcept { return &restore_landing.instr; }

bool is_bottom_record(const Record& record) noexcept {
    return record.ip == exit_instr() || record.ip == finish_instr();
}
bool is_restore_record(const Record& record) noexcept { return record.ip == restore_instr(); }

HostFunc* host_at(const Instr* ip) noexcept {
    return ip->handler == &handler<CallHost<Variant{}>>
               ? reinterpret_cast<HostFunc*>(static_cast<uintptr_t>(ip->head))
               : nullptr;
}
const CodeCell* cell_at(const Instr* ip, uint64_t acc) noexcept {
    return ip->handler == &handler<LowerNow<Variant{}>>
               ? reinterpret_cast<const CodeCell*>(static_cast<uintptr_t>(acc))
               : nullptr;
}

void make_host_code(HostCode& code, HostFunc& func, uint32_t frame_slots) noexcept {
    code.header = {};
    code.header.frame_slots = frame_slots;
    code.instr = {&handler<CallHost<Variant{}>>, reinterpret_cast<uintptr_t>(&func)};
}

// ---- The beginning and end of a run ----

namespace {

void save(Execution& execution, const Regs& r, Exit exit) noexcept {
    save(execution, r);
    execution.detail = exit == Exit::memory_out_of_bounds ? r.mem_size : r.acc;
    execution.acc = r.acc;
    execution.l0 = r.l0;
    execution.l1 = r.l1;
    execution.facc = r.facc;
    execution.f0 = r.f0;
}

Regs restore(Execution& execution) noexcept {
    Regs r{};
    restore(r, execution);
    r.acc = execution.acc;
    r.l0 = execution.l0;
    r.l1 = execution.l1;
    r.facc = execution.facc;
    r.f0 = execution.f0;
    return r;
}

/// Whether the instruction that stopped is to be tried again: another thread may have grown a shared memory
/// since its size was last read, and the stack can grow.
bool retry(Regs& r, Exit exit) noexcept {
    if (exit == Exit::call_stack_exhausted) {
        Execution& execution = *r.inst->execution;
        save(execution, r);
        if ((r.ip != nullptr && checks_stack(*r.ip)) || !grow_stack(execution)) // null: the run begins
            return false;
        r.fp = execution.fp;
        r.rp = execution.rp;
        load_memory(r); // leave has put the exit in its place
        return true;
    }
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
    if (exit == Exit::done) // the results are all that is left
        return exit;
    Regs r{ip, fp, nullptr, mem_size, inst, rp, acc, l0, l1, facc, f0};
    if (retry(r, exit))
        WARPBEAM_DISPATCH(r);
    save(*inst->execution, r, exit);
    return exit;
}

namespace {
Exit start(Regs& r) noexcept {
    return r.ip->current()(r.ip, r.fp, r.mem, r.mem_size, r.inst, r.rp, r.acc, r.l0, r.l1, r.facc, r.f0);
}
} // namespace
#else
namespace {
Exit start(Regs& r) noexcept {
    Exit exit;
    do {
        profile(*r.ip);
        exit = r.ip->current()(r);
    } while (exit == Exit::none || retry(r, exit));
    if (exit != Exit::done) // the results are all that is left
        save(*r.inst->execution, r, exit);
    return exit;
}
} // namespace
#endif

namespace {
/// A host function that no code has called; its arguments are the first values of the stack.
[[nodiscard]] Exit call_host_alone(Execution& execution, HostFunc& host) noexcept {
    const Exit exit = call_host(execution, host, nullptr, execution.stack);
    return exit == Exit::none ? Exit::done : exit;
}
} // namespace

Exit run(Execution& execution, FuncInst& func) noexcept {
    execution.rp = execution.stack_end;
    execution.excess = 0;
    if (func.instance == nullptr) {
        const Code* const code = func.cell->code.load(std::memory_order_relaxed);
        execution.ip = code->entry();
        execution.inst = nullptr;
        execution.fp = execution.stack;
        execution.free = execution.stack + code->frame_slots;
        return call_host_alone(execution, *func.host);
    }
    Regs r{};
    r.rp = execution.stack_end - 1;
    *r.rp = {exit_instr(), execution.stack};
    r.fp = execution.stack;
    r.inst = func.instance;
    r.inst->execution = &execution;
    load_memory(r);
    Exit exit = enter<true>(r, *func.cell, r.fp, nullptr);
    if (exit == Exit::none) [[likely]]
        return start(r);
    Regs copy = r; // if `retry` took its address, `r` would lie in memory
    while (retry(copy, exit)) {
        exit = enter<true>(copy, *func.cell, copy.fp, nullptr);
        if (exit == Exit::none)
            return start(copy);
    }
    save(execution, copy, exit);
    return exit;
}

Exit continue_run(Execution& execution) noexcept {
    if (execution.rp == execution.stack_end) // it was interrupted, and is called again
        return call_host_alone(execution, *host_at(execution.ip));
    Regs r = restore(execution);
    return start(r);
}

Exit return_from_host(Execution& execution) noexcept {
    if (execution.rp == execution.stack_end) // no code called it
        return Exit::done;
    Regs r = restore(execution);
    leave_host_frame(r);
    return start(r);
}

Exit throw_from_host(Execution& execution) noexcept {
    if (execution.rp == execution.stack_end)
        return Exit::uncaught_exception;
    Regs r = restore(execution);
    const Exit exit = raise(r, execution, execution.detail);
    if (exit == Exit::none)
        return start(r);
    save(execution, r, exit);
    return exit;
}

} // namespace warpbeam::vm
