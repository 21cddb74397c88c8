#include "handlers/continuation.hpp"

#include "handlers/frame.hpp"
#include "handlers/generate.hpp"
#include "handlers/make_continuation.hpp"
#include "handlers/run.hpp"

/// Resuming, suspending and switching continuations.
/// https://github.com/WebAssembly/stack-switching/blob/main/proposals/stack-switching/Explainer.md
///
/// An instruction that suspends leaves its position in its stack's state. What resumes it puts the values
/// where the instruction's results belong, and goes on after it.

namespace warpbeam::vm {

#if WARPBEAM_STACK_SWITCHING

namespace {

using SuspendIn = Decoder<Form::suspend>;
using ResumeIn = Decoder<Form::resume>;

// ---- Lists of stacks ----

/// Leaves the running stack, whose top frame uses nothing from `free` on. What the execution says of its
/// position is out of date until the next exit.
[[gnu::always_inline]] inline void leave_stack(const Regs& r, const Execution& execution, StackState& state,
                                               Slot* free) noexcept {
    state = {execution.stack, execution.stack_end, r.ip, r.fp, free, r.rp, r.inst, execution.excess};
}

/// Enters the stack of the innermost continuation, or the execution's own, which has this state.
[[gnu::always_inline]] inline void enter_stack(Regs& r, Execution& execution,
                                               const StackState& state) noexcept {
    execution.stack = state.stack;
    execution.stack_end = state.stack_end;
    execution.free = state.free; // the stack may move
    execution.excess = state.excess;
    r.ip = state.ip;
    r.fp = state.fp;
    r.rp = state.rp;
    if (r.inst == state.inst)
        return;
    r.inst = state.inst;
    r.inst->execution = &execution;
    load_memory(r);
}

/// Few slots; `volatile` keeps the compiler from calling memmove.
[[gnu::always_inline]] inline Slot* copy_few(const Slot* from, size_t count, Slot* to) noexcept {
    for (const Slot* const end = from + count; from != end; ++from, ++to)
        *static_cast<volatile Slot*>(to) = *static_cast<const volatile Slot*>(from);
    return to;
}

/// Goes on after an instruction that is like a call, with its results at `frame`.
[[gnu::always_inline]] inline Exit go_on_after(Regs& r, const Instr* next, const Slot* results) noexcept {
    r.ip = next;
    Pins pins;
    std::memcpy(&pins, reinterpret_cast<const char*>(next) - sizeof(Pins), sizeof(Pins));
    // Whatever its type is, a single result is in its accumulator, and in the slot that the instruction
    // names.
    r.acc = results[0];
    r.facc = detail::vector_set(load_slot<double>(results, 0));
    r.fp[pins.result] = r.acc;
    load_pins(r, pins);
    return Exit::none;
}

/// Takes the stacks from an object: no reference to it can be used from then on.
Continuation& consume(ContObject& object) noexcept {
    Continuation& inner = *std::exchange(object.inner, nullptr);
    inner.object = nullptr;
    return inner;
}

/// Gives the stacks from `inner` to `outer`, in which `inside` bytes wait, to an object.
[[gnu::always_inline]] inline void give_away(ContObject& object, Continuation& inner, Continuation& outer,
                                             size_t inside) noexcept {
    inner.inside = inside;
    inner.object = &object;
    outer.parent = nullptr;
    object.inner = &inner;
    object.outer = &outer;
}

/// Gives the running stacks up to `outer`, in which `inside` bytes wait, to an object. The running one must
/// have been left.
[[gnu::always_inline]] inline void give_up(Execution& execution, ContObject& object, Continuation& outer,
                                           size_t inside) noexcept {
    Continuation& inner = *execution.continuation;
    execution.max_stack += inside + outer.waiting;
    execution.continuation = outer.parent;
    give_away(object, inner, outer, inside);
}

/// Makes suspended stacks, for which `bytes` wait, the running ones. The running one must have been left.
[[gnu::always_inline]] inline void take_over(Regs& r, Execution& execution, ContObject& object,
                                             size_t bytes) noexcept {
    execution.max_stack -= bytes;
    object.outer->parent = execution.continuation;
    Continuation& inner = consume(object);
    execution.continuation = &inner;
    enter_stack(r, execution, inner.state);
}

/// A host function that begins runs in its caller's instance.
[[gnu::always_inline]] inline void prepare(const Regs& r, Continuation& inner) noexcept {
    if (inner.func != nullptr && inner.func->instance == nullptr) [[unlikely]]
        inner.state.inst = r.inst;
}

/// Goes on in the stack that was entered, whose arguments are in place.
[[gnu::always_inline]] inline Exit go_on(Regs& r, Continuation& inner) noexcept {
    if (inner.func == nullptr)
        return go_on_after(r, SuspendIn::next(r), r.fp + SuspendIn::get<Field::frame>(r.ip));
    r.acc = reinterpret_cast<uintptr_t>(std::exchange(inner.func, nullptr)->cell);
    return Exit::none;
}

/// Where a suspension with a tag goes.
struct Destination {
    Continuation* outer = nullptr; ///< the outermost stack that it leaves; null: nowhere
    const Code* code = nullptr;
    const CatchClause* clause = nullptr;
};
Destination find_suspend_handler(Execution& execution, const TagInst* tag, bool is_switch) noexcept {
    for (Continuation* outer = execution.continuation; outer != nullptr; outer = outer->parent) {
        const StackState& waiting = waiting_state(execution, outer->parent);
        const uint64_t place = ResumeIn::get<Field::first>(waiting.ip);
        const auto* const entry = reinterpret_cast<const char*>(waiting.ip) - (place >> 32);
        const auto* const code = reinterpret_cast<const Code*>(entry) - 1;
        const CatchClause* const clauses = clauses_of(*code);
        for (auto i = static_cast<uint32_t>(place); i != CatchClause::none; i = clauses[i].next)
            if (waiting.inst->tags[clauses[i].tag] == tag &&
                (clauses[i].exception == CatchClause::unwanted) == is_switch)
                return {outer, code, clauses + i};
    }
    return {};
}

// ---- Instructions ----

/// Continues a continuation with an exception. One that has not begun catches nothing.
Exit resume_with(Regs& r, Execution& execution, ContObject& object, Slot exception, size_t bytes) noexcept {
    if (object.inner->func != nullptr)
        free_continuations(*execution.store, &consume(object));
    else
        take_over(r, execution, object, bytes);
    save(execution, r);
    return raise(r, execution, exception);
}

template <Variant v>
struct Resume {
    using In = ResumeIn;
    static Exit run(Regs& r) noexcept {
        Slot* const operands = r.fp + In::get<Field::frame>(r.ip);
        const size_t count = In::get<Field::count>(r.ip);
        if (const Exit exit = check_continuation(operands[count]); exit != Exit::none)
            return exit;
        ContObject& object = *to_continuation(operands[count]);
        Execution& execution = *r.inst->execution;
        if constexpr (v.option == 0)
            (void)copy_few(operands, count, object.inner->state.free);
        Slot exception = operands[0];
        if constexpr (v.option == 1) {
            if (const Exit exit = make_room(r, exception_size(count)); exit != Exit::none)
                return exit;
            const Exit made =
                make_exception(execution, *r.inst->tags[In::get<Field::second>(r.ip)], operands, exception);
            if (made != Exit::none)
                return made;
        }
        if (v.option == 2 && exception == 0)
            return Exit::null_exception_reference;
        leave_stack(r, execution, waiting_state(execution, execution.continuation), operands);
        object.outer->waiting = used(waiting_state(execution, execution.continuation));
        const size_t bytes = object.inner->inside + object.outer->waiting;
        if (bytes > execution.max_stack)
            return Exit::call_stack_exhausted;
        if constexpr (v.option != 0)
            return resume_with(r, execution, object, exception, bytes);
        prepare(r, *object.inner);
        take_over(r, execution, object, bytes);
        return go_on(r, *execution.continuation);
    }
};

/// Gives the running stacks up to `outer`, in which `inside` bytes wait, to `object`, and makes those of the
/// operand after the `count` arguments the running ones. The same stack waits for both.
[[gnu::always_inline]] inline Exit switch_to(Regs& r, Execution& execution, Slot* operands, size_t count,
                                             Continuation& outer, ContObject& object,
                                             size_t inside) noexcept {
    ContObject& target = *to_continuation(operands[count]);
    Continuation* const parent = outer.parent;
    Continuation& from = *execution.continuation;
    Continuation& to = *target.inner;
    if (to.inside > execution.max_stack + inside)
        return Exit::call_stack_exhausted;
    execution.max_stack += inside - to.inside;
    *copy_few(operands, count, to.state.free) = from_object(&object);
    prepare(r, to);
    target.outer->waiting = outer.waiting;
    leave_stack(r, execution, from.state, operands);
    give_away(object, from, outer, inside);
    target.outer->parent = parent;
    (void)consume(target);
    execution.continuation = &to;
    enter_stack(r, execution, to.state);
    return go_on(r, to);
}

template <Variant v>
struct Suspend {
    using In = SuspendIn;
    static Exit run(Regs& r) noexcept {
        constexpr bool is_switch = v.option == 1;
        Slot* const operands = r.fp + In::get<Field::frame>(r.ip);
        const size_t count = In::get<Field::count>(r.ip);
        if constexpr (is_switch)
            if (const Exit exit = check_continuation(operands[count]); exit != Exit::none)
                return exit;
        Execution& execution = *r.inst->execution;
        const Destination to =
            find_suspend_handler(execution, r.inst->tags[In::get<Field::tag>(r.ip)], is_switch);
        if (to.outer == nullptr)
            return Exit::unhandled_suspension;
        auto* const object =
            static_cast<ContObject*>(allocate(r, &continuation_layout, continuation_object_size));
        if (object == nullptr)
            return r.inst->heap->failure();
        Continuation& inner = *execution.continuation;
        const size_t inside = waiting_bytes(&inner, to.outer);
        if constexpr (is_switch)
            return switch_to(r, execution, operands, count, *to.outer, *object, inside);
        leave_stack(r, execution, inner.state, operands);
        give_up(execution, *object, *to.outer, inside);
        enter_stack(r, execution, waiting_state(execution, execution.continuation));
        (void)copy_few(operands, count, r.fp + to.clause->payload);
        r.fp[to.clause->exception] = from_object(object);
        r.ip = to.code->entry()->after(to.clause->target);
        load_pins(r, to.clause->pins);
        return Exit::none;
    }
};

constexpr HandlerGroup continuation_group_list[] = {group<Form::resume, Resume>(),
                                                    group<Form::suspend, Suspend>()};

/// Begins a continuation: acc has the cell of its function, whose arguments are at the beginning of its
/// stack.
struct Begin {
    static Exit run(Regs& r) noexcept {
        return enter<true>(r, *reinterpret_cast<const CodeCell*>(r.acc), r.fp, nullptr);
    }
};

/// Ends a continuation, whose results are at the beginning of its stack.
struct Finish {
    static Exit run(Regs& r) noexcept {
        Execution& execution = *r.inst->execution;
        Continuation* const done = execution.continuation;
        const Slot* const from = r.fp;
        execution.max_stack += done->waiting;
        execution.continuation = std::exchange(done->parent, nullptr);
        done->state.stack = execution.stack;
        done->state.stack_end = execution.stack_end;
        enter_stack(r, execution, waiting_state(execution, execution.continuation));
        Slot* const results = r.fp + ResumeIn::get<Field::frame>(r.ip);
        (void)copy_few(from, ResumeIn::get<Field::high>(r.ip), results);
        free_continuations(*execution.store, done);
        return go_on_after(r, ResumeIn::next(r), results);
    }
};

/// What the stack of a continuation begins with, and what its bottom record returns to.
constinit const Landing begin_landing{{}, {&handler<Begin>, 0}};
constinit const Landing finish_landing{{}, {&handler<Finish>, 0}};

} // namespace

constinit const HandlerGroups continuation_groups{continuation_group_list};

const Instr* begin_instr() noexcept { return &begin_landing.instr; }
const Instr* finish_instr() noexcept { return &finish_landing.instr; }

#else

constinit const HandlerGroups continuation_groups;
const Instr* begin_instr() noexcept { return nullptr; }
const Instr* finish_instr() noexcept { return nullptr; }

#endif

} // namespace warpbeam::vm
