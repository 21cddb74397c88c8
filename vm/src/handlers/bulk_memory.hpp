#pragma once

#include "handlers/fuel.hpp"
#include "handlers/general.hpp"
#include "handlers/memory_access.hpp"

/// The size of memories, and operations on many bytes at once.
/// https://webassembly.github.io/spec/core/exec/instructions.html#memory-instructions

namespace warpbeam::vm {

/// -1 in the address type of `limits`.
constexpr Slot failed_growth(const Limits& limits) noexcept { return limits.is_64 ? UINT64_MAX : UINT32_MAX; }

struct MemorySize {
    using In = General<Form::general1>;
    static Exit run(Regs& r) noexcept {
        MemoryInst& memory = *r.inst->memories[In::get<Field::first>(r.ip)];
        if (memory.refresh())
            load_memory(r);
        return In::result(r, memory.size >> memory.type.page_size_log2);
    }
};

struct MemoryGrow {
    using In = General<Form::general1>;
    static Exit run(Regs& r) noexcept {
        MemoryInst& memory = *r.inst->memories[In::get<Field::first>(r.ip)];
        int64_t old = 0;
        if (!grow_for_fuel(memory, In::operands(r)[0], r.inst->execution->fuel, old))
            return Exit::out_of_fuel;
        load_memory(r);
        return In::result(r, old < 0 ? failed_growth(memory.type.limits) : static_cast<Slot>(old));
    }
};

struct MemoryFill {
    using In = General<Form::general1>;
    static Exit run(Regs& r) noexcept {
        const MemoryInst& memory = *r.inst->memories[In::get<Field::first>(r.ip)];
        Slot* const operand = In::operands(r);
        if (!within(operand[0], operand[2], memory.size))
            return out_of_bounds(r, operand[0]);
        return fill_in_portions<In>(r, operand, operand + 2, 1, [&](uint64_t to, uint64_t count) {
            racing_fill(memory.base + to, static_cast<uint8_t>(operand[1]), static_cast<size_t>(count));
        });
    }
};

struct MemoryCopy {
    using In = General<Form::general2>;
    static Exit run(Regs& r) noexcept {
        const MemoryInst& to = *r.inst->memories[In::get<Field::first>(r.ip)];
        const MemoryInst& from = *r.inst->memories[In::get<Field::second>(r.ip)];
        Slot* const operand = In::operands(r);
        const bool fits = within(operand[0], operand[2], to.size);
        if (!fits || !within(operand[1], operand[2], from.size))
            return out_of_bounds(r, fits ? operand[1] : operand[0]);
        return copy_in_portions<In>(r, operand, operand + 1, operand + 2, 1, to.base == from.base,
                                    [&](uint64_t into, uint64_t out_of, uint64_t count) {
                                        racing_copy(to.base + into, from.base + out_of,
                                                    static_cast<size_t>(count));
                                    });
    }
};

struct MemoryInit {
    using In = General<Form::general2>;
    static Exit run(Regs& r) noexcept {
        const std::span<const uint8_t> data = r.inst->datas[In::get<Field::first>(r.ip)].bytes;
        const MemoryInst& memory = *r.inst->memories[In::get<Field::second>(r.ip)];
        Slot* const operand = In::operands(r);
        if (!within(operand[0], operand[2], memory.size) || !within(operand[1], operand[2], data.size()))
            return out_of_bounds(r, operand[0]);
        return copy_in_portions<In>(
            r, operand, operand + 1, operand + 2, 1, false, [&](uint64_t to, uint64_t from, uint64_t count) {
                racing_copy(memory.base + to, data.data() + from, static_cast<size_t>(count));
            });
    }
};

struct DataDrop {
    using In = General<Form::general1>;
    static Exit run(Regs& r) noexcept {
        r.inst->datas[In::get<Field::first>(r.ip)].bytes = {};
        return In::proceed(r);
    }
};
} // namespace warpbeam::vm
