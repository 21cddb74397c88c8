#include "validate_func.hpp"

#include <algorithm>

/// References, structures and arrays,
/// https://webassembly.github.io/spec/core/valid/instructions.html#reference-instructions and the sections
/// after it.

namespace warpbeam {
namespace {

constexpr ValType ref_to(TypeId id, bool nullable) noexcept {
    return ValType::reference(HeapType::defined(id), nullable);
}

} // namespace

bool FuncValidator::ref_null() noexcept {
    HeapType heap = HeapType::any;
    return types_.heap_type(heap) && push(ValType::reference(heap, true));
}

bool FuncValidator::ref_is_null() noexcept {
    ValType found;
    return pop_ref(found) && push(ValType::i32);
}

bool FuncValidator::ref_as_non_null() noexcept {
    ValType found;
    return pop_ref(found) && push(ValType::reference(found.heap(), false));
}

bool FuncValidator::ref_func() noexcept {
    uint32_t index = 0;
    if (!func_index(index))
        return false;
    if (is_constant_)
        context_.declare_func(index);
    else if (!context_.is_declared(index))
        return diagnostics().invalid(here(),
                                     "undeclared function reference: function %u does not occur in an "
                                     "export, segment or constant expression",
                                     index);
    // Before typed references, all function references had the same type.
    if (!context_.has(Feature::function_references))
        return push(funcref);
    const bool exact = index >= context_.module.imported_funcs ||
                       std::ranges::binary_search(context_.module.exact_imports, index);
    return push(exact ? new_ref(context_.module.funcs[index]) : ref_to(context_.module.funcs[index], false));
}

/// A reference to exactly this type, which matters only if exact types are enabled.
ValType FuncValidator::new_ref(TypeId id) const noexcept {
    const bool exact = context_.has(Feature::custom_descriptors);
    return ValType::reference(HeapType::defined(id, exact), false);
}

bool FuncValidator::branch_on_null(bool on_null) noexcept {
    const Block* target = nullptr;
    ValType found;
    if (!label(target) || !pop_ref(found))
        return false;
    const std::span<const ValType> types = target->label_types();
    const ValType non_null = ValType::reference(found.heap(), false);
    if (on_null)
        return pop_all(types) && push_all(types) && push(non_null);
    // The label takes the reference, which is not null there; the other operands continue below it.
    if (types.empty())
        return diagnostics().invalid(here(), "type mismatch: the label of br_on_non_null takes no reference");
    const auto others = types.first(types.size() - 1);
    return push(non_null) && pop_all(types) && push_all(others);
}

bool FuncValidator::branch_on_cast(bool on_fail, bool with_descriptor) noexcept {
    uint8_t flags = 0;
    const Block* target = nullptr;
    HeapType source_heap = HeapType::any, target_heap = HeapType::any;
    if (!in_.byte(flags, cast_flag::all, "br_on_cast flags") || !label(target) ||
        !types_.heap_type(source_heap) || !types_.heap_type(target_heap))
        return false;
    const ValType from = ValType::reference(source_heap, (flags & cast_flag::nullable_source) != 0);
    const ValType to = ValType::reference(target_heap, (flags & cast_flag::nullable_target) != 0);
    // With custom descriptors, any type in the same hierarchy is allowed.
    const bool castable = context_.has(Feature::custom_descriptors)
                              ? registry().top_of(target_heap) == registry().top_of(source_heap)
                              : registry().matches(to, from);
    if (!can_test_for(target_heap))
        return false;
    if (!castable)
        return diagnostics().invalid(here(), "type mismatch: %s to %s, which is not a subtype of %s",
                                     op_name(), text_of(to).c_str(), text_of(from).c_str());
    // What is left if the cast fails: it can be null only if the target type excludes null.
    const ValType rest = ValType::reference(source_heap, from.nullable() && !to.nullable());
    const ValType taken = on_fail ? rest : to;
    const std::span<const ValType> types = target->label_types();
    if (types.empty() || !registry().matches(taken, types.back()))
        return diagnostics().invalid(here(), "type mismatch: %s carries %s but the label requires %s",
                                     op_name(), text_of(taken).c_str(), text_of(types).c_str());
    const auto others = types.first(types.size() - 1);
    return (!with_descriptor || pop_descriptor(target_heap)) && pop(from) && pop_all(others) &&
           push_all(others) && push(on_fail ? to : rest);
}

/// The descriptor that a cast to `described` takes.
bool FuncValidator::pop_descriptor(HeapType described) noexcept {
    const TypeId id = described.is_defined() ? registry()[described.id()].descriptor : SubType::no_type;
    if (id == SubType::no_type)
        return diagnostics().invalid(here(), "type mismatch: %s to type %s, which does not have a descriptor",
                                     op_name(), text_of(described).c_str());
    return pop(ValType::reference(HeapType::defined(id, described.is_exact()), true));
}

bool FuncValidator::cast_descriptor(bool nullable) noexcept {
    HeapType heap = HeapType::any;
    return types_.heap_type(heap) && pop_descriptor(heap) && pop(ValType::reference(HeapType::any, true)) &&
           push(ValType::reference(heap, nullable));
}

bool FuncValidator::get_descriptor() noexcept {
    TypeId id = 0;
    const SubType* type = nullptr;
    if (!defined_type(CompositeKind::struct_, id, type))
        return false;
    if (type->descriptor == SubType::no_type)
        return diagnostics().invalid(here(), "type without descriptor: %s", op_name());
    // The descriptor's type is exact if the operand's type is.
    const ValType exact_ref = ValType::reference(HeapType::defined(id, true), true);
    const bool exact = top_ == base_ || registry().matches(top_[-1], exact_ref);
    return pop(exact ? exact_ref : ref_to(id, true)) &&
           push(ValType::reference(HeapType::defined(type->descriptor, exact), false));
}

/// The type that a reference is tested for, and the reference.
bool FuncValidator::cast_operand(HeapType& heap) noexcept {
    return types_.heap_type(heap) && can_test_for(heap) &&
           pop(ValType::reference(registry().top_of(heap), true));
}

/// References to continuations don't tell their type.
bool FuncValidator::can_test_for(HeapType heap) noexcept {
    return !registry().matches(heap, HeapType::cont) ||
           diagnostics().invalid(here(), "invalid cast: %s to the continuation type %s", op_name(),
                                 text_of(heap).c_str());
}

bool FuncValidator::test() noexcept {
    HeapType heap = HeapType::any;
    return cast_operand(heap) && push(ValType::i32);
}

bool FuncValidator::cast(bool nullable) noexcept {
    HeapType heap = HeapType::any;
    return cast_operand(heap) && push(ValType::reference(heap, nullable));
}

bool FuncValidator::convert(HeapType from, HeapType to) noexcept {
    if (is_bottomless())
        return push(ValType::reference(to, false));
    const bool nullable = top_ != base_ && top_[-1].is_ref() && top_[-1].nullable();
    return pop(ValType::reference(from, true)) && push(ValType::reference(to, nullable));
}

bool FuncValidator::defined_type(CompositeKind kind, TypeId& id, const SubType*& type) noexcept {
    static constexpr const char* kinds[] = {"a function", "a structure", "an array", "a continuation"};
    const size_t start = in_.offset();
    uint32_t index = 0;
    if (!in_.u32(index) || !types_.resolve(index, start, id))
        return false;
    type = &registry()[id];
    if (type->kind != kind)
        return diagnostics().invalid(start, "type mismatch: %s requires %s type but type %u is %s type",
                                     op_name(), kinds[static_cast<size_t>(kind)], index,
                                     kinds[static_cast<size_t>(type->kind)]);
    return true;
}

bool FuncValidator::struct_new(bool with_default, bool with_descriptor) noexcept {
    TypeId id = 0;
    const SubType* type = nullptr;
    if (!defined_type(CompositeKind::struct_, id, type))
        return false;
    const bool has_descriptor = type->descriptor != SubType::no_type;
    if (has_descriptor != with_descriptor)
        return diagnostics().invalid(here(), has_descriptor
                                                 ? "type with descriptor requires descriptor allocation"
                                                 : "type without descriptor requires non-descriptor "
                                                   "allocation");
    if (has_descriptor && !pop(ValType::reference(HeapType::defined(type->descriptor, true), true)))
        return false;
    for (size_t i = type->fields.size(); i-- > 0;) {
        const ValType storage = type->fields[i].storage;
        if (with_default ? !storage.defaultable() : !pop(storage.unpacked()))
            return with_default &&
                   diagnostics().invalid(here(), "type mismatch: field %zu has no default value", i);
    }
    return push(new_ref(id));
}

/// Checks that the instruction has a sign extension if and only if the field is packed.
bool FuncValidator::packing(Access access, const FieldType& field, const char* what) noexcept {
    return field.storage.is_packed() == (access == Access::packed) ||
           diagnostics().invalid(here(), "type mismatch: %s cannot read %s of type %s", op_name(), what,
                                 text_of(field.storage).c_str());
}

bool FuncValidator::struct_field(Access access, const Effect& effect) noexcept {
    TypeId id = 0;
    uint32_t index = 0;
    const SubType* type = nullptr;
    if (!defined_type(CompositeKind::struct_, id, type) || !in_.u32(index) ||
        !context_.exists(index, type->fields.size(), here(), "field"))
        return false;
    const FieldType& field = type->fields[index];
    const bool good = access != Access::mutable_
                          ? packing(access, field, "a field")
                          : field.is_mutable || diagnostics().invalid(here(), "immutable field %u", index);
    return good && apply(effect, {}, field.storage.unpacked(), id);
}

bool FuncValidator::array_type(TypeId& id, FieldType& element, bool must_be_mutable) noexcept {
    const SubType* type = nullptr;
    if (!defined_type(CompositeKind::array, id, type))
        return false;
    element = type->fields[0];
    return element.is_mutable || !must_be_mutable || diagnostics().invalid(here(), "immutable array");
}

/// The segment that the elements come from.
bool FuncValidator::array_segment(const FieldType& element) noexcept {
    uint32_t index = 0;
    if (row_of(op()).imm == Imm::type_data)
        return data_index(index) && data_exists(index) &&
               (!element.storage.is_ref() ||
                diagnostics().invalid(here(), "array type is not numeric or vector"));
    if (!in_.u32(index) || !elem_exists(index))
        return false;
    const ValType type = context_.module.elements[index].type;
    return registry().matches(type, element.storage) ||
           diagnostics().invalid(here(), "type mismatch: %s from elements of %s to an array of %s", op_name(),
                                 text_of(type).c_str(), text_of(element.storage).c_str());
}

bool FuncValidator::array(Access access, const Effect& effect) noexcept {
    TypeId id = 0;
    FieldType element;
    if (!array_type(id, element, access == Access::mutable_))
        return false;
    if ((access == Access::plain || access == Access::packed) && !packing(access, element, "an element"))
        return false;
    if (access == Access::defaultable && !element.storage.defaultable())
        return diagnostics().invalid(here(), "type mismatch: the elements have no default value");
    return (row_of(op()).imm == Imm::type || array_segment(element)) &&
           apply(effect, {}, element.storage.unpacked(), id);
}

bool FuncValidator::apply(const Effect& effect, ValType address, ValType element, TypeId id) noexcept {
    const ValType types[] = {ValType::bot,
                             ValType::i32,
                             ValType::reference(HeapType::eq, true),
                             ValType::reference(HeapType::i31, true),
                             ValType::reference(HeapType::array, true),
                             ValType::reference(HeapType::i31, false),
                             address,
                             element,
                             ref_to(id, true),
                             new_ref(id)};
    for (size_t i = effect.in.size(); i-- > 0;)
        if (effect.in[i] != Operand::none && !pop(types[static_cast<size_t>(effect.in[i])]))
            return false;
    return effect.out == Operand::none || push(types[static_cast<size_t>(effect.out)]);
}

bool FuncValidator::array_new_fixed() noexcept {
    TypeId id = 0;
    FieldType element;
    uint32_t count = 0;
    if (!array_type(id, element, false) || !in_.u32(count))
        return false;
    for (uint32_t i = 0; i < count && !is_bottomless(); ++i)
        if (!pop(element.storage.unpacked()))
            return false;
    return push(new_ref(id));
}

bool FuncValidator::array_copy() noexcept {
    TypeId to = 0, from = 0;
    FieldType to_element, from_element;
    if (!array_type(to, to_element, true) || !array_type(from, from_element, false))
        return false;
    if (!registry().matches(from_element.storage, to_element.storage))
        return diagnostics().invalid(here(), "array types do not match: %s from %s to %s", op_name(),
                                     text_of(from_element.storage).c_str(),
                                     text_of(to_element.storage).c_str());
    return pop(ValType::i32) && pop(ValType::i32) && pop(ref_to(from, true)) && pop(ValType::i32) &&
           pop(ref_to(to, true));
}

} // namespace warpbeam
