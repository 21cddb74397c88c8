// The immediates of instructions, in the forms that the instruction table lists.

#include "keywords.hpp"
#include "print/module_printer.hpp"

namespace warpbeam::text {

void ModulePrinter::immediates(const InstrRow& row, BinaryReader& in) noexcept {
    const auto index = [&](Space of) {
        space();
        reference_in(in, of);
    };
    // The text format swaps these two indices, and writes the second only if it is not 0.
    const auto segment_of = [&](Space segments, Space of) {
        const uint32_t segment = in.u32();
        optional_reference(of, in.u32());
        space();
        reference(segments, segment);
    };
    const auto both_or_none = [&](Space of) {
        const uint32_t to = in.u32();
        const uint32_t from = in.u32();
        if (to == 0 && from == 0)
            return;
        space();
        reference(of, to);
        space();
        reference(of, from);
    };
    switch (row.imm) {
    case Imm::none:
        return;
    case Imm::block:
    case Imm::try_table:
        return begin_block(row.op, in);
    case Imm::label:
        return label(in.u32());
    case Imm::label_table:
        for (uint32_t count = in.count(); count > 0; --count)
            label(in.u32());
        return label(in.u32());
    case Imm::func:
        return index(Space::func);
    case Imm::type:
        return index(Space::type);
    case Imm::type_table: {
        const uint32_t type = in.u32();
        optional_reference(Space::table, in.u32());
        return type_use(type, std::nullopt);
    }
    case Imm::type_field: {
        const uint32_t type = in.u32();
        space();
        reference(Space::type, type);
        space();
        return reference(Space::field, in.u32(), type);
    }
    case Imm::type_count:
        index(Space::type);
        space().natural(in.u32());
        return;
    case Imm::type_type:
        index(Space::type);
        return index(Space::type);
    case Imm::type_data:
        index(Space::type);
        return index(Space::data);
    case Imm::type_elem:
        index(Space::type);
        return index(Space::elem);
    case Imm::local:
        space();
        return reference(Space::local, in.u32(), func_.value_or(UINT32_MAX));
    case Imm::global:
        return index(Space::global);
    case Imm::table:
        return optional_reference(Space::table, in.u32());
    case Imm::table_table:
        return both_or_none(Space::table);
    case Imm::elem:
        return index(Space::elem);
    case Imm::elem_table:
        return segment_of(Space::elem, Space::table);
    case Imm::data:
        return index(Space::data);
    case Imm::data_memory:
        return segment_of(Space::data, Space::memory);
    case Imm::memory:
        return optional_reference(Space::memory, in.u32());
    case Imm::memory_memory:
        return both_or_none(Space::memory);
    case Imm::tag:
        return index(Space::tag);
    case Imm::type_tag:
        index(Space::type);
        return index(Space::tag);
    case Imm::type_handlers:
        index(Space::type);
        return handler_clauses(in);
    case Imm::type_tag_handlers:
        index(Space::type);
        index(Space::tag);
        return handler_clauses(in);
    case Imm::mem_arg:
        return memory_argument(row, in);
    case Imm::mem_arg_lane:
        memory_argument(row, in);
        [[fallthrough]];
    case Imm::lane:
        space().natural(in.byte());
        return;
    case Imm::lanes:
        for (int i = 0; i < 16; ++i) {
            space().natural(in.byte());
        }
        return;
    case Imm::i32:
        space().integer(in.s32());
        return;
    case Imm::i64:
        space().integer(in.s64());
        return;
    case Imm::f32:
        space().f32(static_cast<uint32_t>(in.fixed(4)));
        return;
    case Imm::f64:
        space().f64(in.fixed(8));
        return;
    case Imm::v128:
        out_.add(" i32x4");
        for (int i = 0; i < 4; ++i) {
            space().hexadecimal(in.fixed(4), 8);
        }
        return;
    case Imm::heap_type:
        space();
        // For the others the text has a reference type; its nullability is part of the instruction.
        if (row.op == Op::ref_null)
            return type_text_.heap(heap_type(in));
        return type_text_.value(ValType::reference(heap_type(in), find_keyword(row.text())->op != row.op));
    case Imm::select_types:
        out_.add(" (result");
        for (uint32_t count = in.count(); count > 0; --count) {
            space();
            type_text_.value(val_type(in));
        }
        out_.add(")");
        return;
    case Imm::cast: {
        const uint8_t flags = in.byte();
        if (flags > cast_flag::all)
            in.fail("malformed cast flags");
        label(in.u32());
        for (const uint8_t nullable : {cast_flag::nullable_source, cast_flag::nullable_target}) {
            space();
            type_text_.value(ValType::reference(heap_type(in), (flags & nullable) != 0));
        }
        return;
    }
    case Imm::fence:
        if (in.byte() != 0)
            in.fail("zero byte expected");
        return;
    }
}

void ModulePrinter::memory_argument(const InstrRow& row, BinaryReader& in) noexcept {
    const MemArg arg = in.mem_arg();
    if (arg.align >= mem_arg_flag::limit)
        return in.fail("malformed memop flags");
    if (arg.has_memory)
        optional_reference(Space::memory, arg.memory);
    if (arg.offset != 0)
        out_.add(" offset=").natural(arg.offset);
    if (arg.align != row.access_log2)
        out_.add(" align=").natural(uint64_t{1} << arg.align);
}

} // namespace warpbeam::text
