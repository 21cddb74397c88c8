#pragma once

#include <warpbeam/loader/module.hpp>

namespace warpbeam::vm {

inline constexpr uint32_t no_stack_pointer = UINT32_MAX;

/// The global that guests compiled by LLVM lower and raise for their C frames, which lie in memory: one that
/// is imported or exported as `__stack_pointer`, or the first one that the module defines, if a function
/// lowers it as those of C do. `no_stack_pointer` if there is none. Reads all code in the worst case.
[[nodiscard]] uint32_t find_stack_pointer(const Module& module) noexcept;

} // namespace warpbeam::vm
