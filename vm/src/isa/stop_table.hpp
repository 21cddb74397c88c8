#pragma once

#include "isa/frame_map.hpp"

/// The instructions at which code can be stopped by changing it (handlers/stop_points.hpp): those at function
/// entries and loop heads. The table lies after the map of references, and is empty for code that checks for
/// interrupts itself.

namespace warpbeam::vm {

struct StopPoint {
    uint32_t position;
    /// The first bytes of the instruction, its handler: in halves, since the table begins at a multiple of
    /// four.
    uint32_t handler[sizeof(Handler) / sizeof(uint32_t)];
};

inline const StopPoint* stop_points_of(const Code& code) noexcept {
    return reinterpret_cast<const StopPoint*>(safepoints_of(code) + code.safepoints);
}

/// The total size of a function's code in bytes.
inline size_t bytes_of(const Code& code) noexcept {
    return sizeof(Code) + code.size + code.try_regions * sizeof(TryRegion) +
           code.catch_clauses * sizeof(CatchClause) + code.reference_runs * sizeof(ReferenceRun) +
           code.reference_nodes * sizeof(ReferenceNode) + code.safepoints * sizeof(Safepoint) +
           code.stop_points * sizeof(StopPoint);
}

} // namespace warpbeam::vm
