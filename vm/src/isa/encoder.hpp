#pragma once

#include "isa/form.hpp"
#include "isa/instr.hpp"

#include <cstring>

/// How the lowering writes instructions, and how whoever does not know their form when compiled reads them.

namespace warpbeam::vm {

/// What has to be known to find the fields of an instruction.
struct Shape {
    Form form{};
    Variant variant{};
    size_t width = 8; ///< of a constant whose type the form leaves open

    [[nodiscard]] const Encoding& encoding() const noexcept;
    /// In bytes; without the distances of a jump table.
    [[nodiscard]] size_t size() const noexcept { return sizeof(Instr) + 8 * encoding().words; }
};

/// Where the distance of a jump stands in its instruction.
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

    /// A slot, a number, or the value of a constant; `high` is the second half of one of 128 bits.
    Fields& set(Field name, uint64_t value, uint64_t high = 0) noexcept {
        const BitRange bits = encoding_->fields[field_index(shape_.form, name)];
        char* const at = place(bits);
        std::memcpy(at, &value, bits.count >= 64 ? 8 : bits.count / 8);
        if (bits.count == 128)
            std::memcpy(at + 8, &high, 8);
        return *this;
    }
    /// As it was set; of 128 bits the first half.
    [[nodiscard]] uint64_t get(Field name) const noexcept {
        const BitRange bits = encoding_->fields[field_index(shape_.form, name)];
        uint64_t value = 0;
        std::memcpy(&value, place(bits), bits.count >= 64 ? 8 : bits.count / 8);
        return value;
    }
    /// Whether a field is an operand that is a constant.
    [[nodiscard]] bool is_constant(Field name) const noexcept {
        return (shape_.variant.constants() >> operand_index(shape_.form, name) & 1) != 0;
    }

private:
    [[nodiscard]] char* place(BitRange bits) const noexcept { return instr_ + sizeof(Handler) + bits.byte; }

    char* instr_;
    Shape shape_;
    const Encoding* encoding_;
};

} // namespace warpbeam::vm
