#pragma once

#include "load_context.hpp"
#include "reader.hpp"

namespace warpbeam {

/// Decodes and validates a constant expression of type `expected`.
/// https://webassembly.github.io/spec/core/valid/instructions.html#constant-expressions
[[nodiscard]] bool validate_const_expr(LoadContext& context, Reader& in, ValType expected,
                                       ConstExpr& expr) noexcept;

} // namespace warpbeam
