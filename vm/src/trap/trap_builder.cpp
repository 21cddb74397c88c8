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

size_t TrapBuilder::walk(const vm::Execution& execution, Backtrace& frames, size_t max) noexcept {
    vm::ModuleCode::Place places[max_frames];
    const vm::InstanceData* instances[max_frames];
    size_t count = 0;
    size_t omitted = 0;
    vm::visit_frames(execution, [&](const vm::InstanceData& inst, const vm::Instr* ip, bool after) {
        if (frames.size() + count >= max) {
            ++omitted;
            return max != 1;
        }
        // The stubs of host functions and of functions not lowered yet are not part of any function's code.
        const vm::Code* const last = count != 0 ? places[count - 1].code : nullptr;
        if (const vm::Code* const code = ip != nullptr ? inst.code->find(ip, after, last) : nullptr) {
            instances[count] = &inst;
            places[count++] = {code, position_in(*code, ip, after)};
        }
        return true;
    });
    for (size_t i = 0; i < count; ++i) {
        const vm::InstanceData& inst = *instances[i];
        if (places[i].offset == 0)
            inst.code->locate({places + i, count - i});
        if (!frames.push({*inst.module, places[i].code->func, places[i].offset,
                          const_cast<vm::InstanceData*>(&inst), inst.store_number}))
            ++omitted;
    }
    return omitted;
}

} // namespace warpbeam
