#include "snapshot/call_site.hpp"

#include <warpbeam/loader/instr_reader.hpp>

namespace warpbeam::vm {

std::optional<CallSite> call_site_at(const InstanceData& inst, uint32_t func, uint32_t offset) noexcept {
    const Module& module = *inst.module;
    const TypeRegistry& types = *inst.registry;
    InstrReader reader{module, module.bodies()[func - module.imported_funcs()].code.subspan(offset)};
    const auto results_of = [&](TypeId type) { return types.func(type).results; };
    switch (reader.op()) {
    case Op::call:
        return CallSite{StackTop::host, results_of(module.funcs()[reader.u32()])};
    case Op::call_indirect:
    case Op::call_ref:
        return CallSite{StackTop::host, results_of(module.types()[reader.u32()])};
    case Op::resume:
    case Op::resume_throw:
    case Op::resume_throw_ref:
        return CallSite{StackTop::resuming, results_of(types[module.types()[reader.u32()]].cont)};
    case Op::suspend:
        return CallSite{StackTop::suspended, results_of(module.tags()[reader.u32()].type)};
    case Op::switch_: {
        // The last parameter is the continuation that is left here; its arguments are what comes back.
        const FuncType& target = types.func(types[module.types()[reader.u32()]].cont);
        return CallSite{StackTop::suspended, types.func(types[target.params.back().heap().id()].cont).params};
    }
    default:
        return std::nullopt;
    }
}

std::optional<std::span<const ValType>> types_in(std::span<const ValType> types, size_t slots) noexcept {
    size_t count = 0;
    size_t taken = 0;
    while (count < types.size() && taken < slots)
        taken += slots_of(types[count++]);
    return taken == slots ? std::optional{types.first(count)} : std::nullopt;
}

} // namespace warpbeam::vm
