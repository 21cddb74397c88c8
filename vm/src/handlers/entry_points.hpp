#pragma once

#include "handlers/instance_data.hpp"

/// What running code asks of the layers above it, which `store` implements.

namespace warpbeam::vm {

struct CatchClause;

/// Lowers the function whose cell points to the stub. `none`, or why that can't be done.
[[nodiscard]] Exit lower_function(const CodeCell& cell) noexcept;

/// Called by the handler of a host function: runs it over its arguments, which are in `frame`, and leaves the
/// results there. `caller` is the instance whose code called, null when the host did. `none` or `host_trap`,
/// or `uncaught_exception` when it threw: then the exception is the execution's `detail`.
[[nodiscard]] Exit call_host(Execution& execution, HostFunc& host, InstanceData* caller,
                             Slot* frame) noexcept;

/// Grows a memory by `pages`; the old size in pages, or -1 when the type, a limit or the allocator forbids
/// it. A table by `count` elements that are `value`; the old size, or -1.
[[nodiscard]] int64_t grow(MemoryInst& memory, uint64_t pages) noexcept;
[[nodiscard]] int64_t grow(TableInst& table, uint64_t count, Slot value) noexcept;

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

} // namespace warpbeam::vm
