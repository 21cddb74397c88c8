#include "platform.hpp"

#ifndef _WIN32

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#include <unistd.h>
#define WARPBEAM_HAS_MMAP 1
#else
#define WARPBEAM_HAS_MMAP 0
#endif

#if defined(__linux__) || defined(__APPLE__)
#include <sys/random.h>
#endif

/// The platform's functions on Linux, macOS and other systems like them. Where there is not even mmap,
/// memories are blocks of an allocator.

namespace warpbeam::detail {

// A reservation is larger than the memory it will hold, so it needs a 64-bit address space.
#if WARPBEAM_HAS_MMAP && UINTPTR_MAX > UINT32_MAX

namespace {

#ifdef MAP_NORESERVE
constexpr int reserve_flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
#else
constexpr int reserve_flags = MAP_PRIVATE | MAP_ANONYMOUS;
#endif

void* at(void* base, size_t offset) noexcept { return static_cast<char*>(base) + offset; }

} // namespace

size_t AddressSpace::page_size() noexcept {
    static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    return size;
}

void* AddressSpace::reserve(size_t size) noexcept {
    void* const base = mmap(nullptr, size, PROT_NONE, reserve_flags, -1, 0);
    return base != MAP_FAILED ? base : nullptr;
}

bool AddressSpace::commit(void* base, size_t from, size_t to) noexcept {
    return mprotect(at(base, from), to - from, PROT_READ | PROT_WRITE) == 0;
}

bool AddressSpace::map_file(void* base, size_t from, size_t to, int file) noexcept {
    return mmap(at(base, from), to - from, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file,
                static_cast<off_t>(from)) != MAP_FAILED;
}

bool AddressSpace::restore(void* base, size_t from, size_t to) noexcept {
#ifdef __linux__
    // Elsewhere this is only advice.
    return madvise(at(base, from), to - from, MADV_DONTNEED) == 0;
#else
    (void)base;
    (void)from;
    (void)to;
    return false;
#endif
}

bool AddressSpace::decommit(void* base, size_t from, size_t to) noexcept {
    // A fresh mapping releases the memory on every system, even if it was locked.
    return mmap(at(base, from), to - from, PROT_NONE, reserve_flags | MAP_FIXED, -1, 0) != MAP_FAILED;
}

void AddressSpace::release(void* base, size_t size) noexcept { munmap(base, size); }

void AddressSpace::prefer_small_pages(void* base, size_t size) noexcept {
#ifdef MADV_NOHUGEPAGE
    (void)madvise(base, size, MADV_NOHUGEPAGE); // fails where there are no huge pages
#else
    (void)base;
    (void)size;
#endif
}

#else

size_t AddressSpace::page_size() noexcept { return 1; }
void* AddressSpace::reserve(size_t) noexcept { return nullptr; }
bool AddressSpace::commit(void*, size_t, size_t) noexcept { return false; }
bool AddressSpace::map_file(void*, size_t, size_t, int) noexcept { return false; }
bool AddressSpace::restore(void*, size_t, size_t) noexcept { return false; }
bool AddressSpace::decommit(void*, size_t, size_t) noexcept { return false; }
void AddressSpace::release(void*, size_t) noexcept {}
void AddressSpace::prefer_small_pages(void*, size_t) noexcept {}

#endif

} // namespace warpbeam::detail

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

bool fill_random(std::span<uint8_t> bytes) noexcept {
#if defined(__linux__)
    return getrandom(bytes.data(), bytes.size(), GRND_NONBLOCK) == static_cast<ssize_t>(bytes.size());
#elif defined(__APPLE__)
    return getentropy(bytes.data(), bytes.size()) == 0;
#else
    (void)bytes;
    return false;
#endif
}

} // namespace warpbeam

#endif
