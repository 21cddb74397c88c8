#pragma once

#include "isa/instr.hpp"

/// Counts executed instructions and pairs of consecutive ones, to find the next fusion. Only in builds with
/// WARPBEAM_PROFILE, which use the loop backend; see bench/pairs.py.

namespace warpbeam::vm {

#ifdef WARPBEAM_PROFILE
/// Records that the instruction at `instr` is executed after the last one.
void profile(const Instr& instr) noexcept;
#else
inline void profile(const Instr&) noexcept {}
#endif

} // namespace warpbeam::vm
