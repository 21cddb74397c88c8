#pragma once

#include "isa/catch_table.hpp"

/// Which slots of a frame hold references when its function can stop: at calls, loop heads, allocations, and
/// instructions that work in portions. The collector reads this; running code does not. It lies after the
/// catch table, and is empty for a function without references.

namespace warpbeam::vm {

/// Locals that are references, whose slots follow each other. They count wherever the function stops.
struct ReferenceRun {
    int32_t begin; ///< from the frame pointer; in a large frame, locals may be below it
    uint32_t count;
};

/// An operand that is a reference, and a link to those below it on the operand stack. Stops share their
/// lists, so a function's map is no larger than its code, however high its stack is.
struct ReferenceNode {
    int32_t slot;
    uint32_t below; ///< the index of a node plus 1; 0: there is none
};

/// Where the function stops with references among its operands.
struct Safepoint {
    /// Of the instruction; for a call, of the byte before its return address. Both are told apart, since
    /// instructions begin at multiples of eight.
    uint32_t position;
    uint32_t top; ///< as ReferenceNode::below
};

inline const ReferenceRun* reference_runs_of(const Code& code) noexcept {
    return reinterpret_cast<const ReferenceRun*>(clauses_of(code) + code.catch_clauses);
}
inline const ReferenceNode* reference_nodes_of(const Code& code) noexcept {
    return reinterpret_cast<const ReferenceNode*>(reference_runs_of(code) + code.reference_runs);
}
inline const Safepoint* safepoints_of(const Code& code) noexcept {
    return reinterpret_cast<const Safepoint*>(reference_nodes_of(code) + code.reference_nodes);
}

/// Calls `visit(int32_t slot, uint32_t count)` for the references of a frame that stopped at `ip`, with
/// `after` set if that is the return address of a call.
template <typename Visit>
void visit_references(const Code& code, const Instr* ip, bool after, Visit visit) noexcept {
    const ReferenceRun* const run = reference_runs_of(code);
    for (uint32_t i = 0; i < code.reference_runs; ++i)
        visit(run[i].begin, run[i].count);
    const size_t position = position_in(code, ip, after);
    const std::span safepoints{safepoints_of(code), code.safepoints};
    const auto found = std::ranges::lower_bound(safepoints, position, {}, &Safepoint::position);
    if (found == safepoints.end() || found->position != position)
        return;
    const ReferenceNode* const nodes = reference_nodes_of(code);
    for (uint32_t node = found->top; node != 0; node = nodes[node - 1].below)
        visit(nodes[node - 1].slot, 1u);
}

} // namespace warpbeam::vm
