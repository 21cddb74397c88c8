#include "store/native_stack.hpp"

#include <algorithm>
#include <cstdint>

#if defined(__linux__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace warpbeam::vm {
namespace {

/// Where the stack of a thread lies; empty when that can't be told.
struct Bounds {
    bool known = false; ///< whether it has been asked for
    uintptr_t low = 0;
    uintptr_t high = 0;
};

Bounds find_bounds() noexcept {
#if defined(__linux__)
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return {.known = true};
    void* base = nullptr;
    size_t size = 0;
    size_t guard = 0;
    const bool found = pthread_attr_getstack(&attributes, &base, &size) == 0 &&
                       pthread_attr_getguardsize(&attributes, &guard) == 0 && guard < size;
    pthread_attr_destroy(&attributes);
    if (!found)
        return {.known = true};
    const auto low = reinterpret_cast<uintptr_t>(base);
    return {.known = true, .low = low + guard, .high = low + size};
#elif defined(__APPLE__)
    const auto high = reinterpret_cast<uintptr_t>(pthread_get_stackaddr_np(pthread_self()));
    return {.known = true, .low = high - pthread_get_stacksize_np(pthread_self()), .high = high};
#else
    return {.known = true};
#endif
}

} // namespace

bool has_native_stack(size_t reserve) noexcept {
    thread_local constinit Bounds bounds;
    if (!bounds.known) [[unlikely]]
        bounds = find_bounds();
    const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
    if (here < bounds.low || here >= bounds.high)
        return true;
    return here - bounds.low >= std::min<uintptr_t>(reserve, (bounds.high - bounds.low) / 4);
}

} // namespace warpbeam::vm
