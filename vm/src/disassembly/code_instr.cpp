#include "disassembly/code_instr.hpp"

namespace warpbeam::vm {

namespace {

/// More than addresses can count, if the code is wrong.
uint64_t distances_of(const CodeInstr& instr) noexcept {
    return instr.choice.form == Form::jump_table ? instr.get(Field::count) + 1 : 0;
}

} // namespace

std::optional<CodeInstr> read_instr(const HandlerIndex& index, std::span<const char> code,
                                    size_t position) noexcept {
    if (position % alignof(Instr) != 0 || position > code.size() || code.size() - position < sizeof(Instr))
        return std::nullopt;
    Handler handler;
    std::memcpy(&handler, code.data() + position, sizeof handler);
    const Choice* const choice = index.find(handler);
    if (choice == nullptr)
        return std::nullopt;
    CodeInstr instr{*choice, shape_of(*choice), code.data() + position, static_cast<uint32_t>(position), 0};
    const size_t room = code.size() - position;
    if (instr.shape.size() > room)
        return std::nullopt;
    // The distances are 32-bit, and padded to whole words.
    const uint64_t size = instr.shape.size() + (distances_of(instr) + 1) / 2 * sizeof(uint64_t);
    if (size > room)
        return std::nullopt;
    instr.size = static_cast<uint32_t>(size);
    return instr;
}

uint64_t CodeInstr::high(Field field) const noexcept {
    const size_t place = head_offset + shape.encoding().fields[field_index(choice.form, field)].byte;
    uint64_t value;
    std::memcpy(&value, at + place + 8, sizeof value);
    return value;
}

size_t CodeInstr::target_count() const noexcept {
    if (choice.form == Form::jump_table)
        return static_cast<size_t>(distances_of(*this));
    return field_index(choice.form, Field::target) < max_fields ? 1 : 0;
}

int64_t CodeInstr::target(size_t i) const noexcept {
    int32_t distance;
    const size_t place = choice.form == Form::jump_table ? shape.size() + i * sizeof distance : target_offset;
    std::memcpy(&distance, at + place, sizeof distance);
    return int64_t{position} + distance;
}

bool CodeInstr::uses(const FieldRow& field) const noexcept {
    if (choice.form != Form::atomic && choice.form != Form::atomic_any)
        return true;
    switch (field.name) {
    case Field::value:
        return sig().arity > 1;
    case Field::expected:
        return sig().arity > 2;
    case Field::to:
        return sig().out != Sig::none;
    default:
        return true;
    }
}

bool CodeInstr::has_layout(Field field) const noexcept {
    if (field == Field::layout)
        return true;
    if (field == Field::type)
        return choice.form != Form::call_indirect && choice.form != Form::return_call_indirect &&
               (choice.variant.option & 1) != 0;
    if (field != Field::first)
        return false;
    switch (choice.op) {
    case Op::array_new:
    case Op::array_new_default:
    case Op::array_new_fixed:
    case Op::array_new_data:
    case Op::array_new_elem:
    case Op::array_fill:
    case Op::struct_new_desc:
    case Op::struct_new_default_desc:
        return true;
    default:
        return false;
    }
}

bool CodeInstr::has_general_result() const noexcept {
    switch (choice.op) {
    case Op::table_set:
    case Op::memory_init:
    case Op::data_drop:
    case Op::memory_copy:
    case Op::memory_fill:
    case Op::table_init:
    case Op::elem_drop:
    case Op::table_copy:
    case Op::table_fill:
    case Op::array_fill:
    case Op::array_copy:
    case Op::array_init_data:
    case Op::array_init_elem:
        return false;
    default:
        return is_general(choice.form);
    }
}

} // namespace warpbeam::vm
