#pragma once

#include "isa/form.hpp"
#include "isa/instr.hpp"

#include <warpbeam/build.hpp>

#include <cstring>

/// How the lowering writes instructions, and how code that does not know their form at compile time reads
/// them.

namespace warpbeam::vm {

namespace detail {

/// How many sets of constant operands a form has an encoding for, and how many encodings it has: the width only makes a
/// difference for constants. Without a small build's thrift, all forms have as many, so that they are found at once.
constexpr unsigned constant_sets(Form form) noexcept { return is_small ? 1u << facts_of(form).operands : 8; }
constexpr size_t encoding_count(Form form) noexcept {
    return is_small ? 1 + (constant_sets(form) - 1) * 3 : 8 * 3;
}
/// Where a form's encodings begin.
inline constexpr auto encoding_begins = [] {
    std::array<uint16_t, form_count + 1> begin{};
    for (size_t form = 0; form < form_count; ++form)
        begin[form + 1] = static_cast<uint16_t>(begin[form] + encoding_count(static_cast<Form>(form)));
    return begin;
}();

} // namespace detail

/// The encodings of all forms, by constant operands, and by width divided by 8: 4, 8 or 16 bytes.
class Encodings {
public:
    constexpr Encodings() noexcept {
        for (const FormRow& row : form_table)
            for (unsigned constants = 0; constants < detail::constant_sets(row.form); ++constants)
                for (const size_t width : {4u, 8u, 16u})
                    rows_[place(row.form, constants, width >> 3)] = encoding_of(row.form, constants, width);
    }
    [[nodiscard]] constexpr const Encoding& of(Form form, unsigned constants, size_t width) const noexcept {
        return rows_[place(form, constants, width)];
    }

private:
    static constexpr size_t place(Form form, unsigned constants, size_t width) noexcept {
        const size_t number = static_cast<size_t>(form);
        if (!is_small)
            return (number * 8 + constants) * 3 + width;
        return detail::encoding_begins[number] + (constants == 0 ? 0 : constants * 3 - 2 + width);
    }
    std::array<Encoding, detail::encoding_begins[form_count]> rows_{};
};
extern const Encodings encodings;

/// What is needed to find the fields of an instruction.
struct Shape {
    Form form{};
    Variant variant{};
    size_t width = 8; ///< the size of a constant whose type the form leaves open

    [[nodiscard]] const Encoding& encoding() const noexcept {
        return encodings.of(form, variant.constants(), width >> 3);
    }
    /// In bytes, without the distances of a jump table.
    [[nodiscard]] size_t size() const noexcept { return sizeof(Instr) + 8 * encoding().words; }
};

/// Which field of a form has a name, and which operand it is; `max_fields`, or a number above all operands,
/// if there is none.
struct FieldPlace {
    uint8_t field;
    uint8_t operand;
};
constexpr FieldPlace find_field(Form form, Field name) noexcept {
    return {static_cast<uint8_t>(field_index(form, name)), static_cast<uint8_t>(operand_index(form, name))};
}
extern const std::array<std::array<FieldPlace, std::size(field_names)>, form_count> field_places;
[[nodiscard]] inline FieldPlace place_of(Form form, Field name) noexcept {
    if (is_small) // without the table
        return find_field(form, name);
    return field_places[static_cast<size_t>(form)][static_cast<size_t>(name)];
}

/// The position of a jump distance in its instruction.
inline constexpr size_t target_offset = sizeof(Handler) + 4;
static_assert(std::ranges::all_of(form_table, [](const FormRow& row) {
    return std::ranges::all_of(row.fields, [](const FieldRow& field) {
        return field.kind != FieldKind::jump || (field.name == Field::target && field.lane == Lane::bc);
    });
}));

/// The fields of one instruction in memory.
class Fields {
public:
    Fields(void* instr, const Shape& shape) noexcept
        : instr_{static_cast<char*>(instr)}, shape_{shape}, encoding_{&shape.encoding()} {}

    /// A slot, a number, or the value of a constant; `high` is the second half of a 128-bit constant.
    Fields& set(Field name, uint64_t value, uint64_t high = 0) noexcept {
        const BitRange bits = bits_of(name);
        copy(place(bits), &value, bits.count);
        if (bits.count == 128)
            std::memcpy(place(bits) + 8, &high, 8);
        return *this;
    }
    /// The value as it was set; the first half of 128 bits.
    [[nodiscard]] uint64_t get(Field name) const noexcept {
        const BitRange bits = bits_of(name);
        uint64_t value = 0;
        copy(&value, place(bits), bits.count);
        return value;
    }
    /// Whether a field is a constant operand.
    [[nodiscard]] bool is_constant(Field name) const noexcept {
        return (shape_.variant.constants() >> place_of(shape_.form, name).operand & 1) != 0;
    }

private:
    /// Up to 64 bits. Copies of constant size need no call.
    static void copy(void* to, const void* from, uint8_t bits) noexcept {
        if (bits == 16)
            std::memcpy(to, from, 2);
        else
            (bits == 32) ? std::memcpy(to, from, 4) : std::memcpy(to, from, 8);
    }
    [[nodiscard]] BitRange bits_of(Field name) const noexcept {
        return encoding_->fields[place_of(shape_.form, name).field];
    }
    [[nodiscard]] char* place(BitRange bits) const noexcept { return instr_ + sizeof(Handler) + bits.byte; }

    char* instr_;
    Shape shape_;
    const Encoding* encoding_;
};

} // namespace warpbeam::vm
