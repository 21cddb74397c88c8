#pragma once

#include <warpbeam/memory/export.hpp>

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace warpbeam {

namespace detail {

/// The platform's address space functions, see the virtual functions of Allocator. They are free functions
/// defined elsewhere, because otherwise only the library would contain Allocator's type information, and it
/// is built without.
struct WARPBEAM_API AddressSpace {
    [[nodiscard]] static void* reserve(size_t size) noexcept;
    [[nodiscard]] static bool commit(void* base, size_t from, size_t to) noexcept;
    [[nodiscard]] static bool map_file(void* base, size_t from, size_t to, int file) noexcept;
    [[nodiscard]] static bool restore(void* base, size_t from, size_t to) noexcept;
    [[nodiscard]] static bool decommit(void* base, size_t from, size_t to) noexcept;
    static void release(void* base, size_t size) noexcept;
    /// Advises the system against huge pages for this memory, which is used piecemeal.
    static void prefer_small_pages(void* base, size_t size) noexcept;
    /// The size of a host page; 1 where the platform has no such functions.
    [[nodiscard]] static size_t page_size() noexcept;
};

} // namespace detail

/// The source of the library's memory. An embedder may derive from it and pass it in the options of a module
/// or an engine; it must then outlive every object made with it.
///
/// Thread-safety: an allocator shared by stores that are used on several threads must be thread-safe; the
/// default one is.
class WARPBEAM_API Allocator {
public:
    virtual ~Allocator() = default;

    /// Returns `size` bytes (never 0) aligned to `alignment` (a power of two), or null if memory runs out.
    /// The library reports null as an error; it never aborts.
    [[nodiscard]] virtual void* allocate(size_t size, size_t alignment) noexcept = 0;

    /// Frees a block; size and alignment are those it was allocated with.
    virtual void deallocate(void* block, size_t size, size_t alignment) noexcept = 0;

    // ---- Address space for linear memories ----
    //
    // A range is reserved, then committed from its beginning as the memory grows. Sizes and bounds are
    // multiples of the host page size. An allocator that overrides one of these functions must override all
    // of them, or forward to an allocator that does. One without address space overrides only `reserve`;
    // memories then become blocks from `allocate`. The defaults use the platform's functions, and always fail
    // if it has neither mmap nor VirtualAlloc, or 32-bit pointers.

    /// Reserves `size` bytes of addresses, which cost no memory and fault when touched; null on failure.
    [[nodiscard]] virtual void* reserve(size_t size) noexcept { return detail::AddressSpace::reserve(size); }

    /// Makes the bytes [from, to) of a reservation readable and writable zeros; `from` is the end of its
    /// committed part. False if memory runs out.
    [[nodiscard]] virtual bool commit(void* base, size_t from, size_t to) noexcept {
        return detail::AddressSpace::commit(base, from, to);
    }

    /// Maps the bytes [from, to) of a file, which the caller keeps open, over the committed bytes of a
    /// reservation. Writes to them stay private. On failure returns false and changes nothing; the library
    /// then copies.
    [[nodiscard]] virtual bool map_file(void* base, size_t from, size_t to, int file) noexcept {
        return detail::AddressSpace::map_file(base, from, to, file);
    }

    /// Restores the committed bytes [from, to) to their first contents: zeros, or the bytes of the file
    /// mapped there. On failure returns false and changes nothing; the library then overwrites them.
    [[nodiscard]] virtual bool restore(void* base, size_t from, size_t to) noexcept {
        return detail::AddressSpace::restore(base, from, to);
    }

    /// Decommits the bytes [from, to), the end of the committed part; they fault again. Returns false and
    /// changes nothing if the system has no memory for that.
    [[nodiscard]] virtual bool decommit(void* base, size_t from, size_t to) noexcept {
        return detail::AddressSpace::decommit(base, from, to);
    }

    /// Releases a whole reservation, of which the first `committed` bytes are committed.
    virtual void release(void* base, size_t size, size_t committed) noexcept {
        (void)committed;
        detail::AddressSpace::release(base, size);
    }

    /// Whether the bytes of a reservation are private to the process, and map_file maps privately, as the
    /// platform's functions do it. If so, the library may ask the system which pages were written
    /// (`/proc/self/pagemap` and userfaultfd on Linux); otherwise it reads them.
    [[nodiscard]] virtual bool has_private_pages() const noexcept { return false; }

    /// The process-wide allocator on the C++ heap, used unless the embedder passes another one.
    static Allocator& standard() noexcept;
};

/// Makes a T in memory from `allocator`; null if memory runs out.
template <typename T, typename... Args>
[[nodiscard]] T* create(Allocator& allocator, Args&&... args) {
    void* const block = allocator.allocate(sizeof(T), alignof(T));
    return block != nullptr ? ::new (block) T(std::forward<Args>(args)...) : nullptr;
}

/// Destroys an object made by `create`. Null is allowed.
template <typename T>
void destroy(Allocator& allocator, T* object) noexcept {
    if (object == nullptr)
        return;
    object->~T();
    allocator.deallocate(const_cast<std::remove_const_t<T>*>(object), sizeof(T), alignof(T));
}

} // namespace warpbeam
