#include "trap/trap_builder.hpp"

#include "handlers/active_frames.hpp"
#include "lower/module_code.hpp"

namespace warpbeam {

Trap TrapBuilder::build(vm::Exit exit, const vm::Execution& execution, std::optional<Trap> held,
                        Ref<vm::ExceptionRoot> uncaught, Allocator& allocator) noexcept {
    Trap trap = held ? std::move(*held) : Trap{code_of(exit)};
    // Refused by a host function, without a code frame in between.
    if (held && execution.rp == execution.stack_end)
        return trap;
    if (Trap::Details* const details = trap.own_details(allocator)) {
        TrapBuilder builder{*details, execution};
        if (!held)
            details->message.add(text_of(trap.code()));
        if (exit == vm::Exit::invalid_code)
            builder.add_refusal();
        details->omitted += walk(execution, details->frames);
        if (!held)
            details->exception = std::move(uncaught);
        if (!held && !details->frames.empty())
            add_numbers(details->message, exit, execution, details->frames[0].offset);
    }
    return trap;
}

Trap TrapBuilder::thrown(const Ref<vm::ExceptionRoot>& exception) noexcept {
    Trap trap{TrapCode::uncaught_exception};
    Trap::Details* const details = trap.own_details(exception->allocator());
    if (details == nullptr)
        return Trap{TrapCode::out_of_memory};
    details->exception = exception;
    return trap;
}

Ref<vm::ExceptionRoot> TrapBuilder::exception_of(const Trap& trap) noexcept {
    return trap.details_ != nullptr ? trap.details_->exception : Ref<vm::ExceptionRoot>{};
}

void TrapBuilder::add_refusal() noexcept {
    const vm::ModuleCode::Refusal refusal = execution_.inst->code->refusal();
    details_.message.print(" for function %u: at 0x%04zx: %s", refusal.func, refusal.finding.position,
                           refusal.finding.words != nullptr ? refusal.finding.words : "unknown");
}

std::optional<Frame> TrapBuilder::frame_at(const vm::InstanceData& inst, const vm::Instr* ip,
                                           bool after) noexcept {
    // The stubs of host functions and of functions not lowered yet are not part of any function's code.
    const vm::ModuleCode::Position position =
        ip != nullptr ? inst.code->locate(ip, after) : vm::ModuleCode::Position{};
    if (position.func == UINT32_MAX)
        return std::nullopt;
    return Frame{*inst.module, position.func, position.offset, const_cast<vm::InstanceData*>(&inst),
                 inst.store_number};
}

size_t TrapBuilder::walk(const vm::Execution& execution, Backtrace& frames) noexcept {
    size_t omitted = 0;
    vm::visit_frames(execution, [&](const vm::InstanceData& inst, const vm::Instr* ip, bool after) {
        if (frames.size() >= max_frames)
            ++omitted;
        else if (const auto frame = frame_at(inst, ip, after); frame && !frames.push(*frame))
            ++omitted;
        return true;
    });
    return omitted;
}

std::optional<Frame> TrapBuilder::caller_of(const vm::Execution& execution) noexcept {
    std::optional<Frame> found;
    vm::visit_frames(execution, [&](const vm::InstanceData& inst, const vm::Instr* ip, bool after) {
        found = frame_at(inst, ip, after);
        return !found;
    });
    return found;
}

} // namespace warpbeam
