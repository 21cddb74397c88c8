#pragma once

#include "handlers/instance_data.hpp"

/// How the layers above run code and read its stacks.

namespace warpbeam::vm {

/// Runs `func` in a fresh execution with the arguments at the beginning of its stack until it returns or
/// traps. On `done` the results are there. On any other exit the execution records the position: ip, rp, fp,
/// inst and detail describe the frame that failed, the records from rp up to its end the callers.
/// Precondition: max(params, results) slots and `call_records` fit the stack.
[[nodiscard]] Exit run(Execution& execution, FuncInst& func) noexcept;

/// Continues where an execution was interrupted or out of fuel. It ends as in `run`.
[[nodiscard]] Exit continue_run(Execution& execution) noexcept;
/// Continues after a host call, whose results are in its frame.
[[nodiscard]] Exit return_from_host(Execution& execution) noexcept;
/// Throws the exception in the execution's `detail` where the host was called.
[[nodiscard]] Exit throw_from_host(Execution& execution) noexcept;

/// The instruction that a continuation begins with, and the one that ends it, to which the bottom record of
/// its stack returns.
[[nodiscard]] const Instr* begin_instr() noexcept;
[[nodiscard]] const Instr* finish_instr() noexcept;
/// Whether a record switches instances (the `ip` of the record below is the caller's InstanceData), or is the
/// bottom record of a run or of a continuation; a walk over the records needs both.
[[nodiscard]] bool is_restore_record(const Record& record) noexcept;
[[nodiscard]] bool is_bottom_record(const Record& record) noexcept;
/// Calls `visit(InstanceData&, const Record&)` for the frames below the top one of a stack, the innermost
/// first, until it returns false; returns whether it never did.
template <typename Visit>
bool visit_callers(const StackState& state, Visit visit) noexcept {
    InstanceData* inst = state.inst;
    for (const Record* next = state.rp; next != state.stack_end;) {
        const Record& record = *next++;
        if (is_bottom_record(record))
            break;
        if (is_restore_record(record))
            inst = reinterpret_cast<InstanceData*>(const_cast<Instr*>((next++)->ip));
        else if (!visit(*inst, record))
            return false;
    }
    return true;
}

/// Whether an instruction is the check of the stack at the entry of a function.
[[nodiscard]] bool checks_stack(const Instr& instr) noexcept;
/// How many slots a frame of this code takes beyond those that count (StackState::excess).
[[nodiscard]] uint64_t excess_of(const Code& code) noexcept;

/// The host function whose call stands at `ip`; null if that is something else.
[[nodiscard]] HostFunc* host_at(const Instr* ip) noexcept;
/// The function that was called, but is not lowered yet, if that stands at `ip`; the accumulator says which.
[[nodiscard]] const CodeCell* cell_at(const Instr* ip, uint64_t acc) noexcept;

/// The code that a host function's cell points to: its frame has room for the parameters and results. It is
/// written to `header`, which must outlive the cell.
struct HostCode {
    Code header;
    Instr instr;
};
void make_host_code(HostCode& code, HostFunc& func, uint32_t frame_slots) noexcept;

} // namespace warpbeam::vm
