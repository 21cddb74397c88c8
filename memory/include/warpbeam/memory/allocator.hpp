#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace warpbeam {

/// Where the library gets its memory from. An embedder may derive from it and pass it in the options of a
/// module or an engine; it then must outlive every object made with it.
///
/// Thread-safety: an allocator that is shared by stores used on several threads must be thread-safe; the
/// default one is.
class Allocator {
public:
    virtual ~Allocator() = default;

    /// `size` bytes (never 0) aligned to `alignment` (a power of two), or null when there is no more memory.
    /// The library reports null as an error; it never aborts.
    [[nodiscard]] virtual void* allocate(size_t size, size_t alignment) noexcept = 0;

    /// Takes back a block together with the size and alignment that it was asked for with.
    virtual void deallocate(void* block, size_t size, size_t alignment) noexcept = 0;

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
