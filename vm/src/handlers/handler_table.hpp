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

/// The fields of what a choice stands for.
[[nodiscard]] inline Shape shape_of(const Choice& choice) noexcept {
    return {choice.form, choice.variant,
            constant_width(choice.form, sig_of(choice.op), choice.variant.option)};
}

/// The handler; null when `exists` (isa/variants.hpp) does not hold. Who chooses settles first on a variant
/// that there is (`Emitter::settle`).
[[nodiscard]] Handler find_handler(const Choice& choice) noexcept;
[[nodiscard]] inline bool exists(const Choice& choice) noexcept { return find_handler(choice) != nullptr; }

/// The handlers of one form for one instruction.
struct HandlerRow {
    const Handler* handlers = nullptr; ///< null when the form is not for it
    const uint8_t* places = nullptr;   ///< by the number of the variant: which handler, or VariantSet::none
};
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
