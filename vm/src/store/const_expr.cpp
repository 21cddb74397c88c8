#include "store/const_expr.hpp"

#include "handlers/fuel.hpp"
#include "heap/object_values.hpp"
#include "semantics/int.hpp"
#include "store/store_impl.hpp"

#include <algorithm>

namespace warpbeam::vm {

bool ConstEvaluator::charge_for(uint64_t size) noexcept {
    const bool charged = charge(inst_->store->stacks.fuel(), size);
    if (!charged)
        trap_ = TrapCode::out_of_fuel;
    return charged;
}

/// Replaces the operands by a new object.
ConstEvaluator::Step ConstEvaluator::make_object(Op op, InstrReader& reader) noexcept {
    if (!is_built(Feature::gc))
        return {};
    const Layout* const layout = Internal::layouts(inst_->store->engine())->of(inst_->types[reader.u32()]);
    if (layout == nullptr)
        return std::unexpected{no_memory()};
    Heap& heap = *inst_->heap;
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
        if (!charge_for(layout->size))
            return std::unexpected{Error{ErrorCode::usage, "out of fuel"}};
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
        if (!charge_for(layout->array_size(length)))
            return std::unexpected{Error{ErrorCode::usage, "out of fuel"}};
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
        return std::unexpected{no_room(heap)};
    stack_.truncate(stack_.size() - operands);
    return push({{reinterpret_cast<uintptr_t>(object)}});
}

/// Wraps around like the operators in code; for an i32, the upper half of the slot stays zero.
template <typename Operator, typename T>
ConstEvaluator::Step ConstEvaluator::combine() noexcept {
    const T right = static_cast<T>(stack_.back());
    stack_.pop();
    stack_.back() = Operator::apply(static_cast<T>(stack_.back()), right);
    return {};
}

ConstEvaluator::Step ConstEvaluator::push(std::span<const Slot> value) noexcept {
    return stack_.append(value) ? Step{} : std::unexpected{no_memory()};
}

ConstEvaluator::Step ConstEvaluator::get_global(uint32_t index) noexcept {
    if (inst_ != nullptr) {
        const GlobalInst& global = *inst_->globals[index];
        return push({global.value, slots_of(global.type.content)});
    }
    if (index < module_.imported_globals())
        return std::unexpected{
            Error{ErrorCode::unsupported, "the value of an imported global is only known at instantiation"}};
    return run(module_.global_decls()[index - module_.imported_globals()].init);
}

ConstEvaluator::Step ConstEvaluator::apply(Op op, InstrReader& reader) noexcept {
    switch (op) {
    case Op::i32_const:
        return push({{static_cast<uint32_t>(reader.s64())}});
    case Op::i64_const:
        return push({{static_cast<uint64_t>(reader.s64())}});
    case Op::f32_const:
        return push({{reader.fixed<uint32_t>()}});
    case Op::f64_const:
        return push({{reader.fixed<uint64_t>()}});
    case Op::v128_const:
        return push({{reader.fixed<uint64_t>(), reader.fixed<uint64_t>()}});
    case Op::global_get:
        return get_global(reader.u32());
    case Op::ref_null:
        (void)reader.heap_type();
        return push({{0}});
    case Op::ref_i31:
        stack_.back() = make_i31(static_cast<uint32_t>(stack_.back()));
        return {};
    // Both hierarchies encode a value in the same way.
    case Op::any_convert_extern:
    case Op::extern_convert_any:
        return {};
    case Op::i32_add:
        return combine<Add, uint32_t>();
    case Op::i32_sub:
        return combine<Sub, uint32_t>();
    case Op::i32_mul:
        return combine<Mul, uint32_t>();
    case Op::i64_add:
        return combine<Add, uint64_t>();
    case Op::i64_sub:
        return combine<Sub, uint64_t>();
    case Op::i64_mul:
        return combine<Mul, uint64_t>();
    case Op::ref_func:
    case Op::struct_new:
    case Op::struct_new_default:
    case Op::struct_new_desc:
    case Op::struct_new_default_desc:
    case Op::array_new:
    case Op::array_new_default:
    case Op::array_new_fixed:
        if (inst_ == nullptr)
            return std::unexpected{
                Error{ErrorCode::unsupported, "the value is a reference, which needs an instance"}};
        return op == Op::ref_func ? push({{from_func(inst_->funcs[reader.u32()])}}) : make_object(op, reader);
    default:
        return std::unexpected{Error{ErrorCode::unsupported, "an instruction that is not constant"}};
    }
}

ConstEvaluator::Step ConstEvaluator::run(const ConstExpr& expression) noexcept {
    InstrReader reader{module_, expression.code};
    for (Op op; (op = reader.op()) != Op::end;) {
        // Without a limit, globals that refer to earlier globals could take exponential time.
        if (inst_ == nullptr && steps_++ == 100)
            return std::unexpected{Error{ErrorCode::unsupported, "the constant expression is too long"}};
        if (auto done = apply(op, reader); !done)
            return done;
    }
    return {};
}

std::expected<ConstEvaluator::Result, Error> ConstEvaluator::evaluate(const ConstExpr& expression) noexcept {
    stack_.clear();
    steps_ = 0;
    if (auto done = run(expression); !done)
        return std::unexpected{done.error()};
    Result result;
    std::ranges::copy(stack_, result.slots);
    return result;
}

} // namespace warpbeam::vm
