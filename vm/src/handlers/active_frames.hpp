#pragma once

#include "handlers/continuation.hpp"
#include "handlers/run.hpp"

namespace warpbeam::vm {

/// Calls `visit(instance, instruction, after)` for each active function of an execution that stands still,
/// the innermost first, until it returns false. With `after`, the instruction is the one after a call. A host
/// function that no code has called is none.
template <typename Visit>
void visit_frames(const Execution& execution, Visit visit) noexcept {
    if (execution.inst == nullptr)
        return;
    const auto visit_stack = [&](const StackState& stack) {
        return visit(*stack.inst, stack.ip, false) &&
               visit_callers(stack, [&](const InstanceData& inst, const Record& record) {
                   return visit(inst, record.ip, true);
               });
    };
    bool more = visit_stack(execution);
    for (const Continuation* each = execution.continuation; more && each != nullptr; each = each->parent)
        more = visit_stack(waiting_state(execution, each->parent));
}

} // namespace warpbeam::vm
