#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

/// Plain accesses to bytes that other threads may use at the same time, as WebAssembly allows for shared
/// memories: such an access may see any mixture, byte by byte, of concurrent writes, but has no other effect.
/// C++ has no such access that is also fast for any address and size, so these use the machine instructions
/// that a compiler generates for memcpy, memmove and memset. ThreadSanitizer would report the guest's races
/// as ours, so builds with it use bytewise accesses that it does not instrument. It still sees every atomic
/// access, and so the ordering that those create.
/// https://github.com/WebAssembly/threads/blob/main/proposals/threads/Overview.md

#if defined(__SANITIZE_THREAD__)
#define WARPBEAM_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WARPBEAM_THREAD_SANITIZER 1
#endif
#endif

namespace warpbeam {

#ifdef WARPBEAM_THREAD_SANITIZER

namespace detail {
/// `volatile` keeps the compiler from turning this into a call of memmove, which is instrumented.
__attribute__((noinline, no_sanitize("thread"))) inline void
unwatched_copy(volatile uint8_t* to, const volatile uint8_t* from, size_t size) noexcept {
    if (reinterpret_cast<uintptr_t>(to) <= reinterpret_cast<uintptr_t>(from))
        for (size_t i = 0; i < size; ++i)
            to[i] = from[i];
    else
        for (size_t i = size; i-- != 0;)
            to[i] = from[i];
}
__attribute__((noinline, no_sanitize("thread"))) inline void
unwatched_fill(volatile uint8_t* to, uint8_t value, size_t size) noexcept {
    for (size_t i = 0; i < size; ++i)
        to[i] = value;
}
} // namespace detail

/// Like memcpy, for a few bytes whose number is a constant.
template <size_t size>
void racing_access(void* to, const void* from) noexcept {
    detail::unwatched_copy(static_cast<uint8_t*>(to), static_cast<const uint8_t*>(from), size);
}
/// Like memmove. Null pointers are allowed if `size` is 0.
inline void racing_copy(void* to, const void* from, size_t size) noexcept {
    detail::unwatched_copy(static_cast<uint8_t*>(to), static_cast<const uint8_t*>(from), size);
}
/// Like memset. A null pointer is allowed if `size` is 0.
inline void racing_fill(void* to, uint8_t value, size_t size) noexcept {
    detail::unwatched_fill(static_cast<uint8_t*>(to), value, size);
}

#else

/// Like memcpy, for a few bytes whose number is a constant.
template <size_t size>
[[gnu::always_inline]] inline void racing_access(void* to, const void* from) noexcept {
    std::memcpy(to, from, size);
}
/// Like memmove. Null pointers are allowed if `size` is 0.
inline void racing_copy(void* to, const void* from, size_t size) noexcept {
    if (size != 0)
        std::memmove(to, from, size);
}
/// Like memset. A null pointer is allowed if `size` is 0.
inline void racing_fill(void* to, uint8_t value, size_t size) noexcept {
    if (size != 0)
        std::memset(to, value, size);
}

#endif

} // namespace warpbeam
