#pragma once

#include "disassembly/code_instr.hpp"

namespace warpbeam::vm {

/// How many slots an instruction reads or writes from the one on that a field names. Precondition: the
/// indices and layouts that the instruction names are good.
[[nodiscard]] size_t extent_of(const CodeContext& context, const CodeInstr& instr,
                               const FieldRow& field) noexcept;

/// The type of the function that a call calls; null where nothing in the code says so.
[[nodiscard]] const FuncType* callee_type(const CodeContext& context, const CodeInstr& instr) noexcept;

} // namespace warpbeam::vm
