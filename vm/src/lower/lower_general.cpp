#include "heap/layout.hpp"
#include "lower/lowering.hpp"

/// Instructions whose work outweighs their dispatch.

namespace warpbeam::vm {

void Lowering::emit_general(Op op, uint32_t operands, Kind result, uint64_t first, uint64_t second) noexcept {
    constexpr Form forms[] = {Form::general0, Form::general1, Form::general2};
    const auto immediates = static_cast<size_t>(family_of(op)) - static_cast<size_t>(Family::general0);
    spill_accs();
    flush_from(stack_.size() - operands);
    truncate_stack(stack_.size() - operands);
    const uint32_t slot = height();
    // The result of an instruction without operands needs a slot too.
    raise_height(1);
    height_ -= 1;
    Fields out = emit({forms[immediates], op, {}});
    out.set(Field::operands, slot);
    if (immediates > 0)
        out.set(Field::first, first);
    if (immediates > 1)
        out.set(Field::second, second);
    forget_accs();
    if (result != ValType::bot) {
        push_home(result);
        int_acc_.operand = stack_.size() - 1;
    }
}

void Lowering::lower_general(Op op) noexcept {
    // The bulk instructions have a destination, a source and a count, or a value in the middle.
    constexpr uint32_t bulk = 3;
    switch (op) {
    case Op::memory_size:
    case Op::memory_grow: {
        const uint32_t memory = reader_.u32();
        return emit_general(op, op == Op::memory_grow ? 1 : 0,
                            module_.memories()[memory].limits.address_type().kind(), memory);
    }
    case Op::table_size:
    case Op::table_grow: {
        const uint32_t table = reader_.u32();
        return emit_general(op, op == Op::table_grow ? 2 : 0,
                            module_.tables()[table].limits.address_type().kind(), table);
    }
    case Op::memory_fill:
    case Op::table_fill:
        return emit_general(op, bulk, ValType::bot, reader_.u32());
    case Op::memory_copy:
    case Op::memory_init:
    case Op::table_copy:
    case Op::table_init: {
        const uint32_t first = reader_.u32();
        return emit_general(op, bulk, ValType::bot, first, reader_.u32());
    }
    case Op::data_drop:
    case Op::elem_drop:
        return emit_general(op, 0, ValType::bot, reader_.u32());
    case Op::table_get:
        return emit_general(op, 1, ValType::ref, reader_.u32());
    case Op::table_set:
        return emit_general(op, 2, ValType::bot, reader_.u32());
    case Op::ref_func:
        return emit_general(op, 0, ValType::ref, reader_.u32());
    case Op::ref_as_non_null:
        return emit_general(op, 1, ValType::ref);
    case Op::memory_atomic_notify:
    case Op::memory_atomic_wait32:
    case Op::memory_atomic_wait64: {
        const MemArg arg = reader_.mem_arg();
        return emit_general(op, sig_of(op).arity, ValType::i32, arg.memory, arg.offset);
    }
    case Op::array_fill:
        if (const Layout* const layout = read_layout(); layout != nullptr)
            emit_general(op, 4, ValType::bot, reinterpret_cast<uintptr_t>(layout));
        return;
    case Op::array_copy:
        (void)reader_.skip(Imm::type_type);
        return emit_general(op, 5, ValType::bot);
    case Op::array_init_data:
    case Op::array_init_elem:
        (void)reader_.u32();
        return emit_general(op, 4, ValType::bot, reader_.u32());
    case Op::struct_new_desc:
    case Op::struct_new_default_desc:
        return lower_struct_new_desc(op);
    case Op::ref_get_desc:
        (void)reader_.u32();
        return emit_general(op, 1, ValType::ref);
    case Op::ref_cast_desc_eq:
    case Op::ref_cast_desc_eq_null:
        (void)reader_.heap_type();
        return emit_general(op, 2, ValType::ref);
    case Op::array_new:
    case Op::array_new_default:
    case Op::array_new_fixed:
    case Op::array_new_data:
    case Op::array_new_elem:
        return lower_array_new(op);
    default:
        // Not of these families.
        fail(Exit::unsupported);
    }
}

} // namespace warpbeam::vm
