#include "runtime/const_expr.hpp"

#include "lower/body_reader.hpp"
#include "runtime/reference.hpp"
#include "runtime/store_impl.hpp"

namespace warpbeam::vm {

std::expected<ConstEvaluator::Result, Error> ConstEvaluator::evaluate(const ConstExpr& expression) noexcept {
    BodyReader reader{*inst_.module, expression.code};
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
            (void)reader.s64();
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
