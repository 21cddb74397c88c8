#include "validate_func.hpp"

namespace warpbeam {

bool validate_const_expr(LoadContext& context, Reader& in, ValType expected, ConstExpr& expr) noexcept {
    const uint8_t* const start = in.position();
    for (;;) {
        uint8_t op;
        int64_t ignored;
        if (!in.byte(op))
            return false;
        if (op == 0x0b)
            break;
        if (op == 0x43 ? !in.skip(4) : op == 0x44 ? !in.skip(8) : !in.s64(ignored))
            return false;
    }
    (void)context;
    expr = {in.since(start), expected};
    return true;
}

} // namespace warpbeam
