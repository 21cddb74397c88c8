#pragma once

#include "handlers/instance_data.hpp"

#include <warpbeam/vm/observed.hpp>

/// What running code calls in the layers above; `store` implements it.

namespace warpbeam::vm {

struct CatchClause;

/// Lowers the function whose cell points to the stub. Returns `none`, `interrupted` if the execution is, or
/// the reason for failure.
[[nodiscard]] Exit lower_function(const CodeCell& cell, const Execution& execution) noexcept;

/// Called by the handler of a host function: runs the function on the arguments in `frame`, and leaves the
/// results there. `caller` is the calling instance, or null if the host called. Returns `none` or
/// `host_trap`, or `uncaught_exception` if it threw: the exception is then in the execution's `detail`.
[[nodiscard]] Exit call_host(Execution& execution, HostFunc& host, InstanceData* caller,
                             Slot* frame) noexcept;

/// Tells the engine's observer of an event; the execution records the position of the code.
void observe(Execution& execution, Observed event, const Slot* operands) noexcept;

/// Gives an execution a larger stack, whose `fp`, `free` and `rp` then stand for the same; false when the
/// limit or the allocator forbids it.
[[nodiscard]] bool grow_stack(Execution& execution) noexcept;

/// Grows a memory by `pages`, or a table by `count` elements with the value `value`. Returns the old size, or
/// -1 if the type, a limit or the allocator forbids it.
[[nodiscard]] int64_t grow(MemoryInst& memory, uint64_t pages) noexcept;
/// The same for code: takes fuel for the bytes that it adds; false, and nothing done, if there is not enough.
[[nodiscard]] bool grow_for_fuel(MemoryInst& memory, uint64_t pages, int64_t& fuel, int64_t& old) noexcept;
[[nodiscard]] int64_t grow(TableInst& table, uint64_t count, Slot value) noexcept;

/// Makes an exception from the values at `payload`, above which the current frame uses nothing. The execution
/// must record the position of the code. Returns `none`, or why there is no room for it.
[[nodiscard]] Exit make_exception(Execution& execution, const TagInst& tag, Slot* payload,
                                  Slot& exception) noexcept;

/// Gives a new object a continuation that is to run `func`. The object must be where the collector sees it.
/// Returns `none`, or why there is no room for it.
[[nodiscard]] Exit make_continuation(StoreImpl& store, FuncInst& func, ContObject& object) noexcept;
/// Frees a continuation that does not run, and those that wait for it.
void free_continuations(StoreImpl& store, Continuation* inner) noexcept;

/// Throws an exception where `execution` stands: searches the frames of this run of the interpreter,
/// innermost first, for one that catches it. If found, the execution then stands at the clause's target in
/// that frame, with the clause's values in its slots; returns the clause. Returns null and changes nothing if
/// no frame catches it. https://webassembly.github.io/spec/core/exec/instructions.html#exec-throw-ref
[[nodiscard]] const CatchClause* unwind(Execution& execution, Slot exception) noexcept;

} // namespace warpbeam::vm
