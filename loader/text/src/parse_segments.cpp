// Element and data segments, https://webassembly.github.io/spec/core/text/modules.html#element-segments

#include "module_parser.hpp"

namespace warpbeam::text {

void ModuleParser::elem_field() noexcept {
    begin_definition(Space::elem);
    Elements elements;
    list_.clear();
    offset_.clear();
    if (accept_keyword("declare")) {
        elements.mode = SegmentMode::declarative;
    } else if (accept_open("table")) {
        elements.mode = SegmentMode::active;
        elements.table = index(Space::table);
        expect_close();
        offset_expression();
    } else if (at_old_index() || (at(TokenKind::lpar) && !at_open("ref"))) {
        if (at_old_index())
            elements.table = index(Space::table);
        elements.mode = SegmentMode::active;
        offset_expression();
        if (at_index() || at(TokenKind::rpar)) {
            element_indices(elements);
            return write_elements(elements);
        }
    }
    if (accept_keyword("func")) {
        element_indices(elements);
    } else {
        elements.type = ref_type();
        element_expressions(elements);
    }
    write_elements(elements);
}

/// Whether a table or memory is given by its bare index, as in WebAssembly 1.0.
bool ModuleParser::at_old_index() const noexcept {
    return at(TokenKind::natural) && ahead().kind == TokenKind::lpar;
}

void ModuleParser::element_indices(Elements& elements) noexcept {
    elements.indices = true;
    for (; at_index(); ++elements.count)
        list_.u32(index(Space::func));
}

void ModuleParser::element_expressions(Elements& elements) noexcept {
    elements.indices = false;
    for (; at(TokenKind::lpar); ++elements.count) {
        if (accept_open("item")) {
            constant_expression(list_);
            expect_close();
        } else {
            out_ = &list_;
            instructions(true);
            opcode(Op::end, list_);
        }
    }
}

/// Written from `offset_` and `list_`, in the shortest of the eight forms.
/// https://webassembly.github.io/spec/core/binary/modules.html#element-section
void ModuleParser::write_elements(const Elements& elements) noexcept {
    const bool active = elements.mode == SegmentMode::active;
    const bool implied = active && elements.table == 0 && (elements.indices || elements.type.is_funcref());
    unsigned flags = elements.indices ? 0 : 4;
    if (!active)
        flags |= elements.mode == SegmentMode::passive ? 1 : 3;
    else if (!implied)
        flags |= 2;
    Bytes& out = add(elements_, SectionId::elem);
    out.byte(static_cast<uint8_t>(flags));
    if (active && !implied)
        out.u32(elements.table);
    if (active)
        out.raw(offset_);
    if (!implied && elements.indices)
        out.byte(0); // the only kind: functions
    else if (!implied)
        elements.type.write(out);
    out.u32(elements.count);
    out.raw(list_);
}

/// `(table reftype (elem ...))`: a table as large as the segment that fills it.
void ModuleParser::table_elements(uint32_t table, bool is_64) noexcept {
    Elements elements;
    elements.mode = SegmentMode::active;
    elements.table = table;
    elements.type = ref_type();
    ++read_[static_cast<size_t>(Space::elem)];
    list_.clear();
    if (!accept_open("elem"))
        return unexpected("(elem");
    if (at(TokenKind::lpar)) {
        element_expressions(elements);
    } else if (elements.type.is_funcref()) {
        element_indices(elements);
    } else {
        elements.indices = false;
        for (; at_index(); ++elements.count) {
            opcode(Op::ref_func, list_);
            list_.u32(index(Space::func));
            opcode(Op::end, list_);
        }
    }
    expect_close();

    offset_.clear();
    opcode(is_64 ? Op::i64_const : Op::i32_const, offset_);
    offset_.s64(0);
    opcode(Op::end, offset_);
    write_elements(elements);

    Bytes& type = add(tables_, SectionId::table);
    elements.type.write(type);
    type.byte(is_64 ? 5 : 1);
    type.u32(elements.count);
    type.u32(elements.count);
}

void ModuleParser::data_field() noexcept {
    begin_definition(Space::data);
    bool active = false;
    uint32_t memory = 0;
    if (accept_open("memory")) {
        memory = index(Space::memory);
        expect_close();
        active = true;
    } else if (at_old_index()) {
        memory = index(Space::memory);
    }
    active = active || at(TokenKind::lpar);
    offset_.clear();
    if (active)
        offset_expression();
    Bytes& out = add(data_, SectionId::data);
    out.byte(!active ? 1 : memory == 0 ? 0 : 2);
    if (memory != 0)
        out.u32(memory);
    out.raw(offset_);
    scratch_.clear();
    append_strings(*this, scratch_);
    out.sized(scratch_.view());
}

/// `(offset instr*)`, or one folded instruction.
void ModuleParser::offset_expression() noexcept {
    if (accept_open("offset")) {
        constant_expression(offset_);
        return expect_close();
    }
    if (!at(TokenKind::lpar))
        return unexpected("an offset");
    out_ = &offset_;
    instructions(true);
    opcode(Op::end, offset_);
}

} // namespace warpbeam::text
