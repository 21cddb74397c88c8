#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace warpbeam::detail {

/// The entries of a constant array of which many are the same, with a byte for each that says which it is. A
/// table of function pointers takes 32 bytes an entry in an executable that can lie anywhere, with what tells
/// the loader to adjust it.
template <const auto& table>
class PackedTable {
    static constexpr size_t size = table.size();
    struct Numbers {
        std::array<uint8_t, size> of{};
        std::array<size_t, size> first{}; // the entry that introduces each distinct one
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
    static constexpr auto at(size_t position) noexcept { return distinct[number_of[position]]; }
};

} // namespace warpbeam::detail
