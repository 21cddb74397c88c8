#include "validate_func.hpp"

#include <algorithm>

/// Constant expressions, https://webassembly.github.io/spec/core/valid/instructions.html#constant-expressions

namespace warpbeam {

bool FuncValidator::constant(Reader& in, ValType expected, ConstExpr& expr) noexcept {
    is_constant_ = true;
    is_ended_ = false;
    max_operands_ = context_.limits.frame_slots;
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

bool FuncValidator::check_constant() noexcept {
    uint32_t code = code_;
    if (is_prefix(code)) {
        Reader ahead = in_;
        uint32_t sub = 0;
        if (!ahead.u32(sub))
            return false;
        code = prefixed_code(code, sub);
        // An unknown index is refused later, as everywhere else.
        if (find_instr(code) == nullptr)
            return true;
    }
    // `global.get` only for immutable globals.
    static constexpr Op constant[] = {Op::end,
                                      Op::i32_const,
                                      Op::i64_const,
                                      Op::f32_const,
                                      Op::f64_const,
                                      Op::global_get,
                                      Op::ref_func,
                                      Op::ref_null,
                                      Op::v128_const,
                                      Op::ref_i31,
                                      Op::struct_new,
                                      Op::struct_new_default,
                                      Op::struct_new_desc,
                                      Op::struct_new_default_desc,
                                      Op::array_new,
                                      Op::array_new_default,
                                      Op::array_new_fixed,
                                      Op::any_convert_extern,
                                      Op::extern_convert_any};
    static constexpr Op extended[] = {Op::i32_add, Op::i32_sub, Op::i32_mul,
                                      Op::i64_add, Op::i64_sub, Op::i64_mul};
    const auto is_in = [op = static_cast<Op>(code)](const auto& ops) {
        return std::ranges::find(ops, op) != std::end(ops);
    };
    if (is_in(constant))
        return true;
    if (is_in(extended))
        return context_.require(Feature::extended_const, here(), "arithmetic in a constant expression");
    code_ = code;
    return diagnostics().invalid(here(), "constant expression required: %s is not constant", op_name());
}

} // namespace warpbeam
