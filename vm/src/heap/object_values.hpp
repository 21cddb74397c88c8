#pragma once

#include "heap/heap.hpp"

#include <warpbeam/memory/little_endian.hpp>

#include <algorithm>
#include <cstring>

/// Moves values between slots and fields of objects, for code that does not know the type at compile time.

namespace warpbeam::vm {

/// The low bytes of a slot, or both slots of a v128.
[[nodiscard]] inline const uint8_t* low_bytes(const Slot* value, uint32_t bytes) noexcept {
    return reinterpret_cast<const uint8_t*>(value) +
           (is_little_endian || bytes >= sizeof(Slot) ? 0 : sizeof(Slot) - bytes);
}
/// Stores a value, packed if the field is packed.
inline void store_value(uint8_t* at, ValType::Kind storage, const Slot* value) noexcept {
    std::memcpy(at, low_bytes(value, bytes_of(storage)), bytes_of(storage));
}
/// Loads a value; packed ones are zero-extended.
inline void load_value(Slot* value, ValType::Kind storage, const uint8_t* at) noexcept {
    value[0] = 0;
    std::memcpy(const_cast<uint8_t*>(low_bytes(value, bytes_of(storage))), at, bytes_of(storage));
}

/// Sets all fields of a structure to values in consecutive slots.
inline void store_fields(Object* object, const Slot* values) noexcept {
    for (const ObjectField& field : object->layout->fields) {
        store_value(field_at(object, field.offset), field.storage, values);
        values += slots_of(field.storage);
    }
}

/// The descriptor of a structure, if its type has one.
[[nodiscard]] inline Slot load_descriptor(const Object* object) noexcept {
    Slot descriptor;
    std::memcpy(&descriptor, field_at(object, object->layout->descriptor), sizeof descriptor);
    return descriptor;
}
inline void store_descriptor(Object* object, Slot descriptor) noexcept {
    std::memcpy(field_at(object, object->layout->descriptor), &descriptor, sizeof descriptor);
}

/// Changes numbers from the byte order of memories to that of objects, or back.
inline void change_order(uint8_t* at, uint32_t bytes, size_t count) noexcept {
    if constexpr (!is_little_endian) {
        const size_t unit = std::min<size_t>(bytes, sizeof(Slot)); // a v128 is two numbers
        for (uint8_t* const end = at + bytes * count; at != end; at += unit)
            std::reverse(at, at + unit);
    }
}

[[nodiscard]] inline uint8_t* element_at(ArrayObject* array, uint32_t index) noexcept {
    const Layout& layout = *array->layout;
    return field_at(array, layout.size) + uint64_t{index} * bytes_of(layout.element().storage);
}

/// Sets `count` elements of an array, from `start` on, to one value; they must exist.
void fill_elements(ArrayObject* array, uint32_t start, uint32_t count, const Slot* value) noexcept;

} // namespace warpbeam::vm
