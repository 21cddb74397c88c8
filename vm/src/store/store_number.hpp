#pragma once

#include <cstdint>

namespace warpbeam::vm {

/// A number for a store that no other in this process ever has. Never 0.
[[nodiscard]] uint64_t take_store_number() noexcept;
/// Says that the store has ended.
void end_store_number(uint64_t number) noexcept;

/// Whether a store is there, and whose it is at this moment.
enum class StoreState : uint8_t { usable, ended, in_use };

#if WARPBEAM_CHECKS
/// Takes note that this thread uses the store, unless it has ended or another thread uses it. Calls nest;
/// each one that returned `usable` is followed by `leave_store`. Numbers that the library ran out of memory
/// for are always usable.
[[nodiscard]] StoreState enter_store(uint64_t number) noexcept;
void leave_store(uint64_t number) noexcept;
#endif

} // namespace warpbeam::vm
