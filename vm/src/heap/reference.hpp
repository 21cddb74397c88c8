#pragma once

#include "isa/instr.hpp"

#include <warpbeam/loader/type_registry.hpp>

#include <span>

/// How references are encoded in a slot. Null is 0 in every hierarchy.
///
/// Functions: the address of the FuncHead at the beginning of the function.
/// All others (`any` and `extern` share their values, so converting between them changes nothing):
///     ...1    an i31: the number in the bits 1 to 31, the rest is 0
///     ..10    a host reference: with a 62-bit payload above
///     ..00    an object of the heap

namespace warpbeam::vm {

[[nodiscard]] constexpr bool is_i31(Slot reference) noexcept { return (reference & 1) != 0; }
[[nodiscard]] constexpr bool is_host_reference(Slot reference) noexcept { return (reference & 3) == 2; }
[[nodiscard]] constexpr Slot make_i31(uint32_t number) noexcept {
    return Slot{number & 0x7fff'ffff} << 1 | 1;
}

/// What is needed to call a function, and to test a reference to it.
struct FuncHead {
    CodeCell* cell;
    TypeId type;
};

/// The same for a tag, which exceptions refer to.
struct TagHead {
    TypeId type;
};

/// The type of the object that a non-null reference refers to. `top` is any type of the reference's
/// hierarchy. For references from the host the result is just `any` or `extern`.
[[nodiscard]] HeapType dynamic_type(Slot reference, HeapType top, const TypeRegistry& types) noexcept;
/// Whether a non-null reference belongs to a heap type of the same hierarchy.
[[nodiscard]] bool is_instance(Slot reference, HeapType heap, const TypeRegistry& types) noexcept;

} // namespace warpbeam::vm
