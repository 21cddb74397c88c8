#include <warpbeam/memory/discard_pages.hpp>

#include <cstdint>

#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace warpbeam {

void discard_pages(void* begin, size_t bytes) noexcept {
#ifdef __linux__
    const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    const auto address = reinterpret_cast<uintptr_t>(begin);
    const uintptr_t from = (address + page - 1) / page * page;
    const uintptr_t to = (address + bytes) / page * page;
    if (from < to)
        (void)madvise(reinterpret_cast<void*>(from), to - from,
                      MADV_DONTNEED); // at worst, freeing takes longer
#else
    (void)begin, (void)bytes; // elsewhere this is only advice, or has another name
#endif
}

} // namespace warpbeam
