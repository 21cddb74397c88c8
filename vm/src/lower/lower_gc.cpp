#include "heap/layout.hpp"
#include "lower/lowering.hpp"

/// Structures, arrays, tests and casts of references.

namespace warpbeam::vm {

namespace {

/// The memory instructions that access memory as a field of a storage type is accessed.
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
    default:
        return Op::i64_load;
    }
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
    default:
        return Op::i64_store;
    }
}

/// The kind of value that a field has on the stack.
constexpr Kind unpacked(Kind storage) noexcept {
    return storage == ValType::i8 || storage == ValType::i16 ? ValType::i32 : storage;
}

} // namespace

/// The layout of the type that the next immediate names; null after a failure.
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
    Producer producer;
    producer.family = defaults ? Producer::Family::struct_new_default : Producer::Family::struct_new;
    uint32_t first = height();
    uint32_t slots = 0;
    if (!defaults) {
        bool wide = layout->fields.size() <= 4;
        for (const Field& field : layout->fields)
            wide &= bytes_of(field.storage) == sizeof(Slot);
        producer.words = wide ? static_cast<uint8_t>(layout->fields.size()) : uint8_t{0};
        const size_t below = stack_.size() - layout->fields.size();
        flush_from(below);
        truncate_stack(below);
        slots = first - height();
        first = height();
    }
    Instr& instr = emit_result(producer, ValType::ref, false);
    instr.a = static_cast<uint16_t>(first);
    instr.b = static_cast<uint16_t>(slots);
    word(reinterpret_cast<uintptr_t>(layout));
    end_result(false);
}

void Lowering::lower_struct_new_desc(Op op) noexcept {
    const Layout* const layout = read_layout();
    if (layout == nullptr)
        return;
    const bool defaults = op == Op::struct_new_default_desc;
    uint32_t slots = 0;
    for (const Field& field : layout->fields)
        slots += slots_of(unpacked(field.storage));
    const auto operands = static_cast<uint32_t>(defaults ? 1 : layout->fields.size() + 1);
    lower_slow(op, operands, ValType::ref, {reinterpret_cast<uintptr_t>(layout), slots});
}

void Lowering::lower_struct_get(Op op) noexcept {
    const Layout* const layout = read_layout();
    const uint32_t index = reader_.u32();
    if (layout == nullptr)
        return;
    const Field& field = layout->fields[index];
    Popped object = pop();
    Src src = classify(object);
    if (src == Src::imm)
        generalize(object, src);
    Producer producer;
    producer.family = Producer::Family::struct_get;
    producer.op = load_like(field.storage, op == Op::struct_get_s);
    producer.l = src;
    Instr& instr = emit_result(producer, unpacked(field.storage));
    instr.a = slot_of(object.operand);
    instr.uimm = field.offset;
    end_result(is_float_kind(field.storage));
}

void Lowering::lower_struct_set() noexcept {
    const Layout* const layout = read_layout();
    const uint32_t index = reader_.u32();
    if (layout == nullptr)
        return;
    const Field& field = layout->fields[index];
    Popped value = pop();
    Popped object = pop();
    Src object_src = classify(object);
    Src value_src = classify(value);
    if (object_src == Src::imm)
        generalize(object, object_src);
    if (value_src == Src::imm && field.storage == ValType::v128)
        generalize(value, value_src);
    const Op access = store_like(field.storage);
    // Both are in the accumulator, one of them as a local that it happens to hold.
    if (struct_set(access, object_src, value_src) == nullptr)
        (value.operand.where == Operand::local ? value_src : object_src) = Src::slot;
    Instr& instr = emit(struct_set(access, object_src, value_src));
    instr.d = slot_of(value.operand);
    instr.a = slot_of(object.operand);
    instr.uimm = field.offset;
    if (value_src == Src::imm)
        word(value.operand.value);
}

void Lowering::lower_array_new(Op op) noexcept {
    const Layout* const layout = read_layout();
    if (layout == nullptr)
        return;
    const uint64_t type = reinterpret_cast<uintptr_t>(layout);
    switch (op) {
    case Op::array_new:
        lower_slow(op, 2, ValType::ref, {type});
        break;
    case Op::array_new_default:
        lower_slow(op, 1, ValType::ref, {type});
        break;
    case Op::array_new_fixed: {
        const uint32_t length = reader_.u32();
        lower_slow(op, length, ValType::ref, {type, length});
        break;
    }
    default:
        lower_slow(op, 2, ValType::ref, {type, reader_.u32()});
        break;
    }
}

void Lowering::lower_array_get(Op op) noexcept {
    const Layout* const layout = read_layout();
    if (layout == nullptr)
        return;
    const Kind storage = layout->element().storage;
    Popped index = pop();
    Popped array = pop();
    Src array_src = classify(array);
    Src index_src = classify(index);
    if (array_src == Src::imm)
        generalize(array, array_src);
    // One of the two is a local that the accumulator happens to hold.
    if (array_src == Src::acc && index_src == Src::acc)
        (array.operand.where == Operand::local ? array_src : index_src) = Src::slot;
    Producer producer;
    producer.family = Producer::Family::array_get;
    producer.op = load_like(storage, op == Op::array_get_s);
    producer.l = array_src;
    producer.r = index_src;
    Instr& instr = emit_result(producer, unpacked(storage));
    instr.a = slot_of(array.operand);
    if (index_src == Src::imm)
        instr.uimm = static_cast<uint32_t>(index.operand.value);
    else
        instr.b = slot_of(index.operand);
    end_result(is_float_kind(storage));
}

