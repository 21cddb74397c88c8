#include "handlers/joined_table.hpp"

#include "handlers/joined_part.hpp"

#include <bit>

namespace warpbeam::vm {

#if WARPBEAM_JOINS

namespace {

/// Made when this is compiled, so nothing has to be computed, or relocated, when a program starts. Parts have
/// the numbers from 1 on, and rows of the list those after them.
struct Tables {
    static constexpr size_t max_parts = 1024;
    static constexpr size_t part_room = 4 * max_parts;
    static constexpr size_t row_room = std::bit_ceil(2 * joined_count);
    /// The numbers of two parts, since one of them is looked for without branches: what comes next is hard to
    /// predict.
    using Places = std::array<JoinedNumber, 2>;
    std::array<Places, part_room> places{};
    std::array<ChoiceKey, max_parts + 1> keys{}; ///< by number
    std::array<uint32_t, row_room> row_keys{};   ///< 0: none
    std::array<JoinedNumber, row_room> row_numbers{};
    std::array<Choice, max_parts + 1> choices{};         ///< by number
    std::array<JoinedNumber, joined_count> beginnings{}; ///< the first part of each row
    JoinedNumber part_count = 0;
    uint32_t factor = 0x9e37'79b9; ///< one with which no three parts have the same place

    constexpr size_t part_place(ChoiceKey key) const noexcept {
        return key * factor >> (32 - std::countr_zero(part_room));
    }
    constexpr JoinedNumber part(ChoiceKey key) const noexcept {
        const Places& two = places[part_place(key)];
        return static_cast<JoinedNumber>((keys[two[0]] == key ? two[0] : 0) |
                                         (keys[two[1]] == key ? two[1] : 0));
    }
    static constexpr uint32_t row_key(JoinedNumber first, JoinedNumber next) noexcept {
        return uint32_t{first} << 16 | next;
    }
    /// Where a row is, or belongs.
    constexpr size_t row_place(uint32_t key) const noexcept {
        size_t i = key * 0x9e37'79b9u >> (32 - std::countr_zero(row_room));
        while (row_keys[i] != 0 && row_keys[i] != key)
            i = (i + 1) % row_room;
        return i;
    }
    constexpr JoinedNumber row(JoinedNumber first, JoinedNumber next) const noexcept {
        return row_numbers[row_place(row_key(first, next))];
    }

    constexpr Tables() noexcept {
        std::array<JoinedNumber, part_room> known{};
        std::array<JoinedNumber, max_joined * joined_count> numbers{}; ///< of the parts of each row
        for (size_t row_number = 0; row_number < joined_count; ++row_number)
            for (size_t i = 0; i < joined_list[row_number].count; ++i) {
                const Choice& choice = joined_list[row_number].parts[i];
                const ChoiceKey key = key_of(choice);
                size_t at = part_place(key);
                while (known[at] != 0 && keys[known[at]] != key)
                    at = (at + 1) % part_room;
                if (known[at] == 0) {
                    known[at] = ++part_count;
                    keys[part_count] = key;
                    choices[part_count] = choice;
                }
                numbers[row_number * max_joined + i] = known[at];
            }
        while (!place_parts())
            factor += 2;
        for (size_t i = 0; i < joined_count; ++i) {
            // The list has the beginnings before what is longer; test Joined fails otherwise.
            const JoinedNumber* const parts = &numbers[i * max_joined];
            const size_t count = joined_list[i].count;
            JoinedNumber first = beginnings[i] = parts[0];
            for (size_t of = 1; of + 1 < count; ++of)
                first = row(first, parts[of]);
            const uint32_t key = row_key(first, parts[count - 1]);
            const size_t place = row_place(key);
            row_keys[place] = key;
            row_numbers[place] = static_cast<JoinedNumber>(part_count + 1 + i);
        }
    }

private:
    constexpr bool place_parts() noexcept {
        places = {};
        for (JoinedNumber number = 1; number <= part_count; ++number) {
            Places& two = places[part_place(keys[number])];
            if (two[0] != 0 && two[1] != 0)
                return false;
            two[two[0] != 0 ? 1 : 0] = number;
        }
        return true;
    }
};
constexpr Tables tables;

} // namespace

JoinedNumber joined_part(ChoiceKey choice) noexcept { return tables.part(choice); }

JoinedNumber join(JoinedNumber first, JoinedNumber next) noexcept {
    return first == 0 || next == 0 ? JoinedNumber{0} : tables.row(first, next);
}

JoinedNumber longest_joined(std::span<const JoinedNumber> parts) noexcept {
    JoinedNumber longest = 0;
    JoinedNumber joined = parts[0];
    for (size_t i = 1; joined != 0 && i < parts.size(); ++i) {
        joined = join(joined, parts[i]);
        longest = joined != 0 ? joined : longest;
    }
    return longest;
}

namespace {
Handler handler_at(size_t i) noexcept {
    const std::span<const Handler> parts[] = {joined_0, joined_1, joined_2, joined_3};
    size_t part = joined_parts - 1;
    while (i < joined_begin(part))
        --part;
    return parts[part][i - joined_begin(part)];
}
} // namespace

Handler joined_handler(JoinedNumber joined) noexcept { return handler_at(joined - tables.part_count - 1u); }

size_t joined_entries() noexcept { return joined_count; }

JoinedEntry joined_entry(size_t i) noexcept { return {handler_at(i), tables.choices[tables.beginnings[i]]}; }

#else

JoinedNumber joined_part(ChoiceKey) noexcept { return 0; }
JoinedNumber join(JoinedNumber, JoinedNumber) noexcept { return 0; }
JoinedNumber longest_joined(std::span<const JoinedNumber>) noexcept { return 0; }
Handler joined_handler(JoinedNumber) noexcept { return nullptr; }
size_t joined_entries() noexcept { return 0; }
JoinedEntry joined_entry(size_t) noexcept { return {}; }

#endif

} // namespace warpbeam::vm
