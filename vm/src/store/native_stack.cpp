#include "store/native_stack.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#if defined(__linux__) || defined(__APPLE__)
#include <pthread.h>
#endif
#if defined(_WIN32)
#include <windows.h>
#endif
#if defined(__linux__)
#include <sys/auxv.h>
#include <sys/resource.h>
#include <unistd.h>
#endif

namespace warpbeam::vm {
namespace {

/// The address range of the thread's stack; empty if it is unknown.
struct Bounds {
    bool known = false; ///< whether it was determined already
    int64_t low = 0;
    int64_t high = 0;
};

#if defined(__linux__)
/// Those of the main thread, unless its stack may grow far: the system keeps 128 MiB free for that, and only
/// pthread_getattr_np looks for what is mapped below. It reads a file for that, which takes longer than all
/// the rest.
Bounds find_main_bounds() noexcept {
    constexpr rlim_t always_free = 64 << 20;
    rlimit limit{};
    const auto* const name = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
    const int64_t page = sysconf(_SC_PAGESIZE);
    if (getpid() != gettid() || name == nullptr || page <= 0 || getrlimit(RLIMIT_STACK, &limit) != 0 ||
        limit.rlim_cur > always_free)
        return {};
    // The program's name is the last thing on the stack, before a null pointer.
    const auto end = address_of(name + std::strlen(name) + 1 + sizeof(void*));
    const int64_t high = (end + page - 1) / page * page;
    const int64_t low = high - static_cast<int64_t>(limit.rlim_cur) / page * page;
    return {.known = true, .low = low, .high = high};
}
#endif

Bounds find_bounds() noexcept {
#if defined(__linux__)
    if (const Bounds main = find_main_bounds(); main.known)
        return main;
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
    const auto low = address_of(base);
    return {
        .known = true, .low = low + static_cast<int64_t>(guard), .high = low + static_cast<int64_t>(size)};
#elif defined(__APPLE__)
    const auto high = address_of(pthread_get_stackaddr_np(pthread_self()));
    return {.known = true,
            .low = high - static_cast<int64_t>(pthread_get_stacksize_np(pthread_self())),
            .high = high};
#elif defined(_WIN32)
    // The lowest page is never used, and the system needs some more to report that the stack is full.
    constexpr int64_t reserved = 16 << 10;
    ULONG_PTR low = 0;
    ULONG_PTR high = 0;
    GetCurrentThreadStackLimits(&low, &high);
    return {.known = true, .low = static_cast<int64_t>(low) + reserved, .high = static_cast<int64_t>(high)};
#else
    return {.known = true};
#endif
}

} // namespace

constinit WARPBEAM_THREAD_LOCAL int64_t native_stack_low = INT64_MAX;

bool look_up_native_stack(int64_t reserve) noexcept {
    // Kept, since it may take a system call.
    static constinit WARPBEAM_THREAD_LOCAL Bounds bounds;
    if (!bounds.known) {
        bounds = find_bounds();
        native_stack_low = bounds.low;
    }
    const auto here = address_of(__builtin_frame_address(0));
    if (here < bounds.low || here >= bounds.high)
        return true;
    return here - bounds.low >= std::min(reserve, (bounds.high - bounds.low) / 4);
}

} // namespace warpbeam::vm
