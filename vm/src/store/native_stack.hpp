#pragma once

#include <warpbeam/memory/locks.hpp>

#include <cstdint>

namespace warpbeam::vm {

/// The lowest address of this thread's native stack. 0 if it is unknown; before the first look-up the largest
/// number, so that every address is below it. In a shared library of glibc every call would look for it by a
/// function (decision 0029); glibc keeps room for such variables of libraries that are loaded later, others
/// don't.
#if defined(__GLIBC__) && WARPBEAM_HOST_THREADS
[[gnu::tls_model("initial-exec")]]
#endif
extern constinit WARPBEAM_THREAD_LOCAL int64_t native_stack_low;

/// Like `has_native_stack`, but reads the thread's attributes.
[[nodiscard]] bool look_up_native_stack(int64_t reserve) noexcept;

/// g++ extends the sign of a pointer that it converts to a larger integer.
[[nodiscard]] inline int64_t address_of(const void* place) noexcept {
    return static_cast<int64_t>(reinterpret_cast<uintptr_t>(place));
}

/// Whether this thread's native stack has `reserve` bytes left, or a quarter of its size if that is less.
/// True if that is unknown: on platforms other than Linux, macOS and Windows, and on a stack that the
/// embedder allocated itself, for example for a coroutine.
[[nodiscard]] inline bool has_native_stack(int64_t reserve) noexcept {
    const auto here = address_of(__builtin_frame_address(0));
    return here - native_stack_low >= reserve || look_up_native_stack(reserve);
}

} // namespace warpbeam::vm
