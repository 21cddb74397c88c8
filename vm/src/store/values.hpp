#pragma once

#include "heap/reference.hpp"

#include <warpbeam/vm/value.hpp>

namespace warpbeam {
class StoreImpl;
}

/// Values on their way between slots and the embedder.

namespace warpbeam::vm {

/// In a slot: a function whose store has ended, or is used by another thread (WARPBEAM_CHECKS). It fits no
/// type.
inline constexpr Slot unusable_func = 4;

/// A value of `type` as the embedder gets it. A reference to a function is of type `func` (which one the
/// function itself knows), so that no other object of a defined type can be taken for one.
[[nodiscard]] Value to_value(ValType type, const Slot* slots, const TypeRegistry& types) noexcept;

/// Whether an embedder's value may be used as a value of `type` in this store: numbers by their type,
/// references by what they refer to.
[[nodiscard]] bool fits(const Value& value, ValType type, StoreImpl& store) noexcept;

/// The same of several: the first one that may not be used, or how many there are.
[[nodiscard]] size_t first_misfit(std::span<const Value> values, std::span<const ValType> types,
                                  StoreImpl& store) noexcept;

/// The same of values in slots, whose references alone are looked at: the rest is of the types.
[[nodiscard]] size_t first_misfit(const Slot* slots, std::span<const ValType> types,
                                  StoreImpl& store) noexcept;

/// Values of these types from consecutive slots, and into them.
void load_values(std::span<Value> values, std::span<const ValType> types, const Slot* from,
                 const TypeRegistry& registry) noexcept;
void store_values(Slot* to, std::span<const Value> values) noexcept;

/// Keeps alive what is handed to the host: values of these types in slots. False when there is no memory.
[[nodiscard]] bool keep(std::span<const ValType> types, const Slot* slots, StoreImpl& store) noexcept;

} // namespace warpbeam::vm
