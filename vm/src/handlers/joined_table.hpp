#pragma once

#include "handlers/handler_table.hpp"

/// Looks up the handlers of joined instructions (joined.hpp).

namespace warpbeam::vm {

/// The handler that does the work of one instruction and of the next one; `first` may be such a handler
/// itself. Null if there is none, as in all builds without tail calls.
[[nodiscard]] Handler find_joined(Handler first, Handler next) noexcept;

/// @{ All of them, for a disassembler to find out what the first instruction is.
struct JoinedEntry {
    Handler handler;
    Choice first;
};
[[nodiscard]] size_t joined_entries() noexcept;
[[nodiscard]] JoinedEntry joined_entry(size_t i) noexcept;
/// @}

} // namespace warpbeam::vm
