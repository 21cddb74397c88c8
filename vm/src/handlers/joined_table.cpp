#include "handlers/joined_table.hpp"

#include "handlers/joined_part.hpp"

#include <bit>

namespace warpbeam::vm {

#if WARPBEAM_JOINS

namespace {

/// Made when this is compiled, so nothing has to be computed, or relocated, when a program starts. Parts have
/// the numbers from 1 on, and rows of the list those after them. Which instructions follow each other is hard
/// to predict, so all is found without branches.
struct Tables {
    static constexpr size_t max_parts = 512;
    static constexpr size_t part_room = 8 * max_parts;
    static constexpr size_t step_room = joined_count + max_parts;
    /// The numbers of two parts, one of which is looked for.
    using Places = std::array<JoinedNumber, 2>;
    /// What the parts with a number become with one more. Those of a number are in the places that are its
    /// base plus the numbers of the next parts; others lie in the gaps between.
    struct Step {
        JoinedNumber first = 0;
        JoinedNumber number = 0;
    };
    std::array<Places, part_room> places{};
    std::array<ChoiceKey, max_parts + 1> keys{}; ///< by number
    std::array<Choice, max_parts + 1> choices{}; ///< by number
    // Plain arrays, whose elements are no calls: compilers limit the number of these.
    static constexpr size_t number_room = max_parts + 1 + joined_count;
    uint16_t bases[number_room]{};
    Step steps[step_room]{};
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
    constexpr JoinedNumber row(JoinedNumber first, JoinedNumber next) const noexcept {
        const Step step = steps[size_t{bases[first]} + next];
        return step.first == first ? step.number : JoinedNumber{0};
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
        place_steps(numbers);
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

    struct Added {
        JoinedNumber next = 0;
        JoinedNumber number = 0;
        JoinedNumber other = 0; ///< another of the same first number
    };
    constexpr void place_steps(const std::array<JoinedNumber, max_joined * joined_count>& numbers) noexcept {
        Added added[number_room]{};
        JoinedNumber heads[number_room]{}; ///< one for each first number
        uint16_t counts[number_room]{};
        const auto find = [&](JoinedNumber first, JoinedNumber next) {
            JoinedNumber at = heads[first];
            while (at != 0 && added[at].next != next)
                at = added[at].other;
            return at;
        };
        for (size_t i = 0; i < joined_count; ++i) {
            // The list has the beginnings before what is longer; test Joined fails otherwise.
            const JoinedNumber* const parts = &numbers[i * max_joined];
            const size_t count = joined_list[i].count;
            JoinedNumber first = beginnings[i] = parts[0];
            for (size_t of = 1; of + 1 < count; ++of)
                first = find(first, parts[of]);
            const auto number = static_cast<JoinedNumber>(part_count + 1 + i);
            added[number] = {parts[count - 1], number, heads[first]};
            heads[first] = number;
            ++counts[first];
        }
        // Those with many first, since they need the most room.
        size_t next_free[step_room]{}; ///< from a place on; often that is a place further on
        for (size_t i = 0; i < step_room; ++i)
            next_free[i] = i;
        const auto free_from = [&](size_t place) {
            size_t found = place;
            while (next_free[found] != found)
                found = next_free[found];
            while (next_free[place] != found) {
                const size_t next = next_free[place];
                next_free[place] = found;
                place = next;
            }
            return found;
        };
        for (const unsigned least : {8u, 3u, 1u})
            for (JoinedNumber first = 1; first < number_room; ++first) {
                if (counts[first] < least)
                    continue;
                counts[first] = 0;
                const Added& one = added[heads[first]];
                const auto fits = [&](size_t base) {
                    for (JoinedNumber at = heads[first]; at != 0; at = added[at].other)
                        if (steps[base + added[at].next].first != 0)
                            return false;
                    return true;
                };
                size_t place = free_from(one.next);
                while (!fits(place - one.next))
                    place = free_from(place + 1);
                bases[first] = static_cast<uint16_t>(place - one.next);
                for (JoinedNumber at = heads[first]; at != 0; at = added[at].other) {
                    const size_t taken = size_t{bases[first]} + added[at].next;
                    steps[taken] = {first, added[at].number};
                    next_free[taken] = taken + 1;
                }
            }
    }
};
constexpr Tables tables;
// Any part may follow.
static_assert(std::ranges::max(tables.bases) + tables.part_count < Tables::step_room);

/// Of an access that leaves its bounds to guard pages, the key of the one that checks them; otherwise the
/// same.
constexpr ChoiceKey checked_key(ChoiceKey key) noexcept {
    const auto form = static_cast<Form>(key >> 25);
    return key - (form >= Form::load && form <= Form::store_displaced ? strides_of(form).option : 0u);
}
static_assert(checked_key(key_of({Form::load_sum, Op::i64_load, {.option = detail::option_guarded}})) ==
              key_of({Form::load_sum, Op::i64_load, {}}));
static_assert(checked_key(key_of({Form::global_get})) == key_of({Form::global_get}));

Handler handler_at(size_t i) noexcept {
    static_assert(joined_parts == 4);
    const std::span<const Handler> parts[] = {joined_0, joined_1, joined_2, joined_3};
    const size_t part = (i >= joined_begin(1) ? 1u : 0u) + (i >= joined_begin(2) ? 1u : 0u) +
                        (i >= joined_begin(3) ? 1u : 0u);
    return parts[part][i - joined_begin(part)];
}

} // namespace

JoinedNumber joined_part(ChoiceKey choice) noexcept { return tables.part(choice); }

void number_parts(std::span<const PlacedChoice> instrs, JoinedNumber* parts, bool guarded) noexcept {
    for (const PlacedChoice& instr : instrs)
        *parts++ = tables.part(guarded ? checked_key(instr.choice) : instr.choice);
}

JoinedNumber join(JoinedNumber first, JoinedNumber next) noexcept { return tables.row(first, next); }

JoinedNumber longest_joined(const JoinedNumber* parts) noexcept {
    JoinedNumber found = tables.row(parts[0], parts[1]);
    if (found == 0)
        return 0;
    JoinedNumber joined = found;
    for (size_t i = 2; i < max_joined; ++i) {
        joined = tables.row(joined, parts[i]);
        found = joined != 0 ? joined : found;
    }
    return found;
}

void join_handlers(std::span<const PlacedChoice> instrs, const JoinedNumber* parts, uint8_t* code) noexcept {
    for (const PlacedChoice& instr : instrs)
        if (const JoinedNumber joined = longest_joined(parts++); joined != 0) {
            const Handler handler = joined_handler(joined);
            std::memcpy(code + instr.begin, &handler, sizeof handler);
        }
}

Handler joined_handler(JoinedNumber joined) noexcept { return handler_at(joined - tables.part_count - 1u); }

size_t joined_entries() noexcept { return joined_count; }

JoinedEntry joined_entry(size_t i) noexcept { return {handler_at(i), tables.choices[tables.beginnings[i]]}; }

#else

JoinedNumber joined_part(ChoiceKey) noexcept { return 0; }
JoinedNumber join(JoinedNumber, JoinedNumber) noexcept { return 0; }
void number_parts(std::span<const PlacedChoice>, JoinedNumber*, bool) noexcept {}
JoinedNumber longest_joined(const JoinedNumber*) noexcept { return 0; }
void join_handlers(std::span<const PlacedChoice>, const JoinedNumber*, uint8_t*) noexcept {}
Handler joined_handler(JoinedNumber) noexcept { return nullptr; }
size_t joined_entries() noexcept { return 0; }
JoinedEntry joined_entry(size_t) noexcept { return {}; }

#endif

} // namespace warpbeam::vm
