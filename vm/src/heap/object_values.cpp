#include "heap/object_values.hpp"

#include <algorithm>

namespace warpbeam::vm {

namespace {

template <typename T>
void fill(uint8_t* at, uint32_t count, const Slot* value) noexcept {
    T element;
    std::memcpy(&element, low_bytes(value, sizeof element), sizeof element);
    for (; count != 0; --count, at += sizeof element)
        std::memcpy(at, &element, sizeof element);
}

} // namespace

void fill_elements(ArrayObject* array, uint32_t start, uint32_t count, const Slot* value) noexcept {
    const uint32_t bytes = bytes_of(array->layout->element().storage);
    uint8_t* const at = element_at(array, start);
    switch (bytes) {
    case 1:
        std::memset(at, static_cast<uint8_t>(*value), count);
        break;
    case 2:
        fill<uint16_t>(at, count, value);
        break;
    case 4:
        fill<uint32_t>(at, count, value);
        break;
    case 16:
        fill<std::array<Slot, 2>>(at, count, value);
        break;
    default:
        fill<uint64_t>(at, count, value);
        break;
    }
}

} // namespace warpbeam::vm
