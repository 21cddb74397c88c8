#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/vm/instance.hpp>

#include <cstdint>
#include <expected>
#include <span>

/// @file
/// The functions that are active in a computation, with their locals and operands: for debuggers and core
/// dumps. docs/coredumps.md describes what the command makes of it.

namespace warpbeam {

namespace vm {
struct Execution;
}

/// The value of a local, or of an operand that an instruction has left on the operand stack.
struct FrameValue {
    /// Its type; all references have the kind `ref`.
    ValType::Kind kind = ValType::bot;
    /// Whether the engine still has it. Locals are known, except those of a function that traps in a tail
    /// call, and those of tens of thousands for which a deterministic stack has no room. Operands are known
    /// in a function that has called another one; where it trapped, those that were only in a register are
    /// not.
    bool is_known = false;
    /// An i32 or f32 is in the lower half of the first slot; a v128 takes both. A reference is 0 for null,
    /// and otherwise a number that means nothing outside the engine. Zeros if the value is not known.
    uint64_t slots[2] = {};
};

/// A function that is active. Valid during the call of FrameVisitor::visit that it is given to; the instance
/// is valid as long as its store.
struct ActiveFrame {
    /// The instance that the function belongs to.
    Instance instance;
    /// The function's index in the instance's module.
    uint32_t func = 0;
    /// The offset in the module's bytes of the instruction at which it trapped or stopped, or that called the
    /// next function; Error::no_offset if unknown.
    size_t offset = Error::no_offset;
    /// Its parameters, then its other locals.
    std::span<const FrameValue> locals;
    /// Its operand stack, the lowest first: at a call, without the arguments; otherwise, with the operands of
    /// the instruction.
    std::span<const FrameValue> operands;
};

/// Receives the functions of a stack.
class FrameVisitor {
public:
    /// Called for each function; false ends the walk. It must not run code of the store, nor change it.
    [[nodiscard]] virtual bool visit(const ActiveFrame& frame) noexcept = 0;

protected:
    ~FrameVisitor() = default;
};

/// The stack of a computation that stands still. Valid until the computation goes on or ends; from
/// TrapObserver, during the call. Thread-safety: that of the store.
class WARPBEAM_API ActiveStack {
public:
    /// An empty stack.
    constexpr ActiveStack() noexcept = default;
    /// Tells the visitor of each function, the innermost first; host functions are left out. Takes time in
    /// proportion to the number of frames, and for each place at which one of them stands, to the size of its
    /// function: values are found by lowering it again. Errors: `out_of_memory`; `limit` if the frames are in
    /// too many places of large functions. The frames before it were visited.
    [[nodiscard]] std::expected<void, Error> visit(FrameVisitor& visitor) const noexcept;

private:
    friend struct vm::Internal;
    explicit ActiveStack(const vm::Execution& execution) noexcept : execution_{&execution} {}
    const vm::Execution* execution_ = nullptr;
};

/// Is told of traps while the stack is still there (Store::set_trap_observer).
class TrapObserver {
public:
    /// A computation of the store ends with a trap; not one with the code `exit`. If it was called by a host
    /// function, that may pass on the trap: then this is called again, for the computation that called the
    /// host. It must not run code of the store, nor change it.
    virtual void trapped(const Trap& trap, const ActiveStack& stack) noexcept = 0;

protected:
    ~TrapObserver() = default;
};

} // namespace warpbeam
