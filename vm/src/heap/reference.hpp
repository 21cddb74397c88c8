#pragma once

#include "handlers/instance_data.hpp"

#include <warpbeam/vm/value.hpp>

/// How references are encoded in a slot. Null is 0 in every hierarchy.
///
/// Functions: the address of the FuncInst.
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

[[nodiscard]] inline FuncInst* to_func(Slot reference) noexcept {
    return reinterpret_cast<FuncInst*>(static_cast<uintptr_t>(reference));
}
[[nodiscard]] inline Slot from_func(const FuncInst* func) noexcept {
    return reinterpret_cast<uintptr_t>(func);
}

/// The type of what a reference that is not null refers to. `top` says in which hierarchy it is: any type of
/// that. The most that is known of what comes from the host is `any` or `extern`.
[[nodiscard]] HeapType dynamic_type(Slot reference, HeapType top, const TypeRegistry& types) noexcept;
/// Whether a reference that is not null, and of the same hierarchy, is of a heap type.
[[nodiscard]] bool is_instance(Slot reference, HeapType heap, const TypeRegistry& types) noexcept;

/// The number of slots that a value takes.
[[nodiscard]] constexpr size_t slots_of(ValType type) noexcept { return type.is_vec() ? 2 : 1; }
[[nodiscard]] size_t slots_of(std::span<const ValType> types) noexcept;

/// A value of `type` as the embedder gets it. A reference to a function is of type `func` (which one the
/// function itself knows), so that no other object of a defined type can be taken for one.
[[nodiscard]] Value to_value(ValType type, const Slot* slots, const TypeRegistry& types) noexcept;

/// Whether an embedder's value may be used as a value of `type` in this store: numbers by their type,
/// references by what they refer to.
[[nodiscard]] bool fits(const Value& value, ValType type, StoreImpl& store) noexcept;

} // namespace warpbeam::vm
