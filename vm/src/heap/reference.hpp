#pragma once

#include "isa/instr.hpp"

#include <warpbeam/loader/type_registry.hpp>

#include <span>

/// How references are encoded in a slot. Null is 0 in every hierarchy.
///
/// Functions: the address of the FuncHead, which the whole function begins with.
/// All others (`any` and `extern` share their values, so converting between them changes nothing):
///     ...1    an i31: the number in the bits 1 to 31, the rest is 0
///     ..10    a host reference: a payload of 62 bits above
///     ..00    an object of the heap

namespace warpbeam::vm {

[[nodiscard]] constexpr bool is_i31(Slot reference) noexcept { return (reference & 1) != 0; }
[[nodiscard]] constexpr bool is_host_reference(Slot reference) noexcept { return (reference & 3) == 2; }
[[nodiscard]] constexpr Slot make_i31(uint32_t number) noexcept {
    return Slot{number & 0x7fff'ffff} << 1 | 1;
}

/// What must be known of a function in order to call it, and to test a reference to it.
struct FuncHead {
    CodeCell* cell;
    TypeId type;
};

/// The same of a tag, which exceptions refer to.
struct TagHead {
    TypeId type;
};

/// The type of what a reference that is not null refers to. `top` says in which hierarchy it is: any type of
/// that. The most that is known of what comes from the host is `any` or `extern`.
[[nodiscard]] HeapType dynamic_type(Slot reference, HeapType top, const TypeRegistry& types) noexcept;
/// Whether a reference that is not null, and of the same hierarchy, is of a heap type.
[[nodiscard]] bool is_instance(Slot reference, HeapType heap, const TypeRegistry& types) noexcept;

} // namespace warpbeam::vm
