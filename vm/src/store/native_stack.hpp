#pragma once

#include <cstddef>

namespace warpbeam::vm {

/// Whether this thread's native stack has `reserve` bytes left, or a quarter of its size if that is less.
/// True where that can't be told: on other platforms than Linux and macOS, and on a stack that the embedder
/// made itself, as for coroutines.
[[nodiscard]] bool has_native_stack(size_t reserve) noexcept;

} // namespace warpbeam::vm
