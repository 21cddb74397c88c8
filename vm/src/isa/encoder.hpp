#pragma once

#include "isa/form.hpp"
#include "isa/instr.hpp"

#include <warpbeam/build.hpp>

#include <cstring>

/// How the lowering writes instructions, and how code that does not know their form at compile time reads
/// them.

namespace warpbeam::vm {

/// Indexed by form, constant operands, and width divided by 8: 4, 8 or 16 bytes.
using Encodings = std::array<std::array<std::array<Encoding, 3>, 8>, form_count>;
extern const Encodings encodings;
/// In small builds encodings are computed each time, without a table.
using EncodingOf = std::conditional_t<is_small, Encoding, const Encoding&>;

/// What is needed to find the fields of an instruction.
struct Shape {
    Form form{};
    Variant variant{};
    size_t width = 8; ///< the size of a constant whose type the form leaves open

    [[nodiscard]] EncodingOf encoding() const noexcept {
#if WARPBEAM_SMALL
        return encoding_of(form, variant.constants(), width);
#else
        return encodings[static_cast<size_t>(form)][variant.constants()][width >> 3];
#endif
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
inline constexpr size_t target_offset = head_offset + 4;
static_assert(std::ranges::all_of(form_table, [](const FormRow& row) {
    return std::ranges::all_of(row.fields, [](const FieldRow& field) {
        return field.kind != FieldKind::jump || (field.name == Field::target && field.lane == Lane::bc);
    });
}));

/// The fields of one instruction in memory.
class Fields {
public:
    Fields(void* instr, const Shape& shape) noexcept
        : instr_{static_cast<char*>(instr)}, shape_{shape}, encoding_{shape.encoding()} {}

    /// A slot, a number, or the value of a constant; `high` is the second half of a 128-bit constant.
    Fields& set(Field name, uint64_t value, uint64_t high = 0) noexcept {
        const BitRange bits = bits_of(name);
        if (bits.count == 16)
            write<uint16_t>(place(bits), value);
        else if (bits.count == 32)
            write<uint32_t>(place(bits), value);
        else
            write<uint64_t>(place(bits), value);
        if (bits.count == 128)
            write<uint64_t>(place(bits) + 8, high);
        return *this;
    }
    /// The value as it was set; the first half of 128 bits.
    [[nodiscard]] uint64_t get(Field name) const noexcept {
        const BitRange bits = bits_of(name);
        return bits.count == 16   ? read<uint16_t>(place(bits))
               : bits.count == 32 ? read<uint32_t>(place(bits))
                                  : read<uint64_t>(place(bits));
    }
    /// Whether a field is a constant operand.
    [[nodiscard]] bool is_constant(Field name) const noexcept {
        return (shape_.variant.constants() >> place_of(shape_.form, name).operand & 1) != 0;
    }

private:
    /// The low bits of a number, up to 64. Copies of constant size need no call.
    template <typename T>
    static void write(void* to, uint64_t value) noexcept {
        const auto low = static_cast<T>(value);
        std::memcpy(to, &low, sizeof low);
    }
    template <typename T>
    static uint64_t read(const void* from) noexcept {
        T value;
        std::memcpy(&value, from, sizeof value);
        return value;
    }
    [[nodiscard]] BitRange bits_of(Field name) const noexcept {
        return encoding_.fields[place_of(shape_.form, name).field];
    }
    [[nodiscard]] char* place(BitRange bits) const noexcept { return instr_ + head_offset + bits.byte; }

    char* instr_;
    Shape shape_;
    EncodingOf encoding_;
};

} // namespace warpbeam::vm
