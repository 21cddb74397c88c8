#pragma once

#include "handlers/instance_data.hpp"

/// Continuations: stacks that an execution can leave and enter again.
/// https://github.com/WebAssembly/stack-switching

namespace warpbeam::vm {

/// A continuation's stack. While it runs it is the last in its execution's list; those before it, and the
/// execution's own stack, wait for it in a `resume`. A suspended part of such a list belongs to an object.
struct Continuation {
    /// While another stack runs. `free` is where the next argument goes.
    StackState state;
    /// Who has resumed it; null: the execution's own stack, or none.
    Continuation* parent;
    /// What it runs, until it has begun.
    FuncInst* func;
    /// If it was suspended: the object that its list belongs to, and its place among all of the store. For
    /// the last one of a list.
    ContObject* object;
    Continuation* before;
    Continuation* next;
};

/// Where the computation goes on when a continuation suspends or ends.
[[nodiscard]] inline StackState& waiting_state(Execution& execution, const Continuation* parent) noexcept {
    return parent != nullptr ? const_cast<Continuation*>(parent)->state : execution.own;
}

/// Calls `visit(StackState&, Continuation*)` for each stack that waits for the running one, innermost first;
/// the continuation is null for the execution's own. Ends when it returns false.
template <typename Visit>
void visit_waiting(Execution& execution, Visit visit) noexcept {
    for (const Continuation* running = execution.continuation; running != nullptr; running = running->parent)
        if (!visit(waiting_state(execution, running->parent), running->parent))
            return;
}

} // namespace warpbeam::vm
