#pragma once

#include "isa/instr.hpp"
#include "lower/kind.hpp"

#include <warpbeam/memory/vec.hpp>

namespace warpbeam::vm {

/// Where a function can stop, in WebAssembly's terms, which are the same for all builds and all kinds of
/// code.
struct FramePoint {
    enum Kind : uint8_t {
        entry,  ///< before the first instruction
        before, ///< before an instruction, or at the head of a loop: each time that it is reached
        call,   ///< in a call: its arguments are taken, its results are still to come
    };
    Kind kind = entry;
    uint32_t offset = 0; ///< of the instruction in the code of the body; 0 at the entry
    friend bool operator==(const FramePoint&, const FramePoint&) = default;
};

/// Where a local or an operand is while the function stands at such a point.
struct FramePlace {
    enum Where : uint8_t {
        own,      ///< a slot of its own
        local,    ///< an operand that is the same as a local, in the local's slot
        constant, ///< code uses the constant directly, and the slot has no meaning
        unknown,  ///< at a trap: an operand that may be only in a register
    };
    Kind kind;
    Where where;
    uint32_t slot;  ///< from the frame pointer, modulo 2^32
    uint64_t value; ///< of the constant
    uint64_t high;  ///< the upper half of a v128
};

/// A frame at a point. Values are only in slots, and in registers only those of the pinned locals, too.
struct FrameState {
    explicit FrameState(Allocator& allocator) noexcept : locals{allocator}, operands{allocator} {}

    FramePoint point;
    size_t position = 0; ///< in the code, of the instruction that is next
    uint32_t base = 0;   ///< the slots of the frame below the frame pointer
    uint32_t height = 0; ///< where the callee's slots begin
    Pins pins;
    Vec<FramePlace> locals;   ///< parameters included
    Vec<FramePlace> operands; ///< the lowest first; before an instruction, with its own
};

/// What the lowering looks for to make a FrameState.
struct StopSearch {
    static constexpr size_t any = SIZE_MAX;
    size_t position = any; ///< of a stop: as Safepoint::position
    FramePoint point;      ///< if no position is given
    /// Instead of a stop: any instruction, by its offset in the code of the body.
    size_t inside = any;
    /// The number of the stop in the order of the code, when it is known.
    uint64_t stop = 0;
    FrameState* state = nullptr; ///< then filled
};

} // namespace warpbeam::vm
