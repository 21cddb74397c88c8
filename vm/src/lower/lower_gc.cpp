#include "heap/layout.hpp"
#include "lower/lowering.hpp"

/// Structures, arrays, tests and casts of references.
/// https://webassembly.github.io/spec/core/exec/instructions.html#reference-instructions

namespace warpbeam::vm {

namespace {

/// Memory instructions that access memory in the same way as a field with this storage type.
Op load_like(Kind storage, bool is_signed) noexcept {
    switch (storage) {
    case ValType::i8:
        return is_signed ? Op::i32_load8_s : Op::i32_load8_u;
    case ValType::i16:
        return is_signed ? Op::i32_load16_s : Op::i32_load16_u;
    case ValType::i32:
        return Op::i32_load;
    case ValType::f32:
        return Op::f32_load;
    case ValType::f64:
        return Op::f64_load;
    case ValType::v128:
        return Op::v128_load;
    case ValType::i64:
    case ValType::ref:
    case ValType::bot:
        break;
    }
    return Op::i64_load;
}
Op store_like(Kind storage) noexcept {
    switch (storage) {
    case ValType::i8:
        return Op::i32_store8;
    case ValType::i16:
        return Op::i32_store16;
    case ValType::i32:
        return Op::i32_store;
    case ValType::f32:
        return Op::f32_store;
    case ValType::f64:
        return Op::f64_store;
    case ValType::v128:
        return Op::v128_store;
    case ValType::i64:
    case ValType::ref:
    case ValType::bot:
        break;
    }
    return Op::i64_store;
}

/// The kind of a field's value on the stack.
constexpr Kind unpacked(Kind storage) noexcept { return ValType{storage}.unpacked().kind(); }

} // namespace

/// The layout of the type in the next immediate; null after a failure.
const Layout* Lowering::read_layout() noexcept {
    const Layout* const layout = options_.layouts->of(module_.types()[reader_.u32()]);
    if (layout == nullptr)
        fail(Exit::out_of_memory);
    return layout;
}

void Lowering::lower_struct_new(bool defaults) noexcept {
    const Layout* const layout = read_layout();
    if (layout == nullptr || (!defaults && stack_.size() < layout->fields.size()))
        return;
    emit_charge(layout->size);
    if (options_.fuel || options_.interrupt) {
        // It may stop here, and go on without the accumulators.
        spill_accs();
        forget_accs();
    }
    if (defaults) {
        const uint32_t references = list_references();
        emit_result({Form::struct_new_default}, ValType::ref, false)
            .set(Field::layout, reinterpret_cast<uintptr_t>(layout));
        note_safepoint(acc(false).producer.begin, references);
        return;
    }
    bool wide = layout->fields.size() <= 4;
    for (const ObjectField& field : layout->fields)
        wide &= bytes_of(field.storage) == sizeof(Slot);
    const size_t below = stack_.size() - layout->fields.size();
    const uint32_t end = height();
    flush_from(below);
    const uint32_t references = list_references();
    truncate_stack(below);
    const uint32_t first = height();
    const auto words = static_cast<uint8_t>(wide ? layout->fields.size() : 0);
    emit_result({Form::struct_new, Op::nop, {.option = words}}, ValType::ref, false)
        .set(Field::operands, first)
        .set(Field::count, end - first)
        .set(Field::layout, reinterpret_cast<uintptr_t>(layout));
    note_safepoint(acc(false).producer.begin, references);
}

void Lowering::lower_struct_new_desc(Op op, bool defaults) noexcept {
    const Layout* const layout = read_layout();
    if (layout == nullptr)
        return;
    emit_charge(layout->size);
    uint32_t slots = 0;
    for (const ObjectField& field : layout->fields)
        slots += slots_of(unpacked(field.storage));
    const auto operands = static_cast<uint32_t>(defaults ? 1 : layout->fields.size() + 1);
    emit_general(op, operands, ValType::ref, reinterpret_cast<uintptr_t>(layout), slots);
}

void Lowering::lower_struct_get(bool is_signed) noexcept {
    const Layout* const layout = read_layout();
    const uint32_t index = reader_.u32();
    if (layout == nullptr)
        return;
    const ObjectField& field = layout->fields[index];
    Popped object = pop();
    Choice choice{Form::struct_get, load_like(field.storage, is_signed), {}};
    settle_and_prepare(choice, object);
    Fields out = emit_result(choice, unpacked(field.storage));
    set(out, Field::object, object);
    out.set(Field::offset, field.offset);
}

void Lowering::lower_struct_set() noexcept {
    const Layout* const layout = read_layout();
    const uint32_t index = reader_.u32();
    if (layout == nullptr)
        return;
    const ObjectField& field = layout->fields[index];
    Popped value = pop();
    Popped object = pop();
    Choice choice{Form::struct_set, store_like(field.storage), {}};
    settle_and_prepare(choice, object, value);
    Fields out = emit(choice);
    set(out, Field::object, object);
    set(out, Field::value, value);
    out.set(Field::offset, field.offset);
}

void Lowering::lower_array_new(Op op, uint32_t operands) noexcept {
    if (const Layout* const layout = read_layout(); layout != nullptr)
        emit_general(op, operands, ValType::ref, reinterpret_cast<uintptr_t>(layout));
}

void Lowering::lower_array_new_fixed(Op op) noexcept {
    const Layout* const layout = read_layout();
    const uint32_t length = reader_.u32();
    if (layout != nullptr)
        emit_general(op, length, ValType::ref, reinterpret_cast<uintptr_t>(layout), length);
}

void Lowering::lower_array_new_from(Op op) noexcept {
    const Layout* const layout = read_layout();
    const uint32_t segment = reader_.u32();
    if (layout != nullptr)
        emit_general(op, 2, ValType::ref, reinterpret_cast<uintptr_t>(layout), segment);
}

void Lowering::lower_array_fill(Op op) noexcept {
    if (const Layout* const layout = read_layout(); layout != nullptr)
        emit_general(op, 4, ValType::bot, reinterpret_cast<uintptr_t>(layout));
}

void Lowering::lower_array_get(bool is_signed) noexcept {
    const Layout* const layout = read_layout();
    if (layout == nullptr)
        return;
    const Kind storage = layout->element().storage;
    Popped index = pop();
    Popped array = pop();
    Choice choice{Form::array_get, load_like(storage, is_signed), {}};
    settle_and_prepare(choice, array, index);
    Fields out = emit_result(choice, unpacked(storage));
    set(out, Field::object, array);
    set(out, Field::index, index);
}

void Lowering::lower_array_set() noexcept {
    const Layout* const layout = read_layout();
    if (layout == nullptr)
        return;
    Popped value = pop();
    Popped index = pop();
    Popped array = pop();
    Choice choice{Form::array_set, store_like(layout->element().storage), {}};
    settle_and_prepare(choice, array, index, value);
    Fields out = emit(choice);
    set(out, Field::object, array);
    set(out, Field::index, index);
    set(out, Field::value, value);
}

Lowering::CastTarget Lowering::read_target() noexcept {
    const HeapType heap = reader_.heap_type();
    if (!heap.is_defined() || heap.is_exact() ||
        module_.type_registry()[heap.id()].kind == CompositeKind::func)
        return {heap.code(), false};
    const Layout* const layout = options_.layouts->of(heap.id());
    if (layout == nullptr)
        fail(Exit::out_of_memory);
    return {reinterpret_cast<uintptr_t>(layout), true};
}

void Lowering::lower_cast(Form form, bool nullable) noexcept {
    const CastTarget target = read_target();
    Popped value = pop();
    Choice choice{form, Op::nop, {.option = target.option(nullable)}};
    settle_and_prepare(choice, value);
    Fields out = emit_result(choice, form == Form::ref_test ? ValType::i32 : ValType::ref);
    set(out, Field::operand, value);
    out.set(Field::type, target.word);
}

void Lowering::lower_br_on_cast(bool fail, bool by_descriptor) noexcept {
    const bool nullable = (reader_.byte() & cast_flag::nullable_target) != 0;
    const uint32_t depth = reader_.u32();
    (void)reader_.heap_type();
    const CastTarget target_type = read_target();
    if (failure() != Exit::none)
        return;
    uint32_t descriptor = 0;
    if (by_descriptor) {
        Popped operand = pop();
        force_slot(operand);
        descriptor = slot_of(operand.operand);
    }
    // The reference is the last operand of the label, and stays if the jump is not taken.
    flush_from(stack_.size() - arity(target(depth)));
    const bool direct = target(depth).kind != ControlKind::func && in_place(depth);
    const Popped value = near_top();
    const size_t instr = here();
    const auto option = static_cast<uint8_t>(target_type.option(nullable) | (fail == direct ? 4 : 0));
    if (by_descriptor)
        emit(Form::br_on_cast_desc, option & ~1)
            .set(Field::operand, slot_of(value.operand))
            .set(Field::descriptor, descriptor);
    else
        emit({Form::br_on_cast, Op::nop, {.a = classify(value), .option = option}})
            .set(Field::operand, slot_of(value.operand))
            .set(Field::type, target_type.word);
    end_conditional_branch(instr, direct, depth);
}

} // namespace warpbeam::vm
