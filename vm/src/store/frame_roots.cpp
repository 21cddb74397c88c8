#include "store/frame_roots.hpp"

#include "handlers/continuation.hpp"
#include "handlers/run.hpp"
#include "heap/heap.hpp"
#include "isa/frame_map.hpp"
#include "lower/module_code.hpp"
#include "store/host_func.hpp"

namespace warpbeam::vm {
namespace {

class FrameRoots {
public:
    explicit FrameRoots(Heap& heap, const Code* last = nullptr) noexcept : heap_{heap}, code_{last} {}

    void mark_code(const InstanceData& inst, const Instr* ip, bool after, const Slot* fp) noexcept {
        code_ = inst.code->find(ip, after, code_);
        if (code_ != nullptr)
            visit_references(*code_, ip, after,
                             [&](int32_t slot, uint32_t count) { heap_.mark({fp + slot, count}); });
    }

    [[nodiscard]] const Code* last() const noexcept { return code_; }

private:
    Heap& heap_;
    const Code* code_ = nullptr; ///< of the last frame
};

/// The frame in which an execution stopped.
void mark_top(const Execution& execution, Heap& heap, FrameRoots& frames) noexcept {
    if (execution.has_values)
        return heap.mark(execution.values, execution.fp);
    if (const HostFunc* const host = host_at(execution.ip); host != nullptr)
        return heap.mark(host->signature->params, execution.fp);
    const InstanceData& inst = *execution.inst;
    if (const CodeCell* const cell = cell_at(execution.ip, execution.acc); cell != nullptr)
        return heap.mark(inst.registry->func(inst.module->funcs()[cell->func]).params, execution.fp);
    frames.mark_code(inst, execution.ip, false, execution.fp);
}

/// The frames of the callers in a stack.
void mark_callers(const StackState& state, FrameRoots& frames) noexcept {
    (void)visit_callers(state, [&](const InstanceData& inst, const Record& record) {
        frames.mark_code(inst, record.ip, true, record.fp);
        return true;
    });
}

/// A stack that waits: its top frame is one whose arguments are gone, as in a call.
void mark_waiting(const StackState& state, const Instr* next, FrameRoots& frames) noexcept {
    frames.mark_code(*state.inst, next, true, state.fp);
    mark_callers(state, frames);
}

} // namespace

void mark_frames(const Execution& execution, Heap& heap) noexcept {
    FrameRoots frames{heap};
    mark_top(execution, heap, frames);
    mark_callers(execution, frames);
    for (const Continuation* each = execution.continuation; each != nullptr; each = each->parent) {
        const StackState& state = waiting_state(execution, each->parent);
        mark_waiting(state, after_resume(state.ip), frames);
    }
}

void mark_frames(const Continuation& inner, const TypeRegistry& types, Heap& heap,
                 const Code*& last) noexcept {
    FrameRoots frames{heap, last};
    const auto mark_given_so_far = [&](std::span<const ValType> all, const Slot* from) {
        while (slots_of(all) > static_cast<size_t>(inner.state.free - from))
            all = all.first(all.size() - 1);
        heap.mark(all, from);
    };
    if (inner.func != nullptr) {
        mark_given_so_far(types.func(inner.func->type).params, inner.state.stack);
    } else {
        mark_given_so_far(suspended_types(inner.state, types), suspended_results(inner.state));
        mark_waiting(inner.state, after_suspend(inner.state.ip), frames);
    }
    for (const Continuation* each = inner.parent; each != nullptr; each = each->parent)
        mark_waiting(each->state, after_resume(each->state.ip), frames);
    last = frames.last();
}

} // namespace warpbeam::vm
