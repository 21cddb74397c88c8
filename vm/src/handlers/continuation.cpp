#include "handlers/continuation.hpp"

#include "handlers/allocate.hpp"
#include "handlers/frame.hpp"
#include "handlers/general.hpp"
#include "handlers/generate.hpp"
#include "handlers/run.hpp"

#include <algorithm>
#include <utility>

/// Making, resuming, suspending and switching continuations.
/// https://github.com/WebAssembly/stack-switching/blob/main/proposals/stack-switching/Explainer.md#execution
///
/// An instruction that suspends leaves its position in its stack's state; what resumes it puts the values
/// where the instruction's results belong, and goes on after it.

namespace warpbeam::vm {

namespace {

using SuspendIn = Decoder<Form::suspend>;
using ResumeIn = Decoder<Form::resume>;

[[nodiscard]] ContObject* to_continuation(Slot reference) noexcept {
    return static_cast<ContObject*>(to_object(reference));
}

/// Why a reference can't be used; `none` if it can.
Exit check(Slot reference) noexcept {
    if (reference == 0)
        return Exit::null_continuation_reference;
    return to_continuation(reference)->inner == nullptr ? Exit::continuation_consumed : Exit::none;
}

// ---- Lists of stacks ----

/// The bytes that a list of stacks but its last one, and the stack that waits for it, take from the limit.
size_t depth_of(const Continuation& inner, const StackState& waiting) noexcept {
    size_t bytes = used(waiting);
    for (const Continuation* each = inner.parent; each != nullptr; each = each->parent)
        bytes += used(each->state);
    return bytes;
}

/// Leaves the running stack, whose top frame uses nothing from `free` on.
void leave_stack(const Regs& r, Execution& execution, Slot* free) noexcept {
    save(execution, r);
    execution.free = free;
    waiting_state(execution, execution.continuation) = execution;
}

/// Enters the stack that comes before the running ones again.
void enter_stack(Regs& r, Execution& execution) noexcept {
    static_cast<StackState&>(execution) = waiting_state(execution, execution.continuation);
    r.ip = execution.ip;
    r.fp = execution.fp;
    r.rp = execution.rp;
    if (r.inst == execution.inst)
        return;
    r.inst = execution.inst;
    r.inst->execution = &execution;
    load_memory(r);
}

/// Takes the stacks from a reference, which nothing can use from then on.
Continuation& consume(ContObject& object) noexcept {
    Continuation& inner = *std::exchange(object.inner, nullptr);
    remove_suspended(*inner.object, inner);
    inner.object = nullptr;
    return inner;
}

/// Makes an object for the running stacks up to `outer`, which then no longer run.
void suspend(Execution& execution, ContObject& object, Continuation& outer) noexcept {
    Continuation& inner = *execution.continuation;
    object.inner = &inner;
    object.outer = &outer;
    execution.continuation = std::exchange(outer.parent, nullptr);
    execution.max_stack += depth_of(inner, waiting_state(execution, execution.continuation));
    add_suspended(*execution.store, inner, object);
}

/// Goes on in a suspended list of stacks, whose arguments are in place. The running stack must have been
/// left.
Exit go_on(Regs& r, Execution& execution, ContObject& object) noexcept {
    Continuation& inner = *object.inner;
    const size_t depth = depth_of(inner, waiting_state(execution, execution.continuation));
    if (depth > execution.max_stack)
        return Exit::call_stack_exhausted;
    execution.max_stack -= depth;
    object.outer->parent = execution.continuation;
    (void)consume(object);
    execution.continuation = &inner;
    if (inner.func == nullptr) {
        enter_stack(r, execution);
        Slot* const results = r.fp + SuspendIn::get<Field::frame>(r.ip);
        r.ip = SuspendIn::next(r);
        Pins pins;
        std::memcpy(&pins, reinterpret_cast<const char*>(r.ip) - sizeof(Pins), sizeof(Pins));
        load_pins(r, pins);
        r.acc = results[0];
        r.facc = detail::vector_set(load_slot<double>(results, 0));
        return Exit::none;
    }
    const FuncInst& func = *std::exchange(inner.func, nullptr);
    // A host function runs in its caller's instance.
    inner.state.inst = func.instance != nullptr ? func.instance : r.inst;
    inner.state.ip = start_instr();
    enter_stack(r, execution);
    r.acc = reinterpret_cast<uintptr_t>(func.cell);
    return Exit::none;
}

/// Where a suspension with a tag goes.
struct Handler {
    Continuation* outer = nullptr; ///< the outermost stack that it leaves; null: nowhere
    const Code* code = nullptr;
    const CatchClause* clause = nullptr;
};
Handler find_handler(Execution& execution, const TagInst* tag, bool is_switch) noexcept {
    for (Continuation* outer = execution.continuation; outer != nullptr; outer = outer->parent) {
        const StackState& waiting = waiting_state(execution, outer->parent);
        const uint64_t place = ResumeIn::get<Field::first>(waiting.ip);
        const auto* const code =
            reinterpret_cast<const Code*>(reinterpret_cast<const char*>(waiting.ip) - (place >> 32)) - 1;
        const CatchClause* const clauses = clauses_of(*code);
        for (auto i = static_cast<uint32_t>(place); i != CatchClause::none; i = clauses[i].next)
            if (waiting.inst->tags[clauses[i].tag] == tag &&
                (clauses[i].exception == CatchClause::unwanted) == is_switch)
                return {outer, code, clauses + i};
    }
    return {};
}

// ---- Instructions ----

struct ContNew {
    using In = General<Form::general0>;
    static Exit run(Regs& r) noexcept {
        Slot* const operands = In::operands(r);
        FuncInst* const func = to_func(operands[0]);
        if (func == nullptr)
            return Exit::null_function_reference;
        Object* const object = allocate(r, operands, &continuation_layout, sizeof(ContObject));
        if (object == nullptr)
            return r.inst->heap->failure();
        const RootSpan root{*r.inst->heap, {operands, 0}};
        Execution& execution = *r.inst->execution;
        execution.free = operands;
        const Exit exit = make_continuation(*execution.store, *func, static_cast<ContObject&>(*object));
        return exit == Exit::none ? In::result(r, from_object(object)) : exit;
    }
};

struct ContBind {
    using In = General<Form::general1>;
    static Exit run(Regs& r) noexcept {
        Slot* const operands = In::operands(r);
        const size_t count = In::get<Field::first>(r.ip);
        if (const Exit exit = check(operands[count]); exit != Exit::none)
            return exit;
        auto* const fresh = static_cast<ContObject*>(
            allocate(r, operands + count + 1, &continuation_layout, sizeof(ContObject)));
        if (fresh == nullptr)
            return r.inst->heap->failure();
        ContObject& old = *to_continuation(operands[count]);
        fresh->outer = old.outer;
        fresh->inner = std::exchange(old.inner, nullptr);
        fresh->inner->object = fresh;
        StackState& state = fresh->inner->state;
        state.free = std::copy_n(operands, count, state.free);
        return In::result(r, from_object(fresh));
    }
};

Exit resume(Regs& r) noexcept {
    Slot* const operands = r.fp + ResumeIn::get<Field::frame>(r.ip);
    const size_t count = ResumeIn::get<Field::count>(r.ip);
    if (const Exit exit = check(operands[count]); exit != Exit::none)
        return exit;
    ContObject& object = *to_continuation(operands[count]);
    std::copy_n(operands, count, object.inner->state.free);
    Execution& execution = *r.inst->execution;
    leave_stack(r, execution, operands);
    return go_on(r, execution, object);
}

/// Continues a continuation with an exception. One that has not begun has no handlers.
Exit resume_with(Regs& r, Slot exception, ContObject& object) noexcept {
    Execution& execution = *r.inst->execution;
    save(execution, r);
    if (object.inner->func != nullptr) {
        free_continuations(*execution.store, &consume(object));
        return raise(r, execution, exception);
    }
    leave_stack(r, execution, r.fp + ResumeIn::get<Field::frame>(r.ip));
    if (const Exit exit = go_on(r, execution, object); exit != Exit::none)
        return exit;
    // Its position is still that of the instruction that suspended it.
    return raise(r, execution, exception);
}

Exit resume_throw(Regs& r) noexcept {
    Slot* const operands = r.fp + ResumeIn::get<Field::frame>(r.ip);
    const size_t count = ResumeIn::get<Field::count>(r.ip);
    if (const Exit exit = check(operands[count]); exit != Exit::none)
        return exit;
    Execution& execution = *r.inst->execution;
    save(execution, r);
    const RootSpan root{*r.inst->heap, {operands + count, 1}};
    Slot exception;
    const Exit made =
        make_exception(execution, *r.inst->tags[ResumeIn::get<Field::second>(r.ip)], operands, exception);
    return made == Exit::none ? resume_with(r, exception, *to_continuation(operands[count])) : made;
}

Exit resume_throw_ref(Regs& r) noexcept {
    const Slot* const operands = r.fp + ResumeIn::get<Field::frame>(r.ip);
    if (const Exit exit = check(operands[1]); exit != Exit::none)
        return exit;
    return operands[0] != 0 ? resume_with(r, operands[0], *to_continuation(operands[1]))
                            : Exit::null_exception_reference;
}

/// Makes the object for what is about to be suspended; null if there is no room, or no handler.
struct Suspension {
    Handler handler;
    ContObject* object = nullptr;
    Exit exit = Exit::none;
};
Suspension begin_suspension(Regs& r, Slot* live_end, bool is_switch) noexcept {
    Suspension made;
    made.handler =
        find_handler(*r.inst->execution, r.inst->tags[SuspendIn::get<Field::tag>(r.ip)], is_switch);
    if (made.handler.outer == nullptr) {
        made.exit = Exit::unhandled_suspension;
        return made;
    }
    made.object = static_cast<ContObject*>(allocate(r, live_end, &continuation_layout, sizeof(ContObject)));
    if (made.object == nullptr)
        made.exit = r.inst->heap->failure();
    return made;
}

Exit suspend(Regs& r) noexcept {
    Slot* const operands = r.fp + SuspendIn::get<Field::frame>(r.ip);
    const size_t count = SuspendIn::get<Field::count>(r.ip);
    const auto [handler, object, exit] = begin_suspension(r, operands + count, false);
    if (exit != Exit::none)
        return exit;
    Execution& execution = *r.inst->execution;
    leave_stack(r, execution, operands);
    suspend(execution, *object, *handler.outer);
    enter_stack(r, execution);
    std::copy_n(operands, count, r.fp + handler.clause->payload);
    r.fp[handler.clause->exception] = from_object(object);
    r.ip = handler.code->entry()->after(handler.clause->target);
    load_pins(r, handler.clause->pins);
    return Exit::none;
}

Exit switch_stack(Regs& r) noexcept {
    Slot* const operands = r.fp + SuspendIn::get<Field::frame>(r.ip);
    const size_t count = SuspendIn::get<Field::count>(r.ip);
    if (const Exit exit = check(operands[count]); exit != Exit::none)
        return exit;
    const auto [handler, object, exit] = begin_suspension(r, operands + count + 1, true);
    if (exit != Exit::none)
        return exit;
    Execution& execution = *r.inst->execution;
    ContObject& target = *to_continuation(operands[count]);
    *std::copy_n(operands, count, target.inner->state.free) = from_object(object);
    leave_stack(r, execution, operands);
    suspend(execution, *object, *handler.outer);
    return go_on(r, execution, target);
}

/// The end of a continuation: its results are at the beginning of its stack.
Exit finish(Regs& r) noexcept {
    Execution& execution = *r.inst->execution;
    Continuation* const done = execution.continuation;
    const Slot* const from = r.fp;
    execution.continuation = std::exchange(done->parent, nullptr);
    execution.max_stack += used(waiting_state(execution, execution.continuation));
    done->state = execution;
    enter_stack(r, execution);
    Slot* const results = r.fp + ResumeIn::get<Field::frame>(r.ip);
    std::copy_n(from, ResumeIn::get<Field::high>(r.ip), results);
    free_continuations(*execution.store, done);
    r.ip = ResumeIn::next(r);
    Pins pins;
    std::memcpy(&pins, reinterpret_cast<const char*>(r.ip) - sizeof(Pins), sizeof(Pins));
    load_pins(r, pins);
    r.acc = results[0];
    r.facc = detail::vector_set(load_slot<double>(results, 0));
    return Exit::none;
}

} // namespace
} // namespace warpbeam::vm
