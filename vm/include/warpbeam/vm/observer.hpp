#pragma once

#include <warpbeam/loader/module.hpp>
#include <warpbeam/memory/export.hpp>
#include <warpbeam/vm/engine.hpp>
#include <warpbeam/vm/observed.hpp>

#include <span>

/// @file
/// Tracing: an Observer is told which functions are called, with which values, and what they do to memories.
/// It is named in Config::observer; without it, code contains nothing of this. docs/profiling.md describes
/// what the command makes of it.

namespace warpbeam {

namespace vm {
struct Execution;
}

/// One event. Valid during the call of `Observer::observe` that it is given to, as is all that it refers to,
/// except for modules.
class WARPBEAM_API Observation {
public:
    /// What happens.
    [[nodiscard]] Observed event() const noexcept { return event_; }
    /// The values that belong to it, in 64-bit slots: an i32 or f32 is in the lower half of its slot, a v128
    /// takes two. A reference is 0 for null, and otherwise a number that means nothing outside the engine.
    [[nodiscard]] const uint64_t* operands() const noexcept { return operands_; }

    /// The module of the function. For a host function, that of the function that has called it.
    [[nodiscard]] Module module() const noexcept;
    /// The function's index in that module; UINT32_MAX for a host function that the module doesn't import.
    [[nodiscard]] uint32_t func() const noexcept;
    /// Whether it is a host function.
    [[nodiscard]] bool is_host() const noexcept;
    /// The function's type.
    [[nodiscard]] FuncType type() const noexcept;
    /// For an access: the offset of the instruction in the module's bytes.
    [[nodiscard]] size_t offset() const noexcept;
    /// The bytes of a memory of that module, by its index; empty if there is none. Another thread may change
    /// those of a shared memory.
    [[nodiscard]] std::span<const uint8_t> memory(uint32_t index) const noexcept;

    /// The stack on which the function runs: one for each execution, and one for each continuation. An
    /// address that serves only to tell them apart; that of a stack which has ended may be used again.
    [[nodiscard]] const void* stack() const noexcept;
    /// How many records of calls this stack has, at least one for each active function. A function that was
    /// left by an exception, a trap or a tail call is not told of again: its place is free when another
    /// function begins at the same depth, or anything happens at a lower one.
    [[nodiscard]] size_t depth() const noexcept;
    /// The same for all stacks that wait for this one, within the execution.
    [[nodiscard]] size_t outer_depth() const noexcept;
    /// The fuel that is left (Config::fuel), in units; the entry of a function that begins is not yet paid.
    [[nodiscard]] uint64_t fuel() const noexcept;

private:
    friend struct vm::Internal;
    Observation(const vm::Execution& execution, Observed event, const uint64_t* operands) noexcept
        : execution_{execution}, operands_{operands}, event_{event} {}
    const vm::Execution& execution_;
    const uint64_t* operands_;
    Observed event_;
};

/// Receives events. Thread-safety: it is called by each thread that runs code of the engine, so an engine
/// whose stores are used by several threads needs an observer that expects that. Its functions must not use
/// the store, nor anything that belongs to it.
///
/// A host function that lets its caller wait (Caller::suspend) is told of when it begins, but not when it is
/// answered; one that ends because of an interrupt is told of again when the execution goes on with it. A
/// host function that the host itself calls is not told of.
class Observer {
public:
    /// Something happens (Config::observe_calls, Config::observe_accesses). An access is told of before it is
    /// done, and even if it is then out of bounds; atomic accesses, and those of memory.copy, memory.fill and
    /// memory.init, are included.
    virtual void observe(const Observation& observation) noexcept = 0;
    /// The engine begins or ends to lower a function of this module, in this thread. A large function may be
    /// lowered in several parts.
    virtual void lower(const Module& module, uint32_t func, bool begins) noexcept {
        (void)module, (void)func, (void)begins;
    }

protected:
    ~Observer() = default;
};

} // namespace warpbeam
