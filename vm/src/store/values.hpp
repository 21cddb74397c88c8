#pragma once

#include "heap/reference.hpp"

#include <warpbeam/vm/value.hpp>

namespace warpbeam {
class StoreImpl;
}

/// Converts values between slots and the embedder's Value.

namespace warpbeam::vm {

/// The slot of a function whose store was destroyed, or is used by another thread (WARPBEAM_CHECKS). It
/// matches no type.
inline constexpr Slot unusable_func = 4;

/// The embedder's Value for a value of `type`. A reference to a function always has the heap type `func` (the
/// function itself knows its type), so that it can't be confused with an object of a defined type.
[[nodiscard]] Value to_value(ValType type, const Slot* slots, const TypeRegistry& types) noexcept;

/// Of a reference, and a type of references.
[[nodiscard]] bool fits_reference(const Value& value, ValType type, StoreImpl& store) noexcept;

/// Whether an embedder's value may be used as a value of `type` in this store. For a reference this depends
/// on the object that it refers to.
[[nodiscard]] inline bool fits(const Value& value, ValType type, StoreImpl& store) noexcept {
    return type.is_ref() && value.type().is_ref() ? fits_reference(value, type, store) : value.type() == type;
}

/// The index of the first value that does not fit its type; `values.size()` if all fit.
[[nodiscard]] inline size_t first_misfit(std::span<const Value> values, std::span<const ValType> types,
                                         StoreImpl& store) noexcept {
    size_t i = 0;
    while (i < values.size() && fits(values[i], types[i], store))
        ++i;
    return i;
}

/// The same for values in slots. Only references are checked; other values are assumed to fit.
[[nodiscard]] size_t first_misfit(const Slot* slots, std::span<const ValType> types,
                                  StoreImpl& store) noexcept;

/// @{ Convert values of these types from and to consecutive slots.
inline void load_values(std::span<Value> values, std::span<const ValType> types, const Slot* from,
                        const TypeRegistry& registry) noexcept {
    for (size_t i = 0; i < values.size(); from += slots_of(types[i++]))
        values[i] =
            types[i].is_ref() ? to_value(types[i], from, registry) : Value::from_slots(types[i], from);
}
inline void store_values(Slot* to, std::span<const Value> values) noexcept {
    for (const Value& value : values) {
        *to++ = value.slots()[0];
        if (value.type().is_vec())
            *to++ = value.slots()[1];
    }
}
/// @}

/// Keeps the values of these types in slots alive for the host. False if memory runs out.
[[nodiscard]] bool keep(std::span<const ValType> types, const Slot* slots, StoreImpl& store) noexcept;

} // namespace warpbeam::vm
