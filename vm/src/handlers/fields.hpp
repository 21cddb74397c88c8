#pragma once

#include "handlers/generate.hpp"
#include "handlers/memory_access.hpp"
#include "heap/heap.hpp"

/// Shared by reading and writing array elements.

namespace warpbeam::vm {

/// The address of an element of `size` bytes; null with a trap in `exit`.
[[gnu::always_inline]] inline uint8_t* element(Regs& r, Slot reference, uint32_t index, uint32_t size,
                                               Exit& exit) noexcept {
    ArrayObject* const array = to_array(reference);
    if (array == nullptr) [[unlikely]] {
        exit = Exit::null_array_reference;
        return nullptr;
    }
    if (index >= array->length) [[unlikely]] {
        r.acc = index;
        exit = Exit::array_out_of_bounds;
        return nullptr;
    }
    return field_at(array, first_element(size)) + uint64_t{index} * size;
}

} // namespace warpbeam::vm
