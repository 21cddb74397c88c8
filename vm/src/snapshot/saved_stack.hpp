#pragma once

#include "handlers/instance_data.hpp"
#include "lower/frame_state.hpp"

#include <warpbeam/memory/hash_index.hpp>

/// The stack of an execution in WebAssembly's terms: functions, points, locals and operands, from which any
/// build can make its own. https://webassembly.github.io/spec/core/exec/runtime.html#activation-frames

namespace warpbeam::vm {

/// A frame of code.
struct SavedFrame {
    InstanceData* inst;
    uint32_t func;
    FramePoint point;
    /// Of its values: the locals, then the operands. Each takes a slot, or two for a v128.
    size_t first_slot;
    size_t slots;
};

class SavedStack {
public:
    explicit SavedStack(Allocator& allocator) noexcept
        : frames_{allocator}, slots_{allocator}, args_{allocator}, states_{allocator}, index_{allocator} {}

    /// Reads the stack of an execution that stopped in code or waits for the answer to a host call. Returns
    /// `none` or `out_of_memory`.
    [[nodiscard]] Exit read(const Execution& execution) noexcept;
    /// Makes the same stack for an execution, which then goes on from there. Returns `none`; `invalid_code`
    /// if a function does not stop at the point, or has other locals and operands there; what the lowering of
    /// a function returns; or `call_stack_exhausted` if there is no room.
    [[nodiscard]] Exit write(Execution& execution) noexcept;

    /// The innermost frame first.
    [[nodiscard]] std::span<const SavedFrame> frames() const noexcept {
        return {frames_.data(), frames_.size()};
    }
    /// The host function that the innermost frame has called, and its arguments; null if it stopped itself.
    [[nodiscard]] HostFunc* host() const noexcept { return host_; }
    [[nodiscard]] std::span<const Slot> args() const noexcept { return {args_.data(), args_.size()}; }

private:
    [[nodiscard]] Exit read_frame(InstanceData& inst, const Instr* ip, bool after, const Slot* fp) noexcept;
    [[nodiscard]] Exit read_entry(InstanceData& inst, uint32_t func, const Slot* args) noexcept;
    [[nodiscard]] Exit write_frame(Execution& execution, const SavedFrame& frame) noexcept;

    Vec<SavedFrame> frames_;
    Vec<Slot> slots_;
    HostFunc* host_ = nullptr;
    Vec<Slot> args_;
    /// Frames that were looked up; calls are often recursive.
    struct Known {
        InstanceData* inst;
        uint32_t func;
        FramePoint point;
        const Instr* ip;
        bool after;
        FrameState state;
    };
    Vec<Known> states_;
    HashIndex index_;
};

} // namespace warpbeam::vm
