#pragma once

#include "isa/instr.hpp"
#include "semantics/op_rows.hpp"

/// Which variant a frequent instruction gets for the places of its operands, found with one look-up: what
/// Emitter::settle, and swapping the operands, would come to.

namespace warpbeam::vm {

/// Where an operand is: a Src, or `only_acc` if the accumulator has it and the frame has not.
using Spot = uint8_t;
inline constexpr Spot only_acc = src_count;
inline constexpr size_t spot_count = src_count + 1;
constexpr Src src_of(Spot spot) noexcept { return spot == only_acc ? Src::acc : static_cast<Src>(spot); }

/// A variant whose operands need not be moved.
struct Settled {
    Variant variant;
    uint8_t number = 0; ///< of the variant
    /// @{ What is in `flags`.
    static constexpr uint8_t unusual = 1; ///< it is not as simple as that
    static constexpr uint8_t swapped = 2; ///< it is the mirror, whose left operand is the right one
    static constexpr uint8_t stored = 4;  ///< the result goes to a slot, too
    static constexpr uint8_t left_word = 8;
    static constexpr uint8_t right_word = 16; ///< this operand is a constant in a word of its own
    /// @}
    uint8_t flags = unusual;
    [[nodiscard]] constexpr bool is(uint8_t flag) const noexcept { return (flags & flag) != 0; }
};

/// What the variants of an instruction depend on.
struct SettledKey {
    Form form{};
    Coverage coverage{};
    Banks banks;
    bool has_mirror = false;
    bool is_wide = false; ///< its constants have eight bytes
    friend constexpr bool operator==(const SettledKey&, const SettledKey&) noexcept = default;
};
/// Of a numeric instruction, a load or a store.
constexpr SettledKey settled_key(Op op) noexcept {
    const auto key = [op](Form form) {
        const bool is_wide = form == Form::binary && bytes_of(type_of(Typed::in0, sig_of(op), 0)) == 8;
        return SettledKey{form, coverage_of(form, op), banks_of(sig_of(op)),
                          op_row(op).mirror != Op::unreachable, is_wide};
    };
    switch (family_of(op)) {
    case Family::i32_binary:
    case Family::i64_binary:
    case Family::float_binary:
        return key(Form::binary);
    case Family::i32_load:
    case Family::i64_load:
    case Family::float_load:
        return key(Form::load);
    case Family::store:
        return key(Form::store);
    default:
        return {};
    }
}

using SettledRow = std::array<Settled, spot_count * spot_count>; ///< by the left spot, and the right one

constexpr Settled settle(const SettledKey& key, Spot left, Spot right) noexcept {
    constexpr unsigned none = UINT32_MAX;
    struct Found {
        unsigned cost = none;
        Variant variant;
    };
    const auto complete = [&key](Variant& variant) {
        if (exists(key.form, key.coverage, key.banks, variant))
            return true;
        variant.result = Dst::slot;
        return facts_of(key.form).has_result && exists(key.form, key.coverage, key.banks, variant);
    };
    // As Emitter::settle and settle_in_slots.
    const auto find = [&](Spot a, Spot b) {
        const std::array<Spot, 2> spots{a, b};
        Found best;
        for (unsigned set = 0; set < 1u << facts_of(key.form).operands; ++set) {
            Variant variant{.a = src_of(a), .b = src_of(b)};
            unsigned cost = 0;
            bool is_change = true;
            for (size_t i = 0; i < spots.size(); ++i) {
                if ((set >> i & 1) == 0)
                    continue;
                variant.set_operand(i, Src::slot);
                is_change &= src_of(spots[i]) != Src::slot;
                cost += 1 + (src_of(spots[i]) == Src::imm ? 8 : spots[i] == only_acc ? 4 : 0);
            }
            if (is_change && cost < best.cost && complete(variant))
                best = {cost, variant};
            if (best.cost == 0)
                break;
        }
        return best;
    };
    Found found = find(left, right);
    bool swapped = false;
    if (found.cost != 0 && key.has_mirror)
        if (const Found other = find(right, left); other.cost < found.cost) {
            found = other;
            swapped = true;
        }
    // Moving an operand costs 4 or more.
    if (found.cost >= 4)
        return {};
    const Variant& of = found.variant;
    const bool is_store = key.form == Form::store;
    Settled settled{of, static_cast<uint8_t>(number_of(key.form, of)), 0};
    settled.flags |= swapped ? Settled::swapped : 0;
    settled.flags |= of.result == Dst::slot ? Settled::stored : 0;
    settled.flags |= of.a == Src::imm ? Settled::left_word : 0;
    settled.flags |= of.b == Src::imm && (key.is_wide || is_store) ? Settled::right_word : 0;
    return settled;
}

/// The instructions that have a row: accesses to memory and numeric ones.
inline constexpr auto first_settled = static_cast<size_t>(Op::i32_load);
inline constexpr size_t settled_count = static_cast<size_t>(Op::i64_extend32_s) + 1 - first_settled;

/// The different keys, and which one an instruction has; the first is for those that have none.
struct SettledKeys {
    std::array<SettledKey, 32> keys{};
    size_t count = 1;
    std::array<uint8_t, settled_count> of{};
};
inline constexpr SettledKeys settled_keys = [] {
    SettledKeys found;
    for (const OpRow& row : op_rows) {
        const SettledKey key = settled_key(row.op);
        const size_t code = static_cast<size_t>(row.op) - first_settled;
        if (code >= settled_count)
            continue;
        size_t number = 0;
        while (number < found.count && found.keys[number] != key)
            ++number;
        if (number == found.count)
            found.keys[found.count++] = key;
        found.of[code] = static_cast<uint8_t>(number);
    }
    return found;
}();
inline constexpr auto settled_rows = [] {
    std::array<SettledRow, settled_keys.count> rows{};
    for (size_t number = 1; number < rows.size(); ++number)
        for (Spot left = 0; left < spot_count; ++left)
            for (Spot right = 0; right < spot_count; ++right)
                rows[number][left * spot_count + right] = settle(settled_keys.keys[number], left, right);
    return rows;
}();

} // namespace warpbeam::vm
