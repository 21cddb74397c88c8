#pragma once

#include "disassembly/code_instr.hpp"
#include "disassembly/finding.hpp"

#include <expected>

/// Whether threaded code is what the lowering must make: a check of the lowering, and no defence, since code
/// comes from nowhere else.

namespace warpbeam::vm {

class Layouts;

/// Every instruction is known and lies within the code, which does not run off its end; jumps and catch
/// clauses go to beginnings of instructions; slots lie inside of the frame, indices inside of the module. On
/// every way through the function an accumulator holds a value of its kind when it is read, and a pinned
/// local is read and written in the register that has it, whose slot nothing else has written meanwhile.
/// The first finding by position; an error when there is no memory.
[[nodiscard]] std::expected<Finding, Exit> verify(const CodeContext& context, Layouts& layouts,
                                                  const Code& code, Allocator& allocator) noexcept;

} // namespace warpbeam::vm
