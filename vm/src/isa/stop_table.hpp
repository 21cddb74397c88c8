#pragma once

#include "isa/frame_map.hpp"

/// Where code can be stopped by changing it (handlers/stop_points.hpp): at the instructions at function
/// entries and loop heads, whose handlers are replaced, and at jumps that go past such an instruction, whose
/// distance is. The table lies after the map of references, and is empty for code that checks for interrupts
/// itself.

namespace warpbeam::vm {

struct StopPoint {
    uint32_t position; ///< of the instruction, or of the distance, which is no multiple of eight
    /// The handler: in halves, since the table begins at a multiple of four. Or the distance, as it is and
    /// while code is to stop.
    uint32_t words[2];
    [[nodiscard]] bool is_distance() const noexcept { return position % alignof(Instr) != 0; }
};
static_assert(sizeof(StopPoint::words) >= sizeof(Handler));

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
