#include "disassembly/extent.hpp"

#include "heap/layout.hpp"
#include "heap/reference.hpp"

#include <algorithm>

namespace warpbeam::vm {

namespace {

/// An index or a number of slots.
size_t number_in(const CodeInstr& instr, Field field) noexcept {
    return static_cast<size_t>(instr.get(field));
}

constexpr size_t slots_of(Sig::Type type) noexcept { return type == Sig::v128 ? 2 : 1; }

size_t element_slots(const CodeInstr& instr) noexcept {
    const auto* const layout =
        reinterpret_cast<const Layout*>(static_cast<uintptr_t>(instr.get(Field::first)));
    return layout->element().storage == ValType::v128 ? 2 : 1;
}

/// The operands of an instruction whose signature depends on types.
size_t special_operands(const CodeInstr& instr) noexcept {
    switch (instr.choice.op) {
    case Op::table_set:
    case Op::table_grow:
    case Op::array_new_data:
    case Op::array_new_elem:
    case Op::ref_cast_desc_eq:
    case Op::ref_cast_desc_eq_null:
        return 2;
    case Op::memory_copy:
    case Op::table_copy:
    case Op::table_fill:
        return 3;
    case Op::array_init_data:
    case Op::array_init_elem:
        return 4;
    case Op::array_copy:
        return 5;
    case Op::array_new:
        return element_slots(instr) + 1;
    case Op::array_fill:
        return element_slots(instr) + 3;
    case Op::array_new_fixed:
        return element_slots(instr) * number_in(instr, Field::second);
    case Op::struct_new_desc:
        return number_in(instr, Field::second) + 1;
    case Op::cont_bind:
        return number_in(instr, Field::first) + 1;
    default:
        return 1;
    }
}

} // namespace

const FuncType* callee_type(const CodeContext& context, const CodeInstr& instr) noexcept {
    const Module& module = context.module;
    switch (instr.choice.form) {
    case Form::call:
    case Form::return_call: {
        const auto* const cell =
            reinterpret_cast<const CodeCell*>(static_cast<uintptr_t>(instr.get(Field::callee)));
        return &module.type_registry().func(module.funcs()[cell->func]);
    }
    case Form::call_import:
    case Form::return_call_import:
        return &module.type_registry().func(module.funcs()[number_in(instr, Field::function)]);
    case Form::call_indirect:
    case Form::return_call_indirect:
        return &module.type_registry().func(static_cast<TypeId>(instr.get(Field::type)));
    default:
        return nullptr;
    }
}

size_t extent_of(const CodeContext& context, const CodeInstr& instr, const FieldRow& field) noexcept {
    const Form form = instr.choice.form;
    switch (form) {
    case Form::wide_sum:
    case Form::wide_product:
        return field.name == Field::to ? 2 : 1;
    case Form::extract_lane:
        return field.name == Field::from ? 2 : 1;
    case Form::copy_vector:
    case Form::copy_vector_constant:
        return 2;
    case Form::far_get:
    case Form::far_set:
        return size_t{instr.choice.variant.option} + 1;
    case Form::load_any:
        return field.name == Field::to ? slots_of(instr.sig().out) : 1;
    case Form::store_any:
        return field.name == Field::value ? slots_of(instr.sig().in[1]) : 1;
    case Form::copy_range:
    case Form::struct_new:
        return field.kind != FieldKind::result ? number_in(instr, Field::count) : 1;
    case Form::throw_: {
        const TagType& tag = context.module.tags()[number_in(instr, Field::tag)];
        return slots_of(context.module.type_registry().func(tag.type).params);
    }
    case Form::suspend:
        return field.name == Field::frame ? number_in(instr, Field::count) + instr.choice.variant.option : 1;
    case Form::resume:
        return field.name == Field::frame
                   ? std::max(number_in(instr, Field::count) + 1, number_in(instr, Field::high))
                   : 1;
    default:
        break;
    }
    if (field.name == Field::frame) {
        const FuncType* const type = callee_type(context, instr);
        return type != nullptr ? std::max(slots_of(type->params), slots_of(type->results)) : 0;
    }
    if (is_general(form))
        return instr.sig() == sig::special ? special_operands(instr) : instr.sig().arity;
    const bool is_typed = field.kind == FieldKind::result || field.kind == FieldKind::operand;
    return is_typed ? slots_of(instr.type(field)) : 1;
}

} // namespace warpbeam::vm
