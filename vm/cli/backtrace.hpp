#pragma once

#include <warpbeam/vm/trap.hpp>

#include <span>
#include <string>

/// Where a program stopped, with source files and lines if the module has them. See docs/backtraces.md.

namespace warpbeam::cli {

/// A line for each function, innermost first, and hints; each line follows a line break. Empty without
/// frames. Safe to print.
[[nodiscard]] std::string describe(std::span<const Frame> backtrace);
/// The message, the backtrace, and the traps that caused this one.
[[nodiscard]] std::string describe(const Trap& trap);

} // namespace warpbeam::cli
