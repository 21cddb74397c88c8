#pragma once

/// Memory accesses without bounds checks of ours: what lies outside faults, and the handler of SIGSEGV sends
/// the thread to the place that the access names for this case. A table of all such accesses tells it which
/// instructions are ours; every other fault is none of our business.
/// See docs/decisions/0008-guard-pages.md.

#include "isa/variants.hpp"

namespace warpbeam::vm {

/// Makes faults of guarded accesses traps, from now on in the whole process; others go on to the handler that
/// was there before. False where there are no guarded accesses.
/// Thread-safety: any thread at any time.
[[nodiscard]] bool catch_faults() noexcept;

} // namespace warpbeam::vm
