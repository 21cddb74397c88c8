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
    void unaligned_access() noexcept { (void)accessed(row_of(reader_.op())); }

private:
    /// Bulk operations have their operands in consecutive slots: destination, source or value, count.
    [[nodiscard]] Slot operand(size_t i) const noexcept {
        return execution_.fp[vm::Decoder<vm::Form::general0>::get<vm::Field::operands>(execution_.ip) + i];
    }
    /// With `carry`, they start at 2^64 + `start`.
    void place(uint64_t count, uint64_t start, bool carry = false) noexcept {
        text_.print(": %" PRIu64 " %s%s at ", count, unit_, count == 1 ? "" : "s");
        if (carry) {
            // 2^64 is 18 * 10^18 + 446744073709551616.
            constexpr uint64_t power = 1'000'000'000'000'000'000;
            const uint64_t low = start % power + 446'744'073'709'551'616;
            text_.print("%" PRIu64 "%018" PRIu64, 18 + start / power + low / power, low % power);
        } else {
            text_.print("%" PRIu64, start);
        }
    }
    void size_of(const char* container, uint64_t size) noexcept {
        text_.print(", %s has %" PRIu64, container, size);
    }
    void range(uint64_t count, uint64_t start, const char* container, uint64_t size) noexcept {
        place(count, start);
        size_of(container, size);
    }
    /// The bytes of a single access; its immediates come next. Returns the index of the memory.
    uint32_t accessed(const InstrRow& row) noexcept {
        const MemArg arg = reader_.mem_arg();
        // The sum of a 64-bit address and an offset can have 65 bits.
        place(uint64_t{1} << row.access_log2, execution_.detail, execution_.detail < arg.offset);
        return arg.memory;
    }
    /// For a bulk operation that writes to a container with `to` elements.
    void written(const char* container, uint64_t to) noexcept {
        range(operand(2), operand(0), container, to);
    }
    /// For one that copies: the side that does not fit.
    void copied(const char* source, uint64_t from, const char* target, uint64_t to) noexcept {
        if (vm::within(operand(0), operand(2), to))
            range(operand(2), operand(1), source, from);
        else
            written(target, to);
    }
    [[nodiscard]] uint64_t memory_size() noexcept { return inst_.memories[reader_.u32()]->size; }
    [[nodiscard]] uint64_t table_size() noexcept { return inst_.tables[reader_.u32()]->size; }

    Text& text_;
    const vm::Execution& execution_;
    const vm::InstanceData& inst_;
    InstrReader& reader_;
    const char* unit_ = "byte";
};

void Numbers::memory_access() noexcept {
    const Op op = reader_.op();
    const InstrRow& row = row_of(op);
    if (row.imm == Imm::mem_arg || row.imm == Imm::mem_arg_lane) {
        const uint32_t memory = accessed(row);
        return size_of("memory", inst_.memories[memory]->size);
    }
    if (op == Op::memory_fill)
        return written("memory", memory_size());
    const bool init = op == Op::memory_init;
    if (!init && op != Op::memory_copy)
        return;
    const uint64_t first = init ? inst_.datas[reader_.u32()].bytes.size() : memory_size();
    const uint64_t second = memory_size();
    copied(init ? "data segment" : "memory", init ? first : second, "memory", init ? second : first);
}

void Numbers::table_access() noexcept {
    unit_ = "element";
    const Op op = reader_.op();
    if (op == Op::table_get || op == Op::table_set)
        return range(1, execution_.detail, "table", table_size());
    if (op == Op::table_fill)
        return written("table", table_size());
    const bool init = op == Op::table_init;
    if (!init && op != Op::table_copy)
        return;
    const uint64_t first = init ? inst_.elems[reader_.u32()].values.size() : table_size();
    const uint64_t second = table_size();
    copied(init ? "element segment" : "table", init ? first : second, "table", init ? second : first);
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
        numbers.unaligned_access();
        break;
    default:
        break;
    }
}

} // namespace warpbeam
