#pragma once

#include "handlers/instance_data.hpp"
#include "store/data_images.hpp"

#include <warpbeam/memory/vec.hpp>

/// The seam between lowering and handlers on one side, and stores, instances and the public API on the other.

namespace warpbeam::vm {

struct CatchClause;
class Layouts;

/// What code asks of the engine; fixed when the engine is made.
struct CodeOptions {
    bool fuel = false;        ///< count it at calls and loop heads
    bool interrupt = false;   ///< look for it there
    bool guard_pages = false; ///< every memory with 32-bit addresses and 64 KiB pages is guarded
    Layouts* layouts = nullptr;
    /// Where code is kept; never null.
    Allocator* allocator = nullptr;
};

/// The threaded code of one module, shared by its instances and threads; attached to the Module.
class ModuleCode final : public Module::Attachment {
public:
    /// The one that is attached to the module, or a fresh one; null when there is no memory.
    [[nodiscard]] static ModuleCode* of(const Module& module, const CodeOptions& options) noexcept;

    /// The cell of a function that the module defines, by its index in the function index space.
    [[nodiscard]] CodeCell* cell(uint32_t func) noexcept;
    /// Lowers a function now, unless that has been done. Any thread may. `none`, out_of_memory, or
    /// `limit` when the frame is too large for an instruction's operands.
    [[nodiscard]] Exit lower(uint32_t func) noexcept;
    [[nodiscard]] Exit lower_all() noexcept;

    /// The function whose code holds `ip`, and the byte offset in the module of the instruction that `ip` was
    /// made from (with `after` set: `ip` is a return address, and the call before it is meant). Computed by
    /// lowering once more, so that nothing is stored for it.
    struct Position {
        uint32_t func = UINT32_MAX;
        size_t offset = Error::no_offset;
    };
    [[nodiscard]] Position locate(const Instr* ip, bool after) noexcept;
    /// The code that holds `ip`, which is meant as for `locate`; null for what belongs to no function.
    [[nodiscard]] const Code* find(const Instr* ip, bool after) noexcept;

    /// The images of the module's memories, made when they are asked for the second time: the first instance
    /// may stay the only one. Null when there are none. Any thread may ask.
    [[nodiscard]] const DataImages* images() noexcept;

    void drop() noexcept override;

private:
    ModuleCode(const Module& module, const CodeOptions& options) noexcept;
    ~ModuleCode() = default;
    friend ModuleCode* create<ModuleCode, const Module&, const CodeOptions&>(Allocator&, const Module&,
                                                                             const CodeOptions&);
    friend void destroy<ModuleCode>(Allocator&, ModuleCode*) noexcept;
    struct Impl;
    [[nodiscard]] const Code* find_locked(const Instr* ip, bool after) noexcept;
    const Module& module_;
    CodeOptions options_;
    Vec<CodeCell> cells_;
    Vec<Code*> codes_; ///< by function
    /// The same by their addresses, up to those lowered since `find` was asked the last time.
    Vec<const Code*> by_address_;
    size_t sorted_ = 0;
    std::atomic_flag lock_ = ATOMIC_FLAG_INIT;
    std::atomic_flag asked_for_images_ = ATOMIC_FLAG_INIT;
    std::atomic<DataImages*> images_ = nullptr;
};

/// Runs `func` with its arguments in `frame` (which lies at or above `execution.free`) until it returns or
/// traps. On `done` the results are in `frame`. On any other exit the execution tells where it stands: ip,
/// rp, fp, inst and detail describe the frame that failed, and the records from `base_rp` (the value of
/// execution.rp before the call) up to rp its callers. Precondition: frame + max(params, results) slots + 1
/// fit the stack.
[[nodiscard]] Exit run(Execution& execution, FuncInst& func, InstanceData* caller, Slot* frame) noexcept;

/// Whether a record is that of a switch of instances (the `ip` of the record below is the caller's
/// InstanceData), or the one at the bottom of a run; a walk over the records needs both.
[[nodiscard]] bool is_restore_record(const Record& record) noexcept;
[[nodiscard]] bool is_bottom_record(const Record& record) noexcept;

/// Called by the handler of a host function: runs it over its arguments, which are in `frame`, and leaves the
/// results there. `caller` is the instance whose code called, null when the host did. `none` or `host_trap`,
/// or `uncaught_exception` when it threw: then the exception is the execution's `detail`. Defined by the
/// runtime.
[[nodiscard]] Exit call_host(Execution& execution, HostFunc& host, InstanceData* caller,
                             Slot* frame) noexcept;

/// Makes an exception of what lies from `payload` on, above which nothing of the running frame is in use.
/// The execution tells where the code stands. `none`, or why there is no room for it.
[[nodiscard]] Exit make_exception(Execution& execution, const TagInst& tag, Slot* payload,
                                  Slot& exception) noexcept;

/// Throws an exception where `execution` stands: goes through the frames of this run of the interpreter, the
/// innermost first, to one that catches it. If there is one, the execution then stands at the clause's target
/// in that frame, and what the clause wants is in its slots; the clause is returned. Null when nothing
/// catches it; then nothing has changed.
/// https://webassembly.github.io/spec/core/exec/instructions.html#xref-exec-instructions-exec-throw-ref
[[nodiscard]] const CatchClause* unwind(Execution& execution, Slot exception) noexcept;

/// The code that a host function's cell points to: its frame has room for the parameters and results.
/// `header` must outlive the cell; it is written here.
struct HostCode {
    Code header;
    Instr instr;
};
void make_host_code(HostCode& code, uint32_t frame_slots) noexcept;

} // namespace warpbeam::vm
