#pragma once

#include "disassembly/code_instr.hpp"
#include "disassembly/finding.hpp"

#include <expected>

/// Checks that threaded code is as the lowering must make it. This checks the lowering; it is not a security
/// check, since code comes from nowhere else.

namespace warpbeam::vm {

class Layouts;

/// Every instruction is known and lies inside the code, which does not run past its end; jumps and catch
/// clauses go to beginnings of instructions; slots lie inside the frame, indices inside the module. On every
/// path through the function, an accumulator holds a value of its kind when it is read, and a pinned local is
/// read and written in the register that belongs to it, and read only if nothing has written its slot alone.
/// Returns the first finding by position; an error if memory runs out.
[[nodiscard]] std::expected<Finding, Exit> verify(const CodeContext& context, Layouts& layouts,
                                                  const Code& code, Allocator& allocator) noexcept;

} // namespace warpbeam::vm
