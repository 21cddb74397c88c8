#pragma once

#include <warpbeam/vm/trap_code.hpp>

namespace warpbeam::vm {

/// Why a chain of handlers ended. Handlers return it; everything but `none` leaves the interpreter.
enum class Exit : uint32_t {
    none,
    done,      ///< the outermost function returned
    host_call, ///< a host function waits for its answer: its frame is the execution's last one
    host_trap, ///< a host function trapped; the store holds its trap
// A trap. The execution's `detail` is the effective address for `memory_out_of_bounds` and
// `unaligned_atomic`, and the index for `table_out_of_bounds`, `undefined_element` and
// `uninitialized_element`.
#define WARPBEAM_TRAP_CODE(id, words) id,
#include <warpbeam/vm/trap_codes.inc>
#undef WARPBEAM_TRAP_CODE
};

/// The code of a trap. Precondition: the exit is a trap, and the store holds none.
[[nodiscard]] constexpr TrapCode code_of(Exit exit) noexcept {
    return static_cast<TrapCode>(static_cast<uint32_t>(exit) - static_cast<uint32_t>(Exit::host_trap) - 1);
}

} // namespace warpbeam::vm
