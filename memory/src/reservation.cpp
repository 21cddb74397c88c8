#include <warpbeam/memory/reservation.hpp>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#include <unistd.h>
#define WARPBEAM_HAS_MMAP 1
#else
#define WARPBEAM_HAS_MMAP 0
#endif

namespace warpbeam {

// A reservation is larger than the memory it will hold, which only a 64-bit address space has room for.
#if WARPBEAM_HAS_MMAP && UINTPTR_MAX > UINT32_MAX

namespace {

size_t round_up(size_t size) noexcept {
    static const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    return (size + page - 1) & ~(page - 1);
}

#ifdef MAP_NORESERVE
constexpr int reserve_flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
#else
constexpr int reserve_flags = MAP_PRIVATE | MAP_ANONYMOUS;
#endif

} // namespace

Reservation::~Reservation() {
    if (base_ != nullptr)
        munmap(base_, size_);
}

Reservation Reservation::reserve(size_t size) noexcept {
    Reservation result;
    const size_t rounded = round_up(size);
    if (rounded < size)
        return result;
    void* const base = mmap(nullptr, rounded, PROT_NONE, reserve_flags, -1, 0);
    if (base != MAP_FAILED) {
        result.base_ = static_cast<uint8_t*>(base);
        result.size_ = rounded;
    }
    return result;
}

bool Reservation::commit(size_t from, size_t to) noexcept {
    const size_t first = round_up(from);
    const size_t last = round_up(to);
    return first >= last || mprotect(base_ + first, last - first, PROT_READ | PROT_WRITE) == 0;
}

#else

Reservation::~Reservation() = default;
Reservation Reservation::reserve(size_t) noexcept { return {}; }
bool Reservation::commit(size_t, size_t) noexcept { return false; }

#endif

} // namespace warpbeam
