#include "store/const_expr.hpp"

#include "heap/object_values.hpp"
#include "lower/kind.hpp"
#include "store/store_impl.hpp"

namespace warpbeam::vm {

/// Replaces the operands by a new object.
std::expected<void, Error> ConstEvaluator::make_object(Op op, InstrReader& reader) noexcept {
    const Layout* const layout = inst_.store->engine().layouts()->of(inst_.types[reader.u32()]);
    if (layout == nullptr)
        return std::unexpected{no_memory()};
    Heap& heap = *inst_.heap;
    const RootSpan roots{heap, {stack_.begin(), stack_.end()}};
    Object* object = nullptr;
    size_t operands = 0;
    if (layout->kind == ObjectKind::struct_) {
        const bool defaults = op == Op::struct_new_default || op == Op::struct_new_default_desc;
        const bool described = layout->descriptor != 0;
        if (described && stack_.back() == 0) {
            trap_ = TrapCode::null_descriptor_reference;
            return std::unexpected{Error{ErrorCode::usage, "null descriptor reference"}};
        }
        if (!defaults)
            for (const ObjectField& field : layout->fields)
                operands += slots_of(ValType{field.storage});
        operands += described;
        object = heap.allocate_struct(layout);
        if (object != nullptr && !defaults)
            store_fields(object, stack_.end() - operands);
        if (object != nullptr && described)
            store_descriptor(object, stack_.back());
    } else {
        const size_t slots = op == Op::array_new_default ? 0 : slots_of(ValType{layout->element().storage});
        const bool fixed = op == Op::array_new_fixed;
        const auto length = fixed ? reader.u32() : static_cast<uint32_t>(stack_.back());
        operands = fixed ? slots * length : slots + 1;
        ArrayObject* const array = heap.allocate_array(layout, length);
        const Slot* const values = stack_.end() - operands;
        if (array != nullptr && fixed)
            for (uint32_t i = 0; i < length; ++i)
                fill_elements(array, i, 1, values + i * slots);
        else if (array != nullptr && slots != 0)
            fill_elements(array, 0, length, values);
        object = array;
    }
    if (object == nullptr)
        return std::unexpected{heap.failure() == Exit::out_of_memory
                                   ? no_memory()
                                   : Error{ErrorCode::limit, "the heap exceeds the store's limit"}};
    stack_.truncate(stack_.size() - operands);
    if (!stack_.push(reinterpret_cast<uintptr_t>(object)))
        return std::unexpected{no_memory()};
    return {};
}

std::expected<ConstEvaluator::Result, Error> ConstEvaluator::evaluate(const ConstExpr& expression) noexcept {
    InstrReader reader{*inst_.module, expression.code};
    stack_.clear();
    const auto binary = [&](auto combine) {
        const Slot right = stack_.back();
        stack_.pop();
        stack_.back() = combine(stack_.back(), right);
        return true;
    };
    const auto add = [](Slot a, Slot b) { return a + b; };
    const auto subtract = [](Slot a, Slot b) { return a - b; };
    const auto multiply = [](Slot a, Slot b) { return a * b; };
    // Wrapping 64-bit arithmetic has the 32-bit result in its low half.
    const auto narrow = [](auto combine) {
        return [=](Slot a, Slot b) { return Slot{uint32_t(combine(a, b))}; };
    };

    for (Op op; (op = reader.op()) != Op::end;) {
        bool pushed = true;
        switch (op) {
        case Op::i32_const:
            pushed = stack_.push(static_cast<uint32_t>(reader.s64()));
            break;
        case Op::i64_const:
            pushed = stack_.push(static_cast<uint64_t>(reader.s64()));
            break;
        case Op::f32_const:
            pushed = stack_.push(reader.fixed<uint32_t>());
            break;
        case Op::f64_const:
            pushed = stack_.push(reader.fixed<uint64_t>());
            break;
        case Op::v128_const:
            pushed = stack_.push(reader.fixed<uint64_t>());
            pushed = pushed && stack_.push(reader.fixed<uint64_t>());
            break;
        case Op::global_get: {
            const GlobalInst& global = *inst_.globals[reader.u32()];
            pushed = stack_.append({global.value, slots_of(global.type.content)});
            break;
        }
        case Op::ref_null:
            (void)reader.heap_type();
            pushed = stack_.push(0);
            break;
        case Op::ref_func:
            pushed = stack_.push(from_func(inst_.funcs[reader.u32()]));
            break;
        case Op::ref_i31:
            stack_.back() = make_i31(static_cast<uint32_t>(stack_.back()));
            break;
        // Both hierarchies encode a value in the same way.
        case Op::any_convert_extern:
        case Op::extern_convert_any:
            break;
        case Op::i32_add:
            binary(narrow(add));
            break;
        case Op::i32_sub:
            binary(narrow(subtract));
            break;
        case Op::i32_mul:
            binary(narrow(multiply));
            break;
        case Op::i64_add:
            binary(add);
            break;
        case Op::i64_sub:
            binary(subtract);
            break;
        case Op::i64_mul:
            binary(multiply);
            break;
        case Op::struct_new:
        case Op::struct_new_default:
        case Op::struct_new_desc:
        case Op::struct_new_default_desc:
        case Op::array_new:
        case Op::array_new_default:
        case Op::array_new_fixed:
            if (auto made = make_object(op, reader); !made)
                return std::unexpected{made.error()};
            break;
        default: {
            const std::string_view name = row_of(op).text;
            return std::unexpected{Error{ErrorCode::unsupported,
                                         "%.*s in a constant expression is not supported yet",
                                         static_cast<int>(name.size()), name.data()}};
        }
        }
        if (!pushed)
            return std::unexpected{no_memory()};
    }
    Result result;
    for (size_t i = 0; i < stack_.size(); ++i)
        result.slots[i] = stack_[i];
    return result;
}

} // namespace warpbeam::vm