void Lowering::lower_array_set() noexcept {
    const Layout* const layout = read_layout();
    if (layout == nullptr)
        return;
    const Kind storage = layout->element().storage;
    Popped value = pop();
    Popped index = pop();
    Popped array = pop();
    Src array_src = classify(array);
    Src index_src = classify(index);
    Src value_src = classify(value);
    if (array_src == Src::acc || array_src == Src::imm)
        generalize(array, array_src);
    if (index_src == Src::acc || index_src == Src::imm)
        generalize(index, index_src);
    if (value_src != Src::acc && (value_src != Src::imm || storage == ValType::v128))
        generalize(value, value_src);
    Instr& instr = emit(array_set(store_like(storage), array_src, index_src, value_src));
    instr.d = slot_of(value.operand);
    instr.a = slot_of(array.operand);
    instr.b = slot_of(index.operand);
    if (value_src == Src::imm)
        word(value.operand.value);
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

void Lowering::lower_cast(Producer::Family family, bool nullable) noexcept {
    const CastTarget target = read_target();
    Popped value = pop();
    Src src = classify(value);
    if (src == Src::imm)
        generalize(value, src);
    Producer producer;
    producer.family = family;
    producer.l = src;
    producer.to_layout = target.to_layout;
    producer.nullable = nullable;
    emit_result(producer, family == Producer::Family::ref_test ? ValType::i32 : ValType::ref).a =
        slot_of(value.operand);
    word(target.word);
    end_result(false);
}

void Lowering::lower_br_on_cast(bool fail, bool by_descriptor) noexcept {
    const bool nullable = (reader_.byte() & 2) != 0;
    const uint32_t depth = reader_.u32();
    (void)reader_.heap_type();
    const CastTarget target_type = read_target();
    if (failure() != Exit::none)
        return;
    uint16_t descriptor = 0;
    if (by_descriptor) {
        Popped operand = pop();
        force_slot(operand);
        descriptor = slot_of(operand.operand);
    }
    // The reference is the last of what the label takes, and stays where the jump is not taken.
    flush_from(stack_.size() - arity(target(depth)));
    const bool direct = target(depth).kind != ControlKind::func && in_place(depth);
    const Popped value = top();
    const size_t instr = here();
    const bool jump_on_fail = fail == direct;
    emit(by_descriptor ? br_on_cast_desc_eq(nullable, jump_on_fail)
                       : br_on_cast(target_type.to_layout, nullable, jump_on_fail, classify(value)))
        .a = slot_of(value.operand);
    word(by_descriptor ? descriptor : target_type.word);
    end_conditional_branch(instr, direct, depth);
}

bool Lowering::lower_gc(Op op) noexcept {
    switch (op) {
    case Op::struct_new:
        lower_struct_new(false);
        return true;
    case Op::struct_new_default:
        lower_struct_new(true);
        return true;
    case Op::struct_get:
    case Op::struct_get_s:
    case Op::struct_get_u:
        lower_struct_get(op);
        return true;
    case Op::struct_set:
        lower_struct_set();
        return true;
    case Op::array_new:
    case Op::array_new_default:
    case Op::array_new_fixed:
    case Op::array_new_data:
    case Op::array_new_elem:
        lower_array_new(op);
        return true;
    case Op::array_get:
    case Op::array_get_s:
    case Op::array_get_u:
        lower_array_get(op);
        return true;
    case Op::array_set:
        lower_array_set();
        return true;
    case Op::array_fill:
        if (const Layout* const layout = read_layout(); layout != nullptr)
            lower_slow(op, 4, ValType::bot, {reinterpret_cast<uintptr_t>(layout)});
        return true;
    case Op::array_copy:
        reader_.skip(Imm::type_type);
        lower_slow(op, 5, ValType::bot, {});
        return true;
    case Op::array_init_data:
    case Op::array_init_elem:
        (void)reader_.u32();
        lower_slow(op, 4, ValType::bot, {reader_.u32()});
        return true;
    case Op::ref_i31:
        lower_unary(op, ValType::ref);
        return true;
    case Op::i31_get_s:
    case Op::i31_get_u:
    case Op::array_len:
        lower_unary(op, ValType::i32);
        return true;
    case Op::ref_test:
    case Op::ref_test_null:
        lower_cast(Producer::Family::ref_test, op == Op::ref_test_null);
        return true;
    case Op::ref_cast:
    case Op::ref_cast_null:
        lower_cast(Producer::Family::ref_cast, op == Op::ref_cast_null);
        return true;
    case Op::br_on_cast:
    case Op::br_on_cast_fail:
        lower_br_on_cast(op == Op::br_on_cast_fail, false);
        return true;
    case Op::br_on_cast_desc_eq:
    case Op::br_on_cast_desc_eq_fail:
        lower_br_on_cast(op == Op::br_on_cast_desc_eq_fail, true);
        return true;
    case Op::struct_new_desc:
    case Op::struct_new_default_desc:
        lower_struct_new_desc(op);
        return true;
    case Op::ref_get_desc:
        (void)reader_.u32();
        lower_slow(op, 1, ValType::ref, {});
        return true;
    case Op::ref_cast_desc_eq:
    case Op::ref_cast_desc_eq_null:
        (void)reader_.heap_type();
        lower_slow(op, 2, ValType::ref, {});
        return true;
    // Both hierarchies encode a value in the same way.
    case Op::any_convert_extern:
    case Op::extern_convert_any:
        return true;
    default:
        return false;
    }
}

} // namespace warpbeam::vm
