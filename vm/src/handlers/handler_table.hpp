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
[[nodiscard]] size_t constant_width(const Choice& choice) noexcept;
/// The fields of the instruction.
[[nodiscard]] inline Shape shape_of(const Choice& choice) noexcept {
    return {choice.form, choice.variant, choice.variant.constants() == 0 ? 8 : constant_width(choice)};
}

/// The handlers of one form for one instruction.
struct HandlerRow {
    const Handler* handlers = nullptr; ///< null if the form does not apply to it
    const uint8_t* places = nullptr;   ///< the handler for each variant number, or no_handler
    static constexpr uint8_t no_handler = UINT8_MAX;

    /// The handler of a variant of that form; null if `exists` (isa/variants.hpp) does not hold.
    [[nodiscard]] Handler of(Form form, Variant variant) const noexcept {
        const uint8_t place = handlers != nullptr ? places[number_of(form, variant)] : no_handler;
        return place != no_handler ? handlers[place] : nullptr;
    }
};
[[nodiscard]] HandlerRow find_handlers(Form form, Op op) noexcept;
/// One handler. First choose a variant that exists (`Emitter::settle`).
[[nodiscard]] inline Handler find_handler(const Choice& choice) noexcept {
    return find_handlers(choice.form, choice.op).of(choice.form, choice.variant);
}
[[nodiscard]] inline bool exists(const Choice& choice) noexcept { return find_handler(choice) != nullptr; }

/// The handlers of all instructions of a family, in the order of `ops_of`; there are `count`.
struct HandlerGroup {
    Form form;
    Family family;
    const HandlerRow* rows;
    size_t count;
};
/// All groups, for a disassembler to find out what a handler stands for.
[[nodiscard]] std::span<const HandlerGroup> handler_groups() noexcept;
/// The instruction at a position of its family.
[[nodiscard]] Op op_at(Family family, size_t place) noexcept;

} // namespace warpbeam::vm
