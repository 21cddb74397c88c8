#pragma once

#include "isa/encoder.hpp"
#include "isa/instr.hpp"
#include "semantics/op_rows.hpp"

#include <span>

/// Looks up handlers, for the layers below and above.

namespace warpbeam::vm {

/// What a handler stands for.
struct Choice {
    Form form{};
    /// The instruction whose semantics it has; `nop` for forms that belong to no particular instruction.
    Op op = Op::nop;
    Variant variant{};
    friend constexpr bool operator==(const Choice&, const Choice&) noexcept = default;
};

/// The size in bytes of a constant whose type the form leaves open.
[[nodiscard]] inline size_t constant_width(const Choice& choice) noexcept {
    const FormFacts& facts = facts_of(choice.form);
    if (!facts.has_open || facts.open < Typed::in0 || facts.open > Typed::out)
        return constant_width(choice.form, Sig{}, choice.variant.option);
    const unsigned shift = 2 * (static_cast<unsigned>(facts.open) - static_cast<unsigned>(Typed::in0));
    return size_t{4} << (detail::place_of(choice.op).widths >> shift & 3);
}
/// The fields of the instruction.
[[nodiscard]] inline Shape shape_of(const Choice& choice) noexcept {
    return {choice.form, choice.variant, choice.variant.constants() == 0 ? 8 : constant_width(choice)};
}

/// A choice as one number.
using ChoiceKey = uint32_t;
static_assert(form_count <= 1 << 7 && std::size(instr_table) <= 1 << 10 &&
              std::ranges::all_of(form_table,
                                  [](const FormRow& row) { return combinations(row.form) <= 1 << 15; }));
/// That of the first variant; the others follow it by their numbers.
constexpr ChoiceKey first_key(Form form, Op op) noexcept {
    return static_cast<ChoiceKey>(static_cast<size_t>(form) << 25 | detail::number_of(op) << 15);
}
constexpr ChoiceKey key_of(const Choice& choice) noexcept {
    return first_key(choice.form, choice.op) + static_cast<ChoiceKey>(number_of(choice.form, choice.variant));
}

/// The handlers of one form for one instruction.
struct HandlerRow {
    const Handler* handlers = nullptr; ///< null if the form does not apply to it
    const uint8_t* places = nullptr;   ///< the handler for each variant number, or no_handler
    static constexpr uint8_t no_handler = UINT8_MAX;

    /// The handler of a variant of that form by its number; null if `exists` (isa/variants.hpp) does not
    /// hold.
    [[nodiscard]] Handler at(size_t number) const noexcept {
        const uint8_t place = handlers != nullptr ? places[number] : no_handler;
        return place != no_handler ? handlers[place] : nullptr;
    }
    [[nodiscard]] Handler of(Form form, Variant variant) const noexcept {
        return at(number_of(form, variant));
    }
};
/// The handlers of all instructions of a family, in the order of `ops_of`; there are `count`.
struct HandlerGroup {
    Form form;
    Family family;
    const HandlerRow* rows;
    size_t count;
};
/// All groups, and which one has a form's handlers for a family.
class HandlerTable {
public:
    HandlerTable() noexcept;
    [[nodiscard]] HandlerRow find(Form form, Op op) const noexcept {
        const auto& numbers = numbers_[static_cast<size_t>(form)];
        const detail::OpPlace& place = detail::place_of(op);
        if (const uint8_t number = numbers[static_cast<size_t>(place.family)]; number != 0)
            return groups_[number - 1].rows[place.in_family];
        const uint8_t number = numbers[static_cast<size_t>(Family::none)];
        return number != 0 ? groups_[number - 1].rows[0] : HandlerRow{};
    }
    [[nodiscard]] std::span<const HandlerGroup> groups() const noexcept { return {groups_.data(), count_}; }

private:
    static constexpr size_t room = 128;
    std::array<HandlerGroup, room> groups_;
    uint8_t count_ = 0;
    std::array<std::array<uint8_t, family_count>, form_count> numbers_{}; ///< plus one; 0: none
};
[[nodiscard]] const HandlerTable& handler_table() noexcept;
[[nodiscard]] inline HandlerRow find_handlers(Form form, Op op) noexcept {
    return handler_table().find(form, op);
}
/// One handler. First choose a variant that exists (`Emitter::settle`).
[[nodiscard]] inline Handler find_handler(const Choice& choice) noexcept {
    return find_handlers(choice.form, choice.op).of(choice.form, choice.variant);
}
[[nodiscard]] inline bool exists(const Choice& choice) noexcept { return find_handler(choice) != nullptr; }

/// All groups, for a disassembler to find out what a handler stands for.
[[nodiscard]] inline std::span<const HandlerGroup> handler_groups() noexcept {
    return handler_table().groups();
}
/// The instruction at a position of its family.
[[nodiscard]] Op op_at(Family family, size_t place) noexcept;

} // namespace warpbeam::vm
