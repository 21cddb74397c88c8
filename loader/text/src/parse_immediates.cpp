// The immediates of plain instructions, in the forms that the instruction table lists.
// https://webassembly.github.io/spec/core/text/instructions.html

#include "module_parser.hpp"

#include <warpbeam/text/number.hpp>

#include <bit>

namespace warpbeam::text {
namespace {

/// https://webassembly.github.io/spec/core/text/instructions.html#vector-instructions
struct LaneShape {
    std::string_view keyword;
    unsigned lanes;
    unsigned bits;
    bool floating;
};
constexpr LaneShape lane_shapes[] = {
    {"i8x16", 16, 8, false}, {"i16x8", 8, 16, false}, {"i32x4", 4, 32, false},
    {"i64x2", 2, 64, false}, {"f32x4", 4, 32, true},  {"f64x2", 2, 64, true},
};

} // namespace

void ModuleParser::opcode(Op op, Bytes& out) noexcept {
    const auto code = static_cast<uint32_t>(op);
    if (code < 0x100)
        return out.byte(static_cast<uint8_t>(code));
    out.byte(static_cast<uint8_t>(code >> 12));
    out.u32(code & sub_opcode_limit);
}

/// After the keyword. If several instructions share it, the immediates decide between them.
void ModuleParser::plain_instruction(const InstrRow& row, Bytes& out) noexcept {
    switch (row.op) {
    case Op::select:
        if (!at_open("result"))
            return opcode(Op::select, out);
        opcode(Op::select_t, out);
        return select_types(out);
    case Op::ref_test:
        return cast_to(row.op, Op::ref_test_null, out);
    case Op::ref_cast:
        return cast_to(row.op, Op::ref_cast_null, out);
    case Op::ref_cast_desc_eq:
        return cast_to(row.op, Op::ref_cast_desc_eq_null, out);
    default:
        opcode(row.op, out);
        return immediates(row, out);
    }
}

/// The reference type decides between two instructions whose immediate is only the heap type.
void ModuleParser::cast_to(Op non_null, Op nullable, Bytes& out) noexcept {
    const RefType type = ref_type();
    opcode(type.nullable ? nullable : non_null, out);
    text::write(type.heap, out);
}

void ModuleParser::immediates(const InstrRow& row, Bytes& out) noexcept {
    // The table or memory comes first and may be left out.
    const auto segment_of = [&](Space segments, Space of) {
        const bool both = ahead().kind == TokenKind::natural || ahead().kind == TokenKind::id;
        const uint32_t target = both ? index(of) : 0;
        out.u32(index(segments));
        out.u32(target);
    };
    const auto both_or_none = [&](Space of) {
        const bool given = at_index();
        out.u32(given ? index(of) : 0);
        out.u32(given ? index(of) : 0);
    };
    switch (row.imm) {
    case Imm::none:
        return;
    case Imm::label:
        return out.u32(label());
    case Imm::label_table:
        return label_table(out);
    case Imm::func:
        return out.u32(index(Space::func));
    case Imm::type:
        return out.u32(index(Space::type));
    case Imm::type_table: {
        const uint32_t table = index_or_zero(Space::table);
        out.u32(type_use(Params::anonymous));
        return out.u32(table);
    }
    case Imm::type_field: {
        const uint32_t type = index(Space::type);
        out.u32(type);
        return out.u32(index(Space::field, type));
    }
    case Imm::type_count:
        out.u32(index(Space::type));
        return out.u32(natural_u32());
    case Imm::type_type:
        out.u32(index(Space::type));
        return out.u32(index(Space::type));
    case Imm::type_data:
        uses_data_ = true;
        out.u32(index(Space::type));
        return out.u32(index(Space::data));
    case Imm::type_elem:
        out.u32(index(Space::type));
        return out.u32(index(Space::elem));
    case Imm::local:
        return out.u32(index(Space::local, func_.value_or(UINT32_MAX)));
    case Imm::global:
        return out.u32(index(Space::global));
    case Imm::table:
        return out.u32(index_or_zero(Space::table));
    case Imm::table_table:
        return both_or_none(Space::table);
    case Imm::elem:
        return out.u32(index(Space::elem));
    case Imm::elem_table:
        return segment_of(Space::elem, Space::table);
    case Imm::data:
        uses_data_ = true;
        return out.u32(index(Space::data));
    case Imm::data_memory:
        uses_data_ = true;
        return segment_of(Space::data, Space::memory);
    case Imm::memory:
        return out.u32(index_or_zero(Space::memory));
    case Imm::memory_memory:
        return both_or_none(Space::memory);
    case Imm::tag:
        return out.u32(index(Space::tag));
    case Imm::type_tag:
        out.u32(index(Space::type));
        return out.u32(index(Space::tag));
    case Imm::type_handlers:
        out.u32(index(Space::type));
        return handler_clauses(out);
    case Imm::type_tag_handlers:
        out.u32(index(Space::type));
        out.u32(index(Space::tag));
        return handler_clauses(out);
    case Imm::mem_arg:
        return memory_argument(row, out);
    case Imm::mem_arg_lane:
        memory_argument(row, out);
        return lane(out);
    case Imm::lane:
        return lane(out);
    case Imm::lanes:
        for (int i = 0; i < 16; ++i)
            lane(out);
        return;
    case Imm::i32:
        return number(out, 32, false, true);
    case Imm::i64:
        return number(out, 64, false, true);
    case Imm::f32:
        return number(out, 32, true, false);
    case Imm::f64:
        return number(out, 64, true, false);
    case Imm::v128:
        return vector_constant(out);
    case Imm::heap_type:
        return text::write(heap_type(), out);
    case Imm::cast:
        return cast(out);
    case Imm::fence:
        return out.byte(0);
    case Imm::block:
    case Imm::select_types:
    case Imm::try_table:
        return; // not plain
    }
}

void ModuleParser::label_table(Bytes& out) noexcept {
    // The last label is the default; the number of the others precedes them.
    uint32_t count = 0;
    scratch_.clear();
    uint32_t last = label();
    for (; at_index(); ++count) {
        scratch_.u32(last);
        last = label();
    }
    out.u32(count);
    out.raw(scratch_);
    out.u32(last);
}

/// https://webassembly.github.io/spec/core/text/instructions.html#memory-instructions
void ModuleParser::memory_argument(const InstrRow& row, Bytes& out) noexcept {
    // A number may also be the lane that follows.
    const std::string_view next = text(ahead());
    const bool number_is_memory = row.imm == Imm::mem_arg || ahead().kind == TokenKind::natural ||
                                  next.starts_with("offset=") || next.starts_with("align=");
    uint32_t memory = 0;
    if (at(TokenKind::id) || (at(TokenKind::natural) && number_is_memory))
        memory = index(Space::memory);
    uint64_t offset = 0;
    if (at(TokenKind::keyword) && text().starts_with("offset="))
        offset = assignment("offset=");
    unsigned alignment = row.access_log2;
    if (at(TokenKind::keyword) && text().starts_with("align=")) {
        const size_t place = token().begin;
        const uint64_t bytes = assignment("align=");
        if (!std::has_single_bit(bytes) && !failed())
            fail_at(place, "alignment must be a power of two");
        alignment = static_cast<unsigned>(std::countr_zero(bytes | uint64_t{1} << 63));
    }
    out.u32(alignment | (memory != 0 ? mem_arg_flag::memory : 0));
    if (memory != 0)
        out.u32(memory);
    out.u64(offset);
}

/// The number after `prefix` in a keyword.
uint64_t ModuleParser::assignment(std::string_view prefix) noexcept {
    const std::string_view digits = text().substr(prefix.size());
    if (classify_number(digits) != NumberKind::natural) {
        unexpected();
        return 0;
    }
    const std::optional<uint64_t> value = parse_unsigned(digits, 64);
    if (!value)
        fail("constant out of range");
    advance();
    return value.value_or(0);
}

void ModuleParser::lane(Bytes& out) noexcept {
    if (!at(TokenKind::natural))
        return unexpected("a lane index");
    const std::optional<uint64_t> value = parse_unsigned(text(), 8);
    if (!value)
        return fail("malformed lane index");
    out.byte(static_cast<uint8_t>(*value));
    advance();
}

void ModuleParser::select_types(Bytes& out) noexcept {
    uint32_t count = 0;
    scratch_.clear();
    while (accept_open("result"))
        list(false, [&] {
            value_type(scratch_);
            ++count;
        });
    out.u32(count);
    out.raw(scratch_);
}

void ModuleParser::cast(Bytes& out) noexcept {
    const uint32_t target = label();
    const RefType from = ref_type();
    const RefType to = ref_type();
    out.byte(static_cast<uint8_t>((from.nullable ? cast_flag::nullable_source : 0) |
                                  (to.nullable ? cast_flag::nullable_target : 0)));
    out.u32(target);
    text::write(from.heap, out);
    text::write(to.heap, out);
}

/// https://github.com/WebAssembly/stack-switching
void ModuleParser::handler_clauses(Bytes& out) noexcept {
    uint32_t count = 0;
    scratch_.clear();
    for (; accept_open("on"); ++count) {
        const uint32_t tag = index(Space::tag);
        const bool is_switch = accept_keyword(row_of(Op::switch_).text());
        scratch_.byte(static_cast<uint8_t>(is_switch ? HandlerKind::switch_ : HandlerKind::label));
        scratch_.u32(tag);
        if (!is_switch)
            scratch_.u32(label());
        expect_close();
    }
    out.u32(count);
    out.raw(scratch_);
}

/// A number of `bits` bits, as signed LEB128 or as bytes.
void ModuleParser::number(Bytes& out, unsigned bits, bool floating, bool leb) noexcept {
    const bool integer = at(TokenKind::natural) || at(TokenKind::integer);
    if (!integer && !(floating && at(TokenKind::floating)))
        return unexpected(floating ? "a number" : "an integer");
    const std::optional<uint64_t> value = !floating    ? parse_integer(text(), bits)
                                          : bits == 32 ? std::optional<uint64_t>{parse_f32(text())}
                                                       : parse_f64(text());
    if (!value)
        return fail("constant out of range");
    if (leb)
        out.s64(bits == 32 ? static_cast<int32_t>(*value) : static_cast<int64_t>(*value));
    else
        out.fixed(*value, bits / 8);
    advance();
}

void ModuleParser::vector_constant(Bytes& out) noexcept {
    for (const LaneShape& shape : lane_shapes)
        if (accept_keyword(shape.keyword)) {
            for (unsigned i = 0; i < shape.lanes; ++i)
                number(out, shape.bits, shape.floating, false);
            return;
        }
    unexpected("a vector shape");
}

} // namespace warpbeam::text
