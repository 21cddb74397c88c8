#include "isa/decoder.hpp"
#include "trap/trap_builder.hpp"

#include <warpbeam/loader/instr_reader.hpp>

#include <cinttypes>

namespace warpbeam {
namespace {

using vm::Slot;

class Numbers {
public:
    Numbers(Text& text, const vm::Execution& execution, InstrReader& reader) noexcept
        : text_{text}, execution_{execution}, inst_{*execution.inst}, reader_{reader} {}

    void memory_access() noexcept;
    void table_access() noexcept;
    void called_element() noexcept;

private:
    /// Bulk operations have their operands in consecutive slots: destination, source or value, count.
    [[nodiscard]] Slot operand(size_t i) const noexcept {
        return execution_.fp[vm::Decoder<vm::Form::general0>::get<vm::Field::operands>(execution_.ip) + i];
    }
    void range(uint64_t count, const char* what, uint64_t start, const char* container,
               uint64_t size) noexcept {
        text_.print(": %" PRIu64 " %s%s at %" PRIu64 ", %s has %" PRIu64, count, what, count == 1 ? "" : "s",
                    start, container, size);
    }
    void bytes(uint64_t count, uint64_t start, const char* container, uint64_t size) noexcept {
        range(count, "byte", start, container, size);
    }
    void elements(uint64_t count, uint64_t start, const char* container, uint64_t size) noexcept {
        range(count, "element", start, container, size);
    }
    [[nodiscard]] static bool within(uint64_t start, uint64_t count, uint64_t size) noexcept {
        return start <= size && count <= size - start;
    }

    Text& text_;
    const vm::Execution& execution_;
    const vm::InstanceData& inst_;
    InstrReader& reader_;
};

void Numbers::memory_access() noexcept {
    const Op op = reader_.op();
    const auto memory_size = [&](uint32_t index) { return inst_.memories[index]->size; };
    switch (op) {
    case Op::memory_fill:
        bytes(operand(2), operand(0), "memory", memory_size(reader_.u32()));
        return;
    case Op::memory_copy: {
        const uint64_t to = memory_size(reader_.u32());
        const uint64_t from = memory_size(reader_.u32());
        if (within(operand(0), operand(2), to))
            bytes(operand(2), operand(1), "memory", from);
        else
            bytes(operand(2), operand(0), "memory", to);
        return;
    }
    case Op::memory_init: {
        const uint64_t from = inst_.datas[reader_.u32()].bytes.size();
        const uint64_t to = memory_size(reader_.u32());
        if (within(operand(0), operand(2), to))
            bytes(operand(2), operand(1), "data segment", from);
        else
            bytes(operand(2), operand(0), "memory", to);
        return;
    }
    default:
        break;
    }
    const InstrRow& row = row_of(op);
    if (row.imm == Imm::mem_arg || row.imm == Imm::mem_arg_lane)
        bytes(uint64_t{1} << row.access_log2, execution_.detail, "memory",
              memory_size(reader_.mem_arg().memory));
}

void Numbers::table_access() noexcept {
    const auto table_size = [&](uint32_t index) { return inst_.tables[index]->size; };
    switch (reader_.op()) {
    case Op::table_get:
    case Op::table_set:
        elements(1, execution_.detail, "table", table_size(reader_.u32()));
        return;
    case Op::table_fill:
        elements(operand(2), operand(0), "table", table_size(reader_.u32()));
        return;
    case Op::table_copy: {
        const uint64_t to = table_size(reader_.u32());
        const uint64_t from = table_size(reader_.u32());
        if (within(operand(0), operand(2), to))
            elements(operand(2), operand(1), "table", from);
        else
            elements(operand(2), operand(0), "table", to);
        return;
    }
    case Op::table_init: {
        const uint64_t from = inst_.elems[reader_.u32()].values.size();
        const uint64_t to = table_size(reader_.u32());
        if (within(operand(0), operand(2), to))
            elements(operand(2), operand(1), "element segment", from);
        else
            elements(operand(2), operand(0), "table", to);
        return;
    }
    default:
        return;
    }
}

void Numbers::called_element() noexcept {
    const Op op = reader_.op();
    if (op != Op::call_indirect && op != Op::return_call_indirect)
        return;
    (void)reader_.u32();
    text_.print(" %" PRIu64 ", table has %" PRIu64, execution_.detail, inst_.tables[reader_.u32()]->size);
}

} // namespace

void add_numbers(Text& text, vm::Exit exit, const vm::Execution& execution, size_t offset) noexcept {
    const Module& module = *execution.inst->module;
    if (offset >= module.bytes().size())
        return;
    InstrReader reader{module, module.bytes().subspan(offset)};
    Numbers numbers{text, execution, reader};
    switch (exit) {
    case vm::Exit::memory_out_of_bounds:
        numbers.memory_access();
        break;
    case vm::Exit::table_out_of_bounds:
        numbers.table_access();
        break;
    case vm::Exit::undefined_element:
    case vm::Exit::uninitialized_element:
        numbers.called_element();
        break;
    case vm::Exit::unaligned_atomic:
        text.print(": %u bytes at %" PRIu64, 1u << row_of(reader.op()).access_log2, execution.detail);
        break;
    default:
        break;
    }
}

} // namespace warpbeam
