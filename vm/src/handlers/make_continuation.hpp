#pragma once

#include "handlers/allocate.hpp"
#include "handlers/continuation.hpp"
#include "handlers/general.hpp"

#include <algorithm>
#include <utility>

/// Making continuations, and giving them arguments before they run.
/// https://github.com/WebAssembly/stack-switching

namespace warpbeam::vm {

[[nodiscard]] inline ContObject* to_continuation(Slot reference) noexcept {
    return static_cast<ContObject*>(to_object(reference));
}
/// Why a reference can't be used; `none` if it can.
[[nodiscard]] [[gnu::always_inline]] inline Exit check_continuation(Slot reference) noexcept {
    if (reference == 0)
        return Exit::null_continuation_reference;
    return to_continuation(reference)->inner == nullptr ? Exit::continuation_consumed : Exit::none;
}

struct ContNew {
    using In = General<Form::general0>;
    static Exit run(Regs& r) noexcept {
        Slot* const operand = In::operands(r);
        FuncInst* const func = to_func(*operand);
        if (func == nullptr)
            return Exit::null_function_reference;
        if (const Exit exit = make_room(r, continuation_object_size + continuation_size); exit != Exit::none)
            return exit;
        Object* const object = r.inst->heap->allocate_now(&continuation_layout, continuation_object_size);
        if (object == nullptr)
            return r.inst->heap->failure();
        *operand = from_object(object);
        const Exit exit =
            make_continuation(*r.inst->execution->store, *func, static_cast<ContObject&>(*object));
        return exit == Exit::none ? In::result(r, *operand) : exit;
    }
};

/// The stacks go to a new object, since the old reference must no longer work.
struct ContBind {
    using In = General<Form::general1>;
    static Exit run(Regs& r) noexcept {
        Slot* const operands = In::operands(r);
        const auto count = static_cast<size_t>(In::get<Field::first>(r.ip));
        if (const Exit exit = check_continuation(operands[count]); exit != Exit::none)
            return exit;
        auto* const fresh =
            static_cast<ContObject*>(allocate(r, &continuation_layout, continuation_object_size));
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

} // namespace warpbeam::vm
