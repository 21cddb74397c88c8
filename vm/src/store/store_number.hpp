#pragma once

#include <cstdint>

namespace warpbeam::vm {

/// A number for a new store, unique in this process. Never 0.
[[nodiscard]] uint64_t take_store_number() noexcept;
/// Records that the store was destroyed.
void end_store_number(uint64_t number) noexcept;

/// Whether a store exists, and which thread is using it.
enum class StoreState : uint8_t { usable, ended, in_use };

#if WARPBEAM_CHECKS
/// Records that this thread is using the store, unless it was destroyed or another thread is using it. Calls
/// may be nested; each call that returned `usable` must be followed by `leave_store`. A number for which
/// memory ran out is always usable.
[[nodiscard]] StoreState enter_store(uint64_t number) noexcept;
void leave_store(uint64_t number) noexcept;
#endif

} // namespace warpbeam::vm
