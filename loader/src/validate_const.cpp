#include "validate_func.hpp"

namespace warpbeam {

bool validate_const_expr(LoadContext& context, Reader& in, ValType expected, ConstExpr& expr) noexcept {
    return context.validator->constant(in, expected, expr);
}

bool FuncValidator::constant(Reader& in, ValType expected, ConstExpr& expr) noexcept {
    is_constant_ = true;
    most_operands_ = context_.limits.frame_slots;
    Block outermost;
    outermost.result = expected;
    begin(in);
    if (!blocks_.push(outermost))
        return diagnostics().out_of_memory();
    if (!run())
        return false;
    expr = {in_.since(in.position()), expected};
    in = in_;
    return true;
}

// https://webassembly.github.io/spec/core/valid/instructions.html#constant-expressions
bool FuncValidator::check_constant() noexcept {
    uint32_t code = code_;
    if (is_prefix(code)) {
        Reader ahead = in_;
        uint32_t sub = 0;
        if (!ahead.u32(sub))
            return false;
        code = prefixed_code(code, sub);
        // What does not exist is refused later on, as everywhere.
        if (find_instr(code) == nullptr)
            return true;
    }
    switch (static_cast<Op>(code)) {
    case Op::end:
    case Op::i32_const:
    case Op::i64_const:
    case Op::f32_const:
    case Op::f64_const:
    case Op::v128_const:
    case Op::ref_null:
    case Op::ref_func:
    case Op::ref_i31:
    case Op::global_get: // which must be immutable
    case Op::struct_new:
    case Op::struct_new_default:
    case Op::struct_new_desc:
    case Op::struct_new_default_desc:
    case Op::array_new:
    case Op::array_new_default:
    case Op::array_new_fixed:
    case Op::any_convert_extern:
    case Op::extern_convert_any:
        return true;
    case Op::i32_add:
    case Op::i32_sub:
    case Op::i32_mul:
    case Op::i64_add:
    case Op::i64_sub:
    case Op::i64_mul:
        return context_.require(Feature::extended_const, here(), "arithmetic in a constant expression");
    default:
        code_ = code;
        return diagnostics().invalid(here(), "constant expression required: %s is not constant", op_name());
    }
}

} // namespace warpbeam
