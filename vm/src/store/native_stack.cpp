#include "store/native_stack.hpp"

#include <algorithm>
#include <cstdint>

#if defined(__linux__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace warpbeam::vm {
namespace {

/// The address range of the thread's stack; empty if it is unknown.
struct Bounds {
    bool known = false; ///< whether it was determined already
    int64_t low = 0;
    int64_t high = 0;
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
    const auto low = reinterpret_cast<int64_t>(base);
    return {
        .known = true, .low = low + static_cast<int64_t>(guard), .high = low + static_cast<int64_t>(size)};
#elif defined(__APPLE__)
    const auto high = reinterpret_cast<int64_t>(pthread_get_stackaddr_np(pthread_self()));
    return {.known = true,
            .low = high - static_cast<int64_t>(pthread_get_stacksize_np(pthread_self())),
            .high = high};
#else
    return {.known = true};
#endif
}

} // namespace

constinit thread_local int64_t native_stack_low = INT64_MAX;

bool look_up_native_stack(int64_t reserve) noexcept {
    // Kept, since it may take a system call.
    thread_local constinit Bounds bounds;
    if (!bounds.known) {
        bounds = find_bounds();
        native_stack_low = bounds.low;
    }
    const auto here = reinterpret_cast<int64_t>(__builtin_frame_address(0));
    if (here < bounds.low || here >= bounds.high)
        return true;
    return here - bounds.low >= std::min(reserve, (bounds.high - bounds.low) / 4);
}

} // namespace warpbeam::vm
