#include "platform.hpp"

#ifdef _WIN32

#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>

// After windows.h, which it needs.
#include <ntsecapi.h>

// In the library in one file, other sources come after this one, where these are names.
#undef far
#undef near
#undef FAR
#undef NEAR
#define FAR
#define NEAR

/// The platform's functions on Windows.

namespace warpbeam::detail {
namespace {

void* at(void* base, size_t offset) noexcept { return static_cast<char*>(base) + offset; }

/// A reservation is larger than the memory it will hold, so it needs a 64-bit address space.
constexpr bool reserves = UINTPTR_MAX > UINT32_MAX;

} // namespace

size_t AddressSpace::page_size() noexcept {
    static const size_t size = [] {
        SYSTEM_INFO info{};
        GetSystemInfo(&info);
        return size_t{info.dwPageSize};
    }();
    return size;
}

void* AddressSpace::reserve(size_t size) noexcept {
    return reserves ? VirtualAlloc(nullptr, size, MEM_RESERVE, PAGE_NOACCESS) : nullptr;
}

bool AddressSpace::commit(void* base, size_t from, size_t to) noexcept {
    return VirtualAlloc(at(base, from), to - from, MEM_COMMIT, PAGE_READWRITE) != nullptr;
}

// A view of a file can't replace a part of what VirtualAlloc has reserved.
bool AddressSpace::map_file(void*, size_t, size_t, int) noexcept { return false; }

// Pages become zeros only when they are decommitted, and another process may then take the last memory.
bool AddressSpace::restore(void*, size_t, size_t) noexcept { return false; }

bool AddressSpace::decommit(void* base, size_t from, size_t to) noexcept {
    return VirtualFree(at(base, from), to - from, MEM_DECOMMIT) != 0;
}

void AddressSpace::release(void* base, size_t) noexcept { (void)VirtualFree(base, 0, MEM_RELEASE); }

void AddressSpace::prefer_small_pages(void*, size_t) noexcept {} // they are all small

} // namespace warpbeam::detail

namespace warpbeam {

void discard_pages(void*, size_t) noexcept {} // freeing a block takes no longer for it

bool fill_random(std::span<uint8_t> bytes) noexcept {
    return RtlGenRandom(bytes.data(), static_cast<ULONG>(bytes.size())) != 0;
}

} // namespace warpbeam

#endif
