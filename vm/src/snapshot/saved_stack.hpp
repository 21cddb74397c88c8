#pragma once

#include "snapshot/frame_shapes.hpp"

/// A stack in WebAssembly's terms: functions, points, locals and operands, from which any build can make its
/// own. https://webassembly.github.io/spec/core/exec/runtime.html#activation-frames

namespace warpbeam::vm {

/// A frame of code.
struct SavedFrame {
    InstanceData* inst;
    uint32_t shape; ///< in FrameShapes
    /// Of its values: the locals, then the operands. Each takes a slot, or two for a v128.
    size_t first_slot;
};

/// Where a stack stands.
enum class StackTop : uint8_t {
    values,    ///< it has no frames: its arguments are there, and it has not begun
    code,      ///< in the innermost frame, which goes on
    host,      ///< in a host function that the innermost frame has called
    resuming,  ///< the innermost frame waits for a continuation that it has resumed
    suspended, ///< the innermost frame waits for what it is resumed with
};

struct SavedStack {
    explicit SavedStack(Allocator& allocator) noexcept
        : frames{allocator}, slots{allocator}, values{allocator} {}

    /// Reads the stack of an execution that has begun and stopped. Returns `none` or `out_of_memory`.
    [[nodiscard]] Exit read(const Execution& execution, FrameShapes& shapes) noexcept;
    /// Reads a stack that waits for a continuation, or that has suspended itself.
    [[nodiscard]] Exit read_waiting(const StackState& state, StackTop waits, FrameShapes& shapes) noexcept;

    /// Makes the same stack for an execution, which then goes on from there; `is_own` says whether it is its
    /// own stack or that of a continuation. Before that, `inst` is the instance that has called it. Returns
    /// `none`; `invalid_code` if a constant or a copy of a local is not what the function has there; what the
    /// lowering of a function returns; if there is no room, `call_stack_exhausted`, `limit` (of the store) or
    /// `out_of_memory`.
    [[nodiscard]] Exit write(Execution& execution, bool is_own, const FrameShapes& shapes) noexcept;

    StackTop top = StackTop::code;
    /// @{ For `host`. Reading a stack does not tell which of the store's functions it is.
    HostFunc* host = nullptr;
    FuncInst* host_func = nullptr;
    /// @}
    /// The innermost first.
    Vec<SavedFrame> frames;
    Vec<Slot> slots; ///< of the frames
    /// Those on top: of `values`, the arguments or the answer of `host`, or what `suspended` has been given.
    Vec<Slot> values;

private:
    [[nodiscard]] Exit push(InstanceData& inst, uint32_t shape, const Slot* fp, bool is_entry,
                            const FrameShapes& shapes) noexcept;
    [[nodiscard]] Exit read_frame(InstanceData& inst, const Instr* ip, bool after, const Slot* fp,
                                  FrameShapes& shapes) noexcept;
    [[nodiscard]] Exit read_callers(const StackState& state, FrameShapes& shapes) noexcept;
    [[nodiscard]] Exit write_frame(Execution& execution, const SavedFrame& frame,
                                   const FrameShapes& shapes) const noexcept;
    [[nodiscard]] Exit write_top(Execution& execution) noexcept;
};

} // namespace warpbeam::vm
