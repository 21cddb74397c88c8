#include "handlers/families.hpp"
#include "handlers/memory_access.hpp"
#include "handlers/slow_form.hpp"

#include <algorithm>

/// Tables, bulk memory operations, growth.

namespace warpbeam::vm {

namespace {

using slow_form::next;
using slow_form::result;
using slow_form::within;

/// -1 in the address type of `limits`.
constexpr Slot failed_growth(const Limits& limits) noexcept { return limits.is_64 ? UINT64_MAX : UINT32_MAX; }

struct MemorySize {
    static Exit run(Regs& r) noexcept {
        MemoryInst& memory = *r.inst->memories[r.ip->word(0)];
        if (memory.refresh())
            load_memory(r);
        return result(r, memory.size >> memory.type.page_size_log2, 1);
    }
};

struct MemoryGrow {
    static Exit run(Regs& r) noexcept {
        MemoryInst& memory = *r.inst->memories[r.ip->word(0)];
        const int64_t old = grow(memory, r.fp[r.ip->a]);
        load_memory(r);
        return result(r, old < 0 ? failed_growth(memory.type.limits) : static_cast<Slot>(old), 1);
    }
};

struct MemoryFill {
    static Exit run(Regs& r) noexcept {
        const MemoryInst& memory = *r.inst->memories[r.ip->word(0)];
        const Slot* const operand = r.fp + r.ip->a;
        if (!within(operand[0], operand[2], memory.size))
            return out_of_bounds(r, operand[0]);
        racing_fill(memory.base + operand[0], static_cast<uint8_t>(operand[1]), operand[2]);
        return next(r, 1);
    }
};

struct MemoryCopy {
    static Exit run(Regs& r) noexcept {
        const MemoryInst& to = *r.inst->memories[r.ip->word(0)];
        const MemoryInst& from = *r.inst->memories[r.ip->word(1)];
        const Slot* const operand = r.fp + r.ip->a;
        const bool fits = within(operand[0], operand[2], to.size);
        if (!fits || !within(operand[1], operand[2], from.size))
            return out_of_bounds(r, fits ? operand[1] : operand[0]);
        racing_copy(to.base + operand[0], from.base + operand[1], operand[2]);
        return next(r, 2);
    }
};

struct MemoryInit {
    static Exit run(Regs& r) noexcept {
        const std::span<const uint8_t> data = r.inst->datas[r.ip->word(0)].bytes;
        const MemoryInst& memory = *r.inst->memories[r.ip->word(1)];
        const Slot* const operand = r.fp + r.ip->a;
        if (!within(operand[0], operand[2], memory.size) || !within(operand[1], operand[2], data.size()))
            return out_of_bounds(r, operand[0]);
        racing_copy(memory.base + operand[0], data.data() + operand[1], operand[2]);
        return next(r, 2);
    }
};

struct DataDrop {
    static Exit run(Regs& r) noexcept {
        r.inst->datas[r.ip->word(0)].bytes = {};
        return next(r, 1);
    }
};

struct TableGet {
    static Exit run(Regs& r) noexcept {
        const TableInst& table = *r.inst->tables[r.ip->word(0)];
        const uint64_t index = r.fp[r.ip->a];
        if (index >= table.size) {
            r.acc = index;
            return Exit::table_out_of_bounds;
        }
        return result(r, table.elements[index], 1);
    }
};

struct TableSet {
    static Exit run(Regs& r) noexcept {
        const TableInst& table = *r.inst->tables[r.ip->word(0)];
        const Slot* const operand = r.fp + r.ip->a;
        if (operand[0] >= table.size) {
            r.acc = operand[0];
            return Exit::table_out_of_bounds;
        }
        table.elements[operand[0]] = operand[1];
        return next(r, 1);
    }
};

struct TableSize {
    static Exit run(Regs& r) noexcept { return result(r, r.inst->tables[r.ip->word(0)]->size, 1); }
};

struct TableGrow {
    static Exit run(Regs& r) noexcept {
        TableInst& table = *r.inst->tables[r.ip->word(0)];
        const Slot* const operand = r.fp + r.ip->a;
        const int64_t old = grow(table, operand[1], operand[0]);
        return result(r, old < 0 ? failed_growth(table.type.limits) : static_cast<Slot>(old), 1);
    }
};

struct TableFill {
    static Exit run(Regs& r) noexcept {
        const TableInst& table = *r.inst->tables[r.ip->word(0)];
        const Slot* const operand = r.fp + r.ip->a;
        if (!within(operand[0], operand[2], table.size)) {
            r.acc = operand[0];
            return Exit::table_out_of_bounds;
        }
        std::fill_n(table.elements + operand[0], operand[2], operand[1]);
        return next(r, 1);
    }
};

struct TableCopy {
    static Exit run(Regs& r) noexcept {
        const TableInst& to = *r.inst->tables[r.ip->word(0)];
        const TableInst& from = *r.inst->tables[r.ip->word(1)];
        const Slot* const operand = r.fp + r.ip->a;
        if (!within(operand[0], operand[2], to.size) || !within(operand[1], operand[2], from.size)) {
            r.acc = operand[0];
            return Exit::table_out_of_bounds;
        }
        if (operand[2] != 0)
            std::memmove(to.elements + operand[0], from.elements + operand[1], operand[2] * sizeof(Slot));
        return next(r, 2);
    }
};

struct TableInit {
    static Exit run(Regs& r) noexcept {
        const std::span<const Slot> values = r.inst->elems[r.ip->word(0)].values;
        const TableInst& table = *r.inst->tables[r.ip->word(1)];
        const Slot* const operand = r.fp + r.ip->a;
        if (!within(operand[0], operand[2], table.size) || !within(operand[1], operand[2], values.size())) {
            r.acc = operand[0];
            return Exit::table_out_of_bounds;
        }
        if (operand[2] != 0)
            std::memcpy(table.elements + operand[0], values.data() + operand[1], operand[2] * sizeof(Slot));
        return next(r, 2);
    }
};

struct ElemDrop {
    static Exit run(Regs& r) noexcept {
        r.inst->elems[r.ip->word(0)].values = {};
        return next(r, 1);
    }
};

struct RefFunc {
    static Exit run(Regs& r) noexcept {
        return result(r, reinterpret_cast<Slot>(r.inst->funcs[r.ip->word(0)]), 1);
    }
};

struct RefAsNonNull {
    static Exit run(Regs& r) noexcept {
        const Slot value = r.fp[r.ip->a];
        return value == 0 ? Exit::null_reference : result(r, value, 0);
    }
};

} // namespace

Handler slow(Op op) noexcept {
    switch (op) {
    case Op::memory_size:
        return &handler<MemorySize>;
    case Op::memory_grow:
        return &handler<MemoryGrow>;
    case Op::memory_fill:
        return &handler<MemoryFill>;
    case Op::memory_copy:
        return &handler<MemoryCopy>;
    case Op::memory_init:
        return &handler<MemoryInit>;
    case Op::data_drop:
        return &handler<DataDrop>;
    case Op::table_get:
        return &handler<TableGet>;
    case Op::table_set:
        return &handler<TableSet>;
    case Op::table_size:
        return &handler<TableSize>;
    case Op::table_grow:
        return &handler<TableGrow>;
    case Op::table_fill:
        return &handler<TableFill>;
    case Op::table_copy:
        return &handler<TableCopy>;
    case Op::table_init:
        return &handler<TableInit>;
    case Op::elem_drop:
        return &handler<ElemDrop>;
    case Op::ref_func:
        return &handler<RefFunc>;
    case Op::ref_as_non_null:
        return &handler<RefAsNonNull>;
    default:
        break;
    }
    const Handler atomic = wait_or_notify(op);
    return atomic != nullptr ? atomic : slow_gc(op);
}

} // namespace warpbeam::vm
