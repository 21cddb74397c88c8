#pragma once

#include "handlers/instance_data.hpp"
#include "isa/exit.hpp"

#include <warpbeam/vm/func.hpp>

/// Calls from the host into a store.
/// https://webassembly.github.io/spec/core/exec/modules.html#invocation

namespace warpbeam::vm {

/// The trap of a run that has failed.
[[nodiscard]] Trap trap_of(Exit exit, const Execution& execution) noexcept;

/// Calls a function with the `params` argument slots in `frame`, which must have the right types, and leaves
/// `results` slots there.
std::expected<void, Trap> invoke(FuncInst& func, uint64_t* frame, size_t params, size_t results) noexcept;
/// The same with values, whose types are checked.
std::expected<void, Trap> invoke(FuncInst& func, std::span<const Value> args,
                                 std::span<Value> results) noexcept;

} // namespace warpbeam::vm
