#pragma once

#include "disassembly/handler_index.hpp"
#include "isa/encoder.hpp"

#include <warpbeam/loader/module.hpp>

#include <optional>

/// Instructions of threaded code as data, for the disassembler and the verifier. Adds what the forms leave
/// open about their fields.

namespace warpbeam::vm {

/// What a function's code is made for, and may refer to.
struct CodeContext {
    const Module& module;
    std::span<const CodeCell> cells;  ///< of the functions that the module defines
    uint32_t slot_reach = UINT32_MAX; ///< the first slot that fields of 16 bits can't name
};

/// One instruction. It reads memory that it does not own.
struct CodeInstr {
    Choice choice;
    Shape shape;
    const char* at = nullptr; ///< null if it stands for all instructions of its kind
    uint32_t position = 0;
    uint32_t size = 0; ///< with the distances of a jump table

    [[nodiscard]] bool is_variant() const noexcept { return at == nullptr; }
    [[nodiscard]] const FormRow& row() const noexcept { return row_of(choice.form); }
    [[nodiscard]] const Sig& sig() const noexcept { return sig_of(choice.op); }
    [[nodiscard]] bool has(uint8_t effect) const noexcept { return (row().effects & effect) != 0; }
    [[nodiscard]] uint64_t get(Field field) const noexcept { return fields().get(field); }
    /// The width of a field.
    [[nodiscard]] unsigned bits(Field field) const noexcept {
        return shape.encoding().fields[place_of(shape.form, field).field].count;
    }
    /// The second half of 128 bits.
    [[nodiscard]] uint64_t high(Field field) const noexcept;
    /// The classes of an operand and of the result.
    [[nodiscard]] Src source(Field field) const noexcept {
        return choice.variant.operand(operand_index(choice.form, field));
    }
    [[nodiscard]] Dst result() const noexcept { return choice.variant.result; }
    [[nodiscard]] Sig::Type type(const FieldRow& field) const noexcept {
        return type_of(field.typed, sig(), choice.variant.option);
    }
    [[nodiscard]] Pins pins() const noexcept { return std::bit_cast<Pins>(get(Field::pins)); }

    /// The number of possible jumps, and the target position of each, even if it lies outside the code.
    [[nodiscard]] size_t target_count() const noexcept;
    [[nodiscard]] int64_t target(size_t i) const noexcept;

    /// Whether a field is used: an atomic access may have fewer operands than its form has room for.
    [[nodiscard]] bool uses(const FieldRow& field) const noexcept;
    /// Whether the first number is the address of a layout.
    [[nodiscard]] bool has_layout(Field field) const noexcept;
    /// Whether a general instruction leaves a result in the accumulator and its first slot.
    [[nodiscard]] bool has_general_result() const noexcept;

private:
    [[nodiscard]] Fields fields() const noexcept { return {const_cast<char*>(at), shape}; }
};

/// The instruction at a position of code; none if no complete instruction is there.
[[nodiscard]] std::optional<CodeInstr> read_instr(const HandlerIndex& index, std::span<const char> code,
                                                  size_t position) noexcept;
[[nodiscard]] inline std::span<const char> instructions_of(const Code& code) noexcept {
    return {reinterpret_cast<const char*>(code.entry()), code.size};
}

/// The form of general instructions with any number of immediates.
[[nodiscard]] constexpr bool is_general(Form form) noexcept {
    return form == Form::general0 || form == Form::general1 || form == Form::general2;
}

} // namespace warpbeam::vm
