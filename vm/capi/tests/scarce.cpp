#include "blocks.h"

#include <atomic>
#include <new>

/// Replaces where the library's memory comes from, so that it can run out.

namespace {
// Threads do not wait for each other here, which would hide from ThreadSanitizer that they should elsewhere.
constexpr auto relaxed = std::memory_order_relaxed;
std::atomic<size_t> allowed = SIZE_MAX;
std::atomic<bool> fails_once = false;
std::atomic<size_t> failed = 0;
std::atomic<size_t> live = 0;
} // namespace

extern "C" {
size_t allow_allocations(size_t count, bool then_fail_once);
size_t live_blocks();
size_t failed_allocations();

size_t allow_allocations(size_t count, bool then_fail_once) {
    allowed = count;
    fails_once = then_fail_once;
    failed = 0;
    return live;
}
size_t live_blocks() { return live; }
size_t failed_allocations() { return failed; }
}

#ifdef WARPBEAM_WRAP_NEW
// The linker calls these instead (--wrap).
#define NEW __wrap__ZnwmSt11align_val_tRKSt9nothrow_t
#define DELETE __wrap__ZdlPvSt11align_val_tRKSt9nothrow_t
extern "C" {
void* NEW(size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept;
void DELETE(void* block, std::align_val_t, const std::nothrow_t&) noexcept;
}
#else
#define NEW operator new
#define DELETE operator delete
#endif

void* NEW(size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    if (allowed.load(relaxed) == 0) {
        failed.fetch_add(1, relaxed);
        if (fails_once.load(relaxed))
            allowed.store(SIZE_MAX, relaxed);
        return nullptr;
    }
    if (allowed.load(relaxed) != SIZE_MAX)
        allowed.fetch_sub(1, relaxed);
    void* const block = new_block(size, static_cast<size_t>(alignment));
    if (block == nullptr)
        return nullptr;
    live.fetch_add(1, relaxed);
    return block;
}
void DELETE(void* block, std::align_val_t, const std::nothrow_t&) noexcept {
    if (block != nullptr)
        live.fetch_sub(1, relaxed);
    free_block(block);
}
