#pragma once

#include "handlers/fuel.hpp"
#include "handlers/general.hpp"

#include <algorithm>

/// Tables and references.
/// https://webassembly.github.io/spec/core/exec/instructions.html#table-instructions

namespace warpbeam::vm {

struct TableGet {
    using In = General<Form::general1>;
    static Exit run(Regs& r) noexcept {
        const TableInst& table = *r.inst->tables[In::get<Field::first>(r.ip)];
        const uint64_t index = In::operands(r)[0];
        if (index >= table.size) {
            r.acc = index;
            return Exit::table_out_of_bounds;
        }
        return In::result(r, table.elements[index]);
    }
};

struct TableSet {
    using In = General<Form::general1>;
    static Exit run(Regs& r) noexcept {
        const TableInst& table = *r.inst->tables[In::get<Field::first>(r.ip)];
        const Slot* const operand = In::operands(r);
        if (operand[0] >= table.size) {
            r.acc = operand[0];
            return Exit::table_out_of_bounds;
        }
        table.elements[operand[0]] = operand[1];
        return In::proceed(r);
    }
};

struct TableSize {
    using In = General<Form::general1>;
    static Exit run(Regs& r) noexcept {
        return In::result(r, r.inst->tables[In::get<Field::first>(r.ip)]->size);
    }
};

struct TableGrow {
    using In = General<Form::general1>;
    static Exit run(Regs& r) noexcept {
        TableInst& table = *r.inst->tables[In::get<Field::first>(r.ip)];
        const Slot* const operand = In::operands(r);
        const Limits& limits = table.type.limits;
        int64_t& fuel = r.inst->execution->fuel;
        const int64_t before = fuel;
        // What the type forbids is refused without fuel.
        if (operand[1] <= (limits.has_max ? limits.max : UINT32_MAX) - table.size &&
            !charge(fuel, operand[1] * sizeof(Slot)))
            return Exit::out_of_fuel;
        const int64_t old = grow(table, operand[1], operand[0]);
        if (old < 0) {
            fuel = before;
            return In::result(r, failed_growth(limits));
        }
        return In::result(r, static_cast<Slot>(old));
    }
};

struct TableFill {
    using In = General<Form::general1>;
    static Exit run(Regs& r) noexcept {
        const TableInst& table = *r.inst->tables[In::get<Field::first>(r.ip)];
        Slot* const operand = In::operands(r);
        if (!within(operand[0], operand[2], table.size)) {
            r.acc = operand[0];
            return Exit::table_out_of_bounds;
        }
        return fill_in_portions<In>(r, operand, operand + 2, sizeof(Slot), [&](uint64_t to, uint64_t count) {
            std::fill_n(table.elements + to, count, operand[1]);
        });
    }
};

struct TableCopy {
    using In = General<Form::general2>;
    static Exit run(Regs& r) noexcept {
        const TableInst& to = *r.inst->tables[In::get<Field::first>(r.ip)];
        const TableInst& from = *r.inst->tables[In::get<Field::second>(r.ip)];
        Slot* const operand = In::operands(r);
        if (!within(operand[0], operand[2], to.size) || !within(operand[1], operand[2], from.size)) {
            r.acc = operand[0];
            return Exit::table_out_of_bounds;
        }
        return copy_in_portions<In>(r, operand, operand + 1, operand + 2, sizeof(Slot), &to == &from,
                                    [&](uint64_t into, uint64_t out_of, uint64_t count) {
                                        std::memmove(to.elements + into, from.elements + out_of,
                                                     static_cast<size_t>(count) * sizeof(Slot));
                                    });
    }
};

struct TableInit {
    using In = General<Form::general2>;
    static Exit run(Regs& r) noexcept {
        const std::span<const Slot> values = r.inst->elems[In::get<Field::first>(r.ip)].values;
        const TableInst& table = *r.inst->tables[In::get<Field::second>(r.ip)];
        Slot* const operand = In::operands(r);
        if (!within(operand[0], operand[2], table.size) || !within(operand[1], operand[2], values.size())) {
            r.acc = operand[0];
            return Exit::table_out_of_bounds;
        }
        return copy_in_portions<In>(r, operand, operand + 1, operand + 2, sizeof(Slot), false,
                                    [&](uint64_t to, uint64_t from, uint64_t count) {
                                        std::memcpy(table.elements + to, values.data() + from,
                                                    static_cast<size_t>(count) * sizeof(Slot));
                                    });
    }
};

struct ElemDrop {
    using In = General<Form::general1>;
    static Exit run(Regs& r) noexcept {
        r.inst->elems[In::get<Field::first>(r.ip)].values = {};
        return In::proceed(r);
    }
};

struct RefFunc {
    using In = General<Form::general1>;
    static Exit run(Regs& r) noexcept {
        return In::result(r, reinterpret_cast<Slot>(r.inst->funcs[In::get<Field::first>(r.ip)]));
    }
};

struct RefAsNonNull {
    using In = General<Form::general0>;
    static Exit run(Regs& r) noexcept {
        const Slot value = In::operands(r)[0];
        return value == 0 ? Exit::null_reference : In::result(r, value);
    }
};

} // namespace warpbeam::vm
