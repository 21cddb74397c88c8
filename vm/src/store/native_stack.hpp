#pragma once

#include <cstdint>

namespace warpbeam::vm {

/// The lowest address of this thread's native stack: 0 where that can't be told, and before it was looked up the
/// largest number, below which no address lies.
extern constinit thread_local int64_t native_stack_low;

/// The same as `has_native_stack`, from the thread's attributes.
[[nodiscard]] bool look_up_native_stack(int64_t reserve) noexcept;

/// Whether this thread's native stack has `reserve` bytes left, or a quarter of its size if that is less.
/// True where that can't be told: on other platforms than Linux and macOS, and on a stack that the embedder
/// made itself, as for coroutines.
[[nodiscard]] inline bool has_native_stack(int64_t reserve) noexcept {
    const auto here = reinterpret_cast<int64_t>(__builtin_frame_address(0));
    return here - native_stack_low >= reserve || look_up_native_stack(reserve);
}

} // namespace warpbeam::vm
