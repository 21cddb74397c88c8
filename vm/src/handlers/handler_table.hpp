#pragma once

#include "isa/encoder.hpp"
#include "isa/instr.hpp"
#include "semantics/op_rows.hpp"

#include <span>

/// How handlers are found, from below and from above.

namespace warpbeam::vm {

/// What a handler stands for.
struct Choice {
    Form form{};
    /// The instruction whose semantics it has; `nop` for forms that belong to none in particular.
    Op op = Op::nop;
    Variant variant{};
    friend constexpr bool operator==(const Choice&, const Choice&) noexcept = default;
};

/// How many bytes a constant takes whose type the form leaves open.
[[nodiscard]] size_t constant_width(const Choice& choice) noexcept;
/// The fields of what a choice stands for.
[[nodiscard]] inline Shape shape_of(const Choice& choice) noexcept {
    return {choice.form, choice.variant, choice.variant.constants() == 0 ? 8 : constant_width(choice)};
}

/// The handlers of one form for one instruction.
struct HandlerRow {
    const Handler* handlers = nullptr; ///< null when the form is not for it
    const uint8_t* places = nullptr;   ///< by the number of the variant: which handler, or no_handler
    static constexpr uint8_t no_handler = UINT8_MAX;

    /// Of a variant of that form; null when `exists` (isa/variants.hpp) does not hold.
    [[nodiscard]] Handler of(Form form, Variant variant) const noexcept {
        const uint8_t place = handlers != nullptr ? places[number_of(form, variant)] : no_handler;
        return place != no_handler ? handlers[place] : nullptr;
    }
};
[[nodiscard]] HandlerRow find_handlers(Form form, Op op) noexcept;
/// One of them. Who chooses settles first on a variant that there is (`Emitter::settle`).
[[nodiscard]] inline Handler find_handler(const Choice& choice) noexcept {
    return find_handlers(choice.form, choice.op).of(choice.form, choice.variant);
}
[[nodiscard]] inline bool exists(const Choice& choice) noexcept { return find_handler(choice) != nullptr; }

/// Those of all instructions of a family, in the order of `ops_of`, of which there are `count`.
struct HandlerGroup {
    Form form;
    Family family;
    const HandlerRow* rows;
    size_t count;
};
/// All groups: how a disassembler finds out what a handler stands for.
[[nodiscard]] std::span<const HandlerGroup> handler_groups() noexcept;
/// The instruction of a family by its place in it.
[[nodiscard]] Op op_at(Family family, size_t place) noexcept;

} // namespace warpbeam::vm
