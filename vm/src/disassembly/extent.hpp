#pragma once

#include "disassembly/code_instr.hpp"

namespace warpbeam::vm {

/// The number of slots that an instruction reads or writes, starting with the one that a field names.
/// Precondition: the indices and layouts in the instruction are valid.
[[nodiscard]] size_t extent_of(const CodeContext& context, const CodeInstr& instr,
                               const FieldRow& field) noexcept;

/// The type of the function that a call calls; null if the code does not say.
[[nodiscard]] const FuncType* callee_type(const CodeContext& context, const CodeInstr& instr) noexcept;

} // namespace warpbeam::vm
