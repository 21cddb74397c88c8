#pragma once

#include <warpbeam/memory/export.hpp>

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace warpbeam {

namespace detail {

/// What the platform offers, see the functions of Allocator. These are not its own, defined elsewhere,
/// because then only the library would have its type information, which is built without.
struct WARPBEAM_API AddressSpace {
    [[nodiscard]] static void* reserve(size_t size) noexcept;
    [[nodiscard]] static bool commit(void* base, size_t from, size_t to) noexcept;
    [[nodiscard]] static bool map_file(void* base, size_t from, size_t to, int file) noexcept;
    [[nodiscard]] static bool restore(void* base, size_t to) noexcept;
    [[nodiscard]] static bool decommit(void* base, size_t from, size_t to) noexcept;
    static void release(void* base, size_t size) noexcept;
    /// Of a host page; 1 where there is nothing of all this.
    [[nodiscard]] static size_t page_size() noexcept;
};

} // namespace detail

/// Where the library gets its memory from. An embedder may derive from it and pass it in the options of a
/// module or an engine; it then must outlive every object made with it.
///
/// Thread-safety: an allocator that is shared by stores used on several threads must be thread-safe; the
/// default one is.
class WARPBEAM_API Allocator {
public:
    virtual ~Allocator() = default;

    /// `size` bytes (never 0) aligned to `alignment` (a power of two), or null when there is no more memory.
    /// The library reports null as an error; it never aborts.
    [[nodiscard]] virtual void* allocate(size_t size, size_t alignment) noexcept = 0;

    /// Takes back a block together with the size and alignment that it was asked for with.
    virtual void deallocate(void* block, size_t size, size_t alignment) noexcept = 0;

    // ---- Address space, which linear memories live in ----
    //
    // A range is reserved, then its beginning is committed piece by piece as the memory grows. Sizes and
    // bounds are multiples of the host's page. An allocator that replaces one of these functions replaces all
    // of them, or hands on to another allocator that does; one that has no address space to give replaces
    // `reserve` alone, and the memories become blocks of `allocate`. What these do by default is what the
    // platform offers, which is nothing where it has no mmap or pointers have 32 bits.

    /// `size` bytes of addresses that cost no memory and fault when touched; null when there are none.
    [[nodiscard]] virtual void* reserve(size_t size) noexcept { return detail::AddressSpace::reserve(size); }

    /// Makes the bytes [from, to) of a reservation readable and writable zeros; `from` is where its committed
    /// part ends. False when there is no more memory.
    [[nodiscard]] virtual bool commit(void* base, size_t from, size_t to) noexcept {
        return detail::AddressSpace::commit(base, from, to);
    }

    /// Lays the bytes [from, to) of a file, which the caller keeps open, over the committed ones of a
    /// reservation. What is written there stays private. False, with nothing changed, when that can't be
    /// done; the library then copies.
    [[nodiscard]] virtual bool map_file(void* base, size_t from, size_t to, int file) noexcept {
        return detail::AddressSpace::map_file(base, from, to, file);
    }

    /// Makes the committed bytes [0, to) what they were at first: zeros, or the bytes of the file that was
    /// mapped there. False, with nothing changed, when that can't be done; the library then overwrites them.
    [[nodiscard]] virtual bool restore(void* base, size_t to) noexcept {
        return detail::AddressSpace::restore(base, to);
    }

    /// Takes back the memory of the bytes [from, to), the end of the committed part; they fault again. False,
    /// with nothing changed, when the system has no memory for that.
    [[nodiscard]] virtual bool decommit(void* base, size_t from, size_t to) noexcept {
        return detail::AddressSpace::decommit(base, from, to);
    }

    /// Takes back a whole reservation, of which the first `committed` bytes are committed.
    virtual void release(void* base, size_t size, size_t committed) noexcept {
        (void)committed;
        detail::AddressSpace::release(base, size);
    }

    /// The process-wide allocator over the C++ heap, which is used where the embedder names none.
    static Allocator& standard() noexcept;
};

/// Makes a T in memory of `allocator`; null when there is none.
template <typename T, typename... Args>
[[nodiscard]] T* create(Allocator& allocator, Args&&... args) {
    void* const block = allocator.allocate(sizeof(T), alignof(T));
    return block != nullptr ? ::new (block) T(std::forward<Args>(args)...) : nullptr;
}

/// Ends an object of `create`. Null is allowed.
template <typename T>
void destroy(Allocator& allocator, T* object) noexcept {
    if (object == nullptr)
        return;
    object->~T();
    allocator.deallocate(const_cast<std::remove_const_t<T>*>(object), sizeof(T), alignof(T));
}

} // namespace warpbeam
