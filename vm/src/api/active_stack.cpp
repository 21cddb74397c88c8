#include "handlers/active_frames.hpp"
#include "lower/module_code.hpp"
#include "snapshot/frame_shapes.hpp"
#include "store/link.hpp"
#include "store/use.hpp"

#include <warpbeam/loader/instr_reader.hpp>
#include <warpbeam/vm/active_stack.hpp>

#include <algorithm>

namespace warpbeam {
namespace {

using vm::Exit;
using vm::FramePlace;
using vm::Instr;
using vm::Slot;

/// Whether an instruction has moved its operands over the locals before it traps.
bool is_tail_call(Op op) noexcept {
    return op == Op::return_call || op == Op::return_call_indirect || op == Op::return_call_ref;
}

class StackReader {
public:
    StackReader(StoreImpl& store, FrameVisitor& visitor) noexcept
        : shapes_{store.allocator()}, values_{store.allocator()}, visitor_{visitor} {}

    [[nodiscard]] Exit read(const vm::Execution& execution) noexcept {
        Exit exit = top(execution);
        if (exit == Exit::none)
            exit = callers(execution);
        for (const vm::Continuation* each = execution.continuation; exit == Exit::none && each != nullptr;
             each = each->parent) {
            const vm::StackState waiting = vm::waiting_state(execution, each->parent);
            exit = frame(*waiting.inst, vm::after_resume(waiting.ip), waiting.fp);
            if (exit == Exit::none)
                exit = callers(waiting);
        }
        return exit;
    }

private:
    [[nodiscard]] Exit callers(const vm::StackState& stack) noexcept {
        Exit exit = Exit::none;
        (void)vm::visit_callers(stack, [&](vm::InstanceData& inst, const vm::Record& record) {
            exit = frame(inst, record.ip, record.fp);
            return exit == Exit::none;
        });
        return exit;
    }

    /// The innermost function. It may stand where functions stop otherwise, too, or anywhere.
    [[nodiscard]] Exit top(const vm::Execution& execution) noexcept {
        vm::InstanceData& inst = *execution.inst;
        // The stubs of host functions and of functions not lowered yet are not part of any function's code.
        const vm::Code* const code = execution.ip != nullptr ? inst.code->find(execution.ip, false) : nullptr;
        if (code == nullptr)
            return Exit::none;
        Vec<vm::CodeMark> marks{values_.allocator()};
        if (const Exit located = inst.code->locate_all(code->func, marks); located != Exit::none)
            return located;
        const auto next = std::ranges::upper_bound(marks, vm::position_in(*code, execution.ip, false), {},
                                                   &vm::CodeMark::position);
        if (next == marks.begin())
            return Exit::none;
        const size_t in_body = next[-1].offset;
        // A stop at the head of a loop may have the position of a later instruction, which traps.
        uint32_t number = 0;
        const Exit stop = shapes_.at(inst, execution.ip, false, number);
        if (stop == Exit::none && shapes_[number].state.point.offset == in_body)
            return tell(inst, shapes_[number], execution.fp);
        if (stop != Exit::none && stop != Exit::invalid_code)
            return stop;
        vm::FrameState state{values_.allocator()};
        if (const Exit found = inst.code->state_inside(code->func, in_body, state); found != Exit::none)
            return found;
        const FuncBody& body = inst.module->bodies()[code->func - inst.module->imported_funcs()];
        InstrReader reader{*inst.module, body.code.subspan(in_body)};
        // A large frame is opened after the check of the stack.
        const bool is_unknown =
            is_tail_call(reader.op()) || (state.base != 0 && vm::checks_stack(*execution.ip));
        return tell(inst, code->func, body.code_offset + in_body, state, is_unknown ? nullptr : execution.fp);
    }

    /// A function that waits for another one.
    [[nodiscard]] Exit frame(vm::InstanceData& inst, const Instr* ip, const Slot* fp) noexcept {
        uint32_t number = 0;
        const Exit exit = shapes_.at(inst, ip, true, number);
        if (exit != Exit::none)
            return exit;
        if (shapes_.code_bytes() > vm::FrameShapes::max_code_bytes)
            return Exit::limit;
        return tell(inst, shapes_[number], fp);
    }

    [[nodiscard]] Exit tell(vm::InstanceData& inst, const vm::FrameShape& shape, const Slot* fp) noexcept {
        const FuncBody& body = inst.module->bodies()[shape.func - inst.module->imported_funcs()];
        return tell(inst, shape.func, size_t{body.code_offset} + shape.state.point.offset, shape.state, fp);
    }
    /// Without `fp`, the values are not known.
    [[nodiscard]] Exit tell(vm::InstanceData& inst, uint32_t func, size_t offset, const vm::FrameState& state,
                            const Slot* fp) noexcept {
        values_.clear();
        const bool read = vm::visit_places(state, [&](const FramePlace& place) {
            FrameValue value{place.kind, fp != nullptr && place.where != FramePlace::unknown, {}};
            if (value.is_known && place.where == FramePlace::constant) {
                value.slots[0] = place.value;
                value.slots[1] = place.high;
            } else if (value.is_known) {
                // Those of large frames may be below the frame pointer.
                std::copy_n(fp + static_cast<int32_t>(place.slot), slots_of(ValType{place.kind}),
                            value.slots);
            }
            // The upper half of such a slot may be anything.
            if (place.kind == ValType::i32 || place.kind == ValType::f32)
                value.slots[0] = static_cast<uint32_t>(value.slots[0]);
            return values_.push(value);
        });
        if (!read)
            return Exit::out_of_memory;
        const std::span<const FrameValue> all{values_};
        const ActiveFrame frame{vm::make_handle<Instance>(&inst), func, offset,
                                all.first(state.locals.size()), all.subspan(state.locals.size())};
        return visitor_.visit(frame) ? Exit::none : Exit::done;
    }

    vm::FrameShapes shapes_;
    Vec<FrameValue> values_;
    FrameVisitor& visitor_;
};

} // namespace

std::expected<void, Error> ActiveStack::visit(FrameVisitor& visitor) const noexcept {
    if (execution_ == nullptr || execution_->inst == nullptr)
        return {};
    switch (StackReader{*execution_->store, visitor}.read(*execution_)) {
    case Exit::none:
    case Exit::done:
        return {};
    case Exit::limit:
        return std::unexpected{Error{ErrorCode::limit, "%s", vm::too_many_places}};
    default:
        return std::unexpected{Error{ErrorCode::out_of_memory}};
    }
}

} // namespace warpbeam
