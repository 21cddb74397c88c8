#pragma once

#include "handlers/handler_table.hpp"

namespace warpbeam::vm {

/// The branch that jumps if a comparison holds, or with `negated` if it does not. Its operands are in slots.
inline Choice branch_of(Op compare, bool negated) noexcept {
    const Op negation = op_row(compare).negation;
    if (negated && negation != Op::unreachable)
        return {Form::compare_branch, negation, {}};
    return {Form::compare_branch, compare, {.option = negated}};
}

} // namespace warpbeam::vm
