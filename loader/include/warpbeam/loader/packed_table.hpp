#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace warpbeam::detail {

/// A constant array with many equal entries, stored as the distinct entries and one byte per position. In a
/// position-independent executable a table of function pointers takes 32 bytes an entry, including the
/// relocation.
template <const auto& table>
class PackedTable {
    static constexpr size_t size = table.size();
    struct Numbers {
        std::array<uint8_t, size> of{};
        std::array<size_t, size> first{}; // the first position of each distinct entry
        size_t count = 0;
    };
    static constexpr Numbers numbers = [] {
        Numbers found;
        for (size_t i = 0; i < size; ++i) {
            size_t number = 0;
            while (number < found.count && table[found.first[number]] != table[i])
                ++number;
            if (number == found.count)
                found.first[found.count++] = i;
            found.of[i] = static_cast<uint8_t>(number);
        }
        return found;
    }();
    static_assert(numbers.count <= 256);

    static constexpr auto number_of = numbers.of;
    static constexpr auto distinct = [] {
        std::array<typename std::remove_cvref_t<decltype(table)>::value_type, numbers.count> entries{};
        for (size_t i = 0; i < numbers.count; ++i)
            entries[i] = table[numbers.first[i]];
        return entries;
    }();

public:
    /// The entry at a position of the array.
    static constexpr auto at(size_t position) noexcept { return entry(number_at(position)); }
    /// @{ The same in two steps, the first of which another table may store.
    static constexpr uint8_t number_at(size_t position) noexcept { return number_of[position]; }
    static constexpr auto entry(uint8_t number) noexcept { return distinct[number]; }
    /// @}
};

} // namespace warpbeam::detail
