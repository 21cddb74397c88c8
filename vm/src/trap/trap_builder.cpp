#include "trap/trap_builder.hpp"

#include "store/store_impl.hpp"

namespace warpbeam {
namespace {

TrapCode code_of(vm::Exit exit) noexcept {
    using vm::Exit;
    switch (exit) {
    case Exit::unreachable:
        return TrapCode::unreachable;
    case Exit::memory_out_of_bounds:
        return TrapCode::memory_out_of_bounds;
    case Exit::table_out_of_bounds:
        return TrapCode::table_out_of_bounds;
    case Exit::undefined_element:
        return TrapCode::undefined_element;
    case Exit::uninitialized_element:
        return TrapCode::uninitialized_element;
    case Exit::indirect_call_type_mismatch:
        return TrapCode::indirect_call_type_mismatch;
    case Exit::integer_divide_by_zero:
        return TrapCode::integer_divide_by_zero;
    case Exit::integer_overflow:
        return TrapCode::integer_overflow;
    case Exit::invalid_conversion_to_integer:
        return TrapCode::invalid_conversion_to_integer;
    case Exit::null_reference:
        return TrapCode::null_reference;
    case Exit::null_function_reference:
        return TrapCode::null_function_reference;
    case Exit::null_structure_reference:
        return TrapCode::null_structure_reference;
    case Exit::null_array_reference:
        return TrapCode::null_array_reference;
    case Exit::null_i31_reference:
        return TrapCode::null_i31_reference;
    case Exit::null_exception_reference:
        return TrapCode::null_exception_reference;
    case Exit::null_descriptor_reference:
        return TrapCode::null_descriptor_reference;
    case Exit::array_out_of_bounds:
        return TrapCode::array_out_of_bounds;
    case Exit::cast_failure:
        return TrapCode::cast_failure;
    case Exit::unaligned_atomic:
        return TrapCode::unaligned_atomic;
    case Exit::expected_shared_memory:
        return TrapCode::expected_shared_memory;
    case Exit::waiting_forbidden:
        return TrapCode::waiting_forbidden;
    case Exit::call_stack_exhausted:
        return TrapCode::call_stack_exhausted;
    case Exit::out_of_fuel:
        return TrapCode::out_of_fuel;
    case Exit::interrupted:
        return TrapCode::interrupted;
    case Exit::uncaught_exception:
        return TrapCode::uncaught_exception;
    case Exit::out_of_memory:
        return TrapCode::out_of_memory;
    case Exit::heap_exhausted:
        return TrapCode::heap_exhausted;
    case Exit::lowering_failed:
        return TrapCode::limit;
    case Exit::unsupported_instruction:
        return TrapCode::unsupported;
    case Exit::none:
    case Exit::done:
    case Exit::host_trap:
        break;
    }
    return TrapCode::host;
}

} // namespace

Trap TrapBuilder::build(vm::Exit exit, vm::Execution& execution, const vm::Record* base,
                        std::optional<Trap> held, Allocator& allocator) noexcept {
    if (exit == vm::Exit::interrupted)
        execution.interrupt.store(false, std::memory_order_relaxed);
    Trap trap = held ? std::move(*held) : Trap{code_of(exit)};
    // Refused by a host function without a frame of code in between.
    if (held && execution.rp == base)
        return trap;
    if (Trap::Details* const details = trap.own_details(allocator)) {
        TrapBuilder builder{*details, execution};
        if (!held)
            details->message.add(text_of(trap.code()));
        builder.walk(base);
        if (!held && exit == vm::Exit::uncaught_exception)
            details->exception = execution.store->exceptions().add(*execution.store, execution.detail);
        if (!held && !details->frames.empty())
            add_numbers(details->message, exit, execution, details->frames[0].offset);
    }
    return trap;
}

void TrapBuilder::walk(const vm::Record* base) noexcept {
    const vm::InstanceData* inst = execution_.inst;
    add_frame(*inst, execution_.ip, false);
    for (const vm::Record* record = execution_.rp; record != base;) {
        --record;
        if (vm::is_bottom_record(*record))
            break;
        if (vm::is_restore_record(*record))
            inst = reinterpret_cast<const vm::InstanceData*>((--record)->ip);
        else
            add_frame(*inst, record->ip, true);
    }
}

void TrapBuilder::add_frame(const vm::InstanceData& inst, const vm::Instr* ip, bool after) noexcept {
    if (details_.frames.size() >= most_frames) {
        ++details_.omitted;
        return;
    }
    // The stubs of host functions, and of functions not lowered yet, are no function's code.
    const vm::ModuleCode::Position position =
        ip != nullptr ? inst.code->locate(ip, after) : vm::ModuleCode::Position{};
    if (position.func == UINT32_MAX)
        return;
    if (!details_.frames.push({Ref<const Module>::share(inst.module), position.func, position.offset}))
        ++details_.omitted;
}

} // namespace warpbeam
