#include "handlers/continuation.hpp"
#include "handlers/run.hpp"
#include "lower/module_code.hpp"
#include "store/host_func.hpp"
#include "store/store_impl.hpp"

#include <warpbeam/vm/observer.hpp>

#include <algorithm>

namespace warpbeam {

Module Observation::module() const noexcept { return *execution_.inst->module; }

bool Observation::is_host() const noexcept { return vm::host_at(execution_.ip) != nullptr; }

uint32_t Observation::func() const noexcept {
    vm::InstanceData& inst = *execution_.inst;
    if (const vm::HostFunc* const host = vm::host_at(execution_.ip)) {
        const std::span funcs{inst.funcs, inst.module->imported_funcs()};
        const auto found = std::ranges::find(funcs, host, &vm::FuncInst::host);
        return found != funcs.end() ? static_cast<uint32_t>(found - funcs.begin()) : UINT32_MAX;
    }
    const vm::Code* const code = inst.code->find(execution_.ip, false);
    return code != nullptr ? code->func : UINT32_MAX;
}

FuncType Observation::type() const noexcept {
    if (const vm::HostFunc* const host = vm::host_at(execution_.ip))
        return *host->signature;
    const uint32_t index = func();
    const Module& module = *execution_.inst->module;
    return index < module.funcs().size() ? module.type_registry().func(module.funcs()[index]) : FuncType{};
}

size_t Observation::offset() const noexcept {
    return event_ == Observed::access
               ? static_cast<size_t>(vm::Decoder<vm::Form::observe>::get<vm::Field::offset>(execution_.ip))
               : Error::no_offset;
}

std::span<const uint8_t> Observation::memory(uint32_t index) const noexcept {
    const vm::InstanceData& inst = *execution_.inst;
    if (index >= inst.memory_count)
        return {};
    vm::MemoryInst& memory = *inst.memories[index];
    (void)memory.refresh();
    return {memory.base, static_cast<size_t>(memory.size)};
}

namespace {
size_t records_of(const vm::StackState& stack) noexcept {
    return static_cast<size_t>(stack.stack_end - stack.rp);
}
} // namespace

const void* Observation::stack() const noexcept {
    return execution_.continuation != nullptr ? static_cast<const void*>(execution_.continuation)
                                              : &execution_;
}

size_t Observation::depth() const noexcept { return records_of(execution_); }

size_t Observation::outer_depth() const noexcept {
    size_t records = 0;
    for (const vm::Continuation* each = execution_.continuation; each != nullptr; each = each->parent)
        records += records_of(vm::waiting_state(execution_, each->parent));
    return records;
}

uint64_t Observation::fuel() const noexcept { return vm::to_units(execution_.fuel); }

} // namespace warpbeam
