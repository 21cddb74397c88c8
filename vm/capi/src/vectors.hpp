#pragma once

#include <warpbeam/memory/allocator.hpp>

#include <cstring>
#include <wasm.h>

namespace warpbeam::capi {

/// Where memory comes from that belongs to no engine: that of types and vectors.
[[nodiscard]] inline Allocator& common() noexcept { return Allocator::standard(); }

/// A vector of `count` zeros; false, and an empty one, if memory runs out.
template <typename Vec>
[[nodiscard]] bool make_vec(Vec& out, size_t count) noexcept {
    using Element = std::remove_pointer_t<decltype(out.data)>;
    out = {0, nullptr};
    if (count == 0)
        return true;
    if (count > PTRDIFF_MAX / sizeof(Element))
        return false;
    void* const block = common().allocate(count * sizeof(Element), alignof(Element));
    if (block == nullptr)
        return false;
    std::memset(block, 0, count * sizeof(Element));
    out = {count, static_cast<Element*>(block)};
    return true;
}

/// Frees the vector, but not its elements.
template <typename Vec>
void free_vec(Vec& vec) noexcept {
    using Element = std::remove_pointer_t<decltype(vec.data)>;
    if (vec.data != nullptr)
        common().deallocate(vec.data, vec.size * sizeof(Element), alignof(Element));
    vec = {0, nullptr};
}

/// Takes over the contents of a vector, which is then empty; null counts as empty.
template <typename Vec>
[[nodiscard]] Vec take_vec(Vec* vec) noexcept {
    const Vec taken = vec != nullptr ? *vec : Vec{0, nullptr};
    if (vec != nullptr)
        *vec = {0, nullptr};
    return taken;
}

} // namespace warpbeam::capi
