#pragma once

#include <warpbeam/loader/instr_table.hpp>
#include <warpbeam/memory/hash.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace warpbeam::text {

namespace detail {

/// Positions in the instruction table plus one, open-addressed by the hash of the keyword.
inline constexpr std::array<uint16_t, 2048> keyword_slots = [] {
    std::array<uint16_t, 2048> slots{};
    static_assert(std::size(instr_table) < slots.size() / 2);
    for (size_t i = 0; i < std::size(instr_table); ++i) {
        size_t slot = hash_of(instr_table[i].text()) % slots.size();
        while (slots[slot] != 0)
            slot = (slot + 1) % slots.size();
        slots[slot] = static_cast<uint16_t>(i + 1);
    }
    return slots;
}();

} // namespace detail

/// The row of the instruction with this keyword, or null. If several instructions share the keyword, it is
/// the first: `select`, and `ref.test` and `ref.cast` of non-null references.
constexpr const InstrRow* find_keyword(std::string_view keyword) noexcept {
    size_t slot = hash_of(keyword) % detail::keyword_slots.size();
    while (detail::keyword_slots[slot] != 0) {
        const InstrRow& row = instr_table[detail::keyword_slots[slot] - 1];
        if (row.text() == keyword)
            return &row;
        slot = (slot + 1) % detail::keyword_slots.size();
    }
    return nullptr;
}

static_assert(std::ranges::all_of(instr_table,
                                  [](const InstrRow& row) {
                                      const InstrRow* const found = find_keyword(row.text());
                                      return found != nullptr && found->text() == row.text();
                                  }),
              "every instruction is found by its keyword");
static_assert(find_keyword("i32.add")->op == Op::i32_add);
static_assert(find_keyword("select")->op == Op::select);
#if WARPBEAM_NAMES || WARPBEAM_GC
static_assert(find_keyword("ref.test")->op == Op::ref_test);
#endif
static_assert(find_keyword("i32.addd") == nullptr);

} // namespace warpbeam::text
