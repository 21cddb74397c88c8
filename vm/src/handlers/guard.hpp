#pragma once

/// Memory accesses without our own bounds checks: an access out of bounds faults, and the SIGSEGV handler
/// continues at the address that the access has registered for this case. A table of all such accesses tells
/// the handler which instructions are ours; it ignores every other fault. See
/// docs/decisions/0008-guard-pages.md.

#include "isa/variants.hpp"

namespace warpbeam::vm {

/// Turns faults of guarded accesses into traps, from now on and in the whole process; other faults go to the
/// previous handler. False if there are no guarded accesses. Thread-safety: any thread at any time.
[[nodiscard]] bool catch_faults() noexcept;

} // namespace warpbeam::vm
