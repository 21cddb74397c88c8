#pragma once

#include "runtime/instance_data.hpp"

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

/// The number of slots that a value takes.
[[nodiscard]] constexpr size_t slots_of(ValType type) noexcept { return type.is_vec() ? 2 : 1; }
[[nodiscard]] size_t slots_of(std::span<const ValType> types) noexcept;

/// Whether an embedder's value may be used as a value of `type` in this store: numbers by their type,
/// references by what they refer to.
[[nodiscard]] bool fits(const Value& value, ValType type, const StoreImpl& store) noexcept;

} // namespace warpbeam::vm
