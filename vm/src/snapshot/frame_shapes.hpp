#pragma once

#include "handlers/instance_data.hpp"
#include "lower/frame_state.hpp"

#include <warpbeam/memory/hash_index.hpp>

/// What frames look like at the points where functions stop. Finding that means to lower the function again,
/// and calls are often recursive, so it is kept.

namespace warpbeam::vm {

struct FrameShape {
    ModuleCode* code;
    uint32_t func;
    FrameState state;
};

/// The message of FrameShapes::max_code_bytes.
inline constexpr const char* too_many_places = "the frames are in too many places of large functions";

class FrameShapes {
public:
    explicit FrameShapes(Allocator& allocator) noexcept
        : shapes_{allocator}, by_point_{allocator}, places_{allocator}, by_place_{allocator} {}

    /// Finds the shape of a frame that stopped at `ip`, or with `after` at the call before it; or at a point.
    /// `shape` is its number. Returns `none`, `invalid_code` if the function does not stop there, or
    /// `out_of_memory`.
    [[nodiscard]] Exit at(const InstanceData& inst, const Instr* ip, bool after, uint32_t& shape) noexcept;
    [[nodiscard]] Exit of(const InstanceData& inst, uint32_t func, FramePoint point,
                          uint32_t& shape) noexcept;

    [[nodiscard]] const FrameShape& operator[](uint32_t shape) const noexcept { return shapes_[shape]; }
    [[nodiscard]] size_t size() const noexcept { return shapes_.size(); }
    /// The bytes of code that were lowered for this: those of the function, for each shape.
    [[nodiscard]] uint64_t code_bytes() const noexcept { return code_bytes_; }
    /// The bytes that a snapshot may need, so that a small one can't take minutes.
    static constexpr uint64_t max_code_bytes = uint64_t{256} << 20;

private:
    [[nodiscard]] Exit add(const Module& module, FrameShape fresh, uint32_t& shape) noexcept;

    Vec<FrameShape> shapes_;
    uint64_t code_bytes_ = 0;
    HashIndex by_point_;
    struct Place {
        const Instr* ip;
        bool after;
        uint32_t shape;
    };
    Vec<Place> places_;
    HashIndex by_place_;
};

/// Calls `visit(const FramePlace&)` for the locals of a frame, then for its operands, until it returns false;
/// returns whether it never did.
template <typename Visit>
bool visit_places(const FrameState& state, Visit visit) noexcept {
    for (const FramePlace& place : state.locals)
        if (!visit(place))
            return false;
    for (const FramePlace& place : state.operands)
        if (!visit(place))
            return false;
    return true;
}

} // namespace warpbeam::vm
