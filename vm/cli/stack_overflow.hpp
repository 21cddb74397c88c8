#pragma once

#include <warpbeam/vm/trap.hpp>

#include <string>

namespace warpbeam::cli {

/// What to do if a trap was probably caused by a C stack that is too small; otherwise empty.
[[nodiscard]] std::string stack_overflow_hint(const Trap& trap);

} // namespace warpbeam::cli
