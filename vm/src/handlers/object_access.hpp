#pragma once

#include "handlers/memory_access.hpp"
#include "heap/heap.hpp"

/// What the handlers for structures and arrays share. How a field is accessed is said by the instruction that
/// accesses memory in the same way: i32.load8_s for a packed field that is read sign-extended.

namespace warpbeam::vm {

[[gnu::always_inline]] inline Object* to_object(Slot reference) noexcept {
    return reinterpret_cast<Object*>(static_cast<uintptr_t>(reference));
}
[[gnu::always_inline]] inline Slot from_object(const Object* object) noexcept {
    return reinterpret_cast<uintptr_t>(object);
}
[[gnu::always_inline]] inline ArrayObject* to_array(Slot reference) noexcept {
    return static_cast<ArrayObject*>(to_object(reference));
}

} // namespace warpbeam::vm
