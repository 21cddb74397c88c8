#pragma once

#include "handlers/instance_data.hpp"
#include "isa/decoder.hpp"

/// Continuations: stacks that an execution can leave and enter again.
/// https://github.com/WebAssembly/stack-switching

namespace warpbeam::vm {

/// A continuation's stack. While it runs it is the last in its execution's list; those before it, and the
/// execution's own stack, wait for it in a `resume`. A suspended part of such a list belongs to an object.
///
/// The first block of its stack follows it in the same allocation: a coroutine that is entered and left is
/// then in few lines of the cache.
struct alignas(Record) Continuation {
    /// While another stack runs. `free` is where the next argument goes.
    StackState state;
    /// Who has resumed it; null: the execution's own stack, or none.
    Continuation* parent;
    size_t waiting; ///< the bytes in use of the stack that waits for it
    /// For the last one of a suspended list: the bytes of those that wait for it in the list.
    size_t inside;
    /// What it runs, until it has begun.
    FuncInst* func;
    /// For the last one of a suspended list: what the list belongs to. Otherwise null.
    ContObject* object;
    // Its place among all of the store.
    Continuation* before;
    Continuation* next;
    size_t first_bytes; ///< of that block

    [[nodiscard]] Slot* first_block() noexcept { return reinterpret_cast<Slot*>(this + 1); }
};

/// Where the computation goes on when a continuation suspends or ends.
[[nodiscard]] inline StackState& waiting_state(Execution& execution, Continuation* parent) noexcept {
    return parent != nullptr ? parent->state : execution.own;
}

[[nodiscard]] inline const StackState& waiting_state(const Execution& execution,
                                                     const Continuation* parent) noexcept {
    return parent != nullptr ? parent->state : execution.own;
}
/// The bytes in use of all stacks that wait for `inner`, up to the one of `end`.
[[nodiscard]] inline size_t waiting_bytes(const Continuation* inner, const Continuation* end) noexcept {
    size_t bytes = 0;
    for (; inner != end; inner = inner->parent)
        bytes += inner->waiting;
    return bytes;
}

/// Where a stack goes on that stands at the instruction that resumes, or suspends; and where the latter's
/// results are.
[[nodiscard]] inline const Instr* after_resume(const Instr* ip) noexcept {
    return ip->after(Decoder<Form::resume>::size);
}
[[nodiscard]] inline const Instr* after_suspend(const Instr* ip) noexcept {
    return ip->after(Decoder<Form::suspend>::size);
}
[[nodiscard]] inline Slot* suspended_results(const StackState& state) noexcept {
    return state.fp + Decoder<Form::suspend>::get<Field::frame>(state.ip);
}

/// The types of these.
[[nodiscard]] inline std::span<const ValType> suspended_types(const StackState& state,
                                                              const TypeRegistry& types) noexcept {
    const uint64_t word = Decoder<Form::suspend>::get<Field::back>(state.ip);
    const FuncType& type = types.func(static_cast<TypeId>(word));
    return word >> 32 != 0 ? type.params : type.results;
}

} // namespace warpbeam::vm
