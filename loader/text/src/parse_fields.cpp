// The fields of a module other than types and segments,
// https://webassembly.github.io/spec/core/text/modules.html

#include "module_parser.hpp"

#include <warpbeam/text/number.hpp>

#include <algorithm>

namespace warpbeam::text {
namespace {

constexpr uint8_t code_of(ExternKind kind) noexcept { return static_cast<uint8_t>(kind); }
constexpr ExternKind kind_of(const ExternRow& row) noexcept {
    return static_cast<ExternKind>(&row - extern_rows);
}

} // namespace

void ModuleParser::fields() noexcept {
    for (bool first = true;; first = false) {
        field_annotations(first);
        if (!at(TokenKind::lpar))
            return;
        field();
    }
}

void ModuleParser::field() noexcept {
    field_begin_ = token().begin;
    if (at_open("type") || at_open("rec")) {
        advance();
        lenient = true;
        skip_to_close();
        lenient = false;
        return;
    }
    advance();
    struct Field {
        std::string_view keyword;
        void (ModuleParser::*parse)() noexcept;
    };
    static constexpr Field all[] = {
        {"func", &ModuleParser::func_field},     {"table", &ModuleParser::table_field},
        {"memory", &ModuleParser::memory_field}, {"global", &ModuleParser::global_field},
        {"tag", &ModuleParser::tag_field},       {"import", &ModuleParser::import_field},
        {"export", &ModuleParser::export_field}, {"start", &ModuleParser::start_field},
        {"elem", &ModuleParser::elem_field},     {"data", &ModuleParser::data_field},
    };
    for (const Field& each : all)
        if (accept_keyword(each.keyword)) {
            (this->*each.parse)();
            return expect_close();
        }
    unexpected("a module field");
}

Symbol ModuleParser::accept_id() noexcept {
    if (!at(TokenKind::id))
        return no_symbol;
    const Symbol symbol = names_.intern(text());
    advance();
    return symbol;
}

/// The identifier of a definition, which the first pass has bound, and its name annotation; returns the
/// index.
uint32_t ModuleParser::begin_definition(Space space) noexcept {
    const uint32_t index = read_[static_cast<size_t>(space)]++;
    const Symbol id = accept_id();
    remember_name(space, 0, index, id, name_annotation("definition"));
    return index;
}

/// The abbreviations at the head of a definition; true for an import, which is then completely written.
bool ModuleParser::inline_exports_and_import(ExternKind kind, uint32_t index) noexcept {
    while (accept_open("export")) {
        Bytes& out = add(exports_, SectionId::export_);
        name(out);
        out.byte(code_of(kind));
        out.u32(index);
        expect_close();
    }
    const size_t offset = token().begin;
    if (!accept_open("import")) {
        defined_ = row_of(kind).name;
        return false;
    }
    begin_import(offset);
    expect_close();
    import_type(kind, index);
    return true;
}

/// The rest of an import, after its names.
void ModuleParser::import_type(ExternKind kind, uint32_t index) noexcept {
    Bytes& out = imports_.bytes;
    const bool exact = kind == ExternKind::func && accept_open("exact");
    out.byte(exact ? type_code::exact_func : code_of(kind));
    switch (kind) {
    case ExternKind::func:
        local_names_.clear();
        out.u32(type_use(Params::locals));
        if (exact)
            expect_close();
        for (const LocalName& local : local_names_)
            remember_name(Space::local, index, local.index, local.id, local.annotated);
        break;
    case ExternKind::table:
        table_limits(accept_address_type());
        ref_type().write(out);
        out.raw(scratch_);
        break;
    case ExternKind::memory:
        memory_type(out, accept_address_type());
        break;
    case ExternKind::global:
        global_type(out);
        break;
    case ExternKind::tag:
        out.byte(0);
        out.u32(type_use(Params::named));
        break;
    }
}

/// The two names of an import.
void ModuleParser::begin_import(size_t offset) noexcept {
    if (defined_ != nullptr)
        return fail_at(offset, "import after %s definition", defined_);
    Bytes& out = add(imports_, SectionId::import);
    name(out);
    name(out);
}

void ModuleParser::func_field() noexcept {
    const uint32_t func = begin_definition(Space::func);
    if (inline_exports_and_import(ExternKind::func, func))
        return;
    local_names_.clear();
    const uint32_t type = type_use(Params::locals);
    add(funcs_, SectionId::func).u32(type);
    func_body(func, type);
}

void ModuleParser::func_body(uint32_t func, uint32_t type) noexcept {
    const bool written_out = !signature_.empty();
    const bool known = written_out || types_.is_func(type);
    body_.clear();
    locals(written_out ? signature_.param_count : known ? types_.param_count(type) : 0);
    // Without the type, the indices of locals are unknown, which only matters if they are used by name.
    if (!known && !local_names_.empty())
        return fail_at(local_names_[0].offset, "unknown type %u", type);
    bind_local_names(func);
    func_ = func;
    label_count_ = 0;
    out_ = &body_;
    instructions();
    func_.reset();
    mark_instruction(token().begin);
    body_.byte(0x0b);
    end_body();
}

/// The declared locals in runs of one type; the first has the index `first`.
void ModuleParser::locals(uint32_t first) noexcept {
    uint32_t runs = 0;
    uint32_t run_length = 0;
    uint32_t index = first;
    scratch_.clear();
    list_.clear();
    // `list_` has the type of the open run
    const auto close_run = [&] {
        if (run_length != 0) {
            ++runs;
            scratch_.u32(run_length);
            scratch_.raw(list_);
        }
    };
    const auto one = [&] {
        local_type_.clear();
        value_type(local_type_);
        if (run_length == 0 || !std::ranges::equal(local_type_.view(), list_.view())) {
            close_run();
            run_length = 0;
            list_.clear();
            list_.raw(local_type_);
        }
        ++run_length;
        ++index;
    };
    while (accept_open("local")) {
        const size_t offset = token().begin;
        const Symbol id = accept_id();
        const Symbol annotated = name_annotation("local");
        if (id != no_symbol || annotated != no_symbol)
            scratch_.check(local_names_.push({index, id, annotated, offset}));
        list(id != no_symbol, one);
    }
    close_run();
    body_.u32(runs);
    body_.raw(scratch_);
}

void ModuleParser::bind_local_names(uint32_t func) noexcept {
    for (const LocalName& local : local_names_) {
        if (local.id != no_symbol && !names_.bind(Space::local, func, local.id, local.index))
            return fail_at(local.offset, "duplicate local");
        remember_name(Space::local, func, local.index, local.id, local.annotated);
    }
}

void ModuleParser::table_field() noexcept {
    const uint32_t table = begin_definition(Space::table);
    if (inline_exports_and_import(ExternKind::table, table))
        return;
    const bool is_64 = accept_address_type();
    if (!at(TokenKind::natural))
        return table_elements(table, is_64);
    // The element type comes first in the binary format and last in the text.
    table_limits(is_64);
    Bytes& out = add(tables_, SectionId::table);
    const RefType type = ref_type();
    const bool initialised = !at(TokenKind::rpar);
    if (initialised) {
        out.byte(type_code::table_with_initialiser);
        out.byte(0x00);
    }
    type.write(out);
    out.raw(scratch_);
    if (initialised)
        constant_expression(out);
}

/// Written to `scratch_`.
void ModuleParser::table_limits(bool is_64) noexcept {
    Limits type = limits();
    type.is_64 = is_64;
    scratch_.clear();
    type.write(scratch_);
}

void ModuleParser::memory_field() noexcept {
    const uint32_t memory = begin_definition(Space::memory);
    if (inline_exports_and_import(ExternKind::memory, memory))
        return;
    Limits type;
    type.is_64 = accept_address_type();
    if (at(TokenKind::natural))
        return memory_type(add(memories_, SectionId::memory), type.is_64);
    type.page_size_log2 = page_size();
    if (!accept_open("data"))
        return unexpected("a size");

    ++read_[static_cast<size_t>(Space::data)];
    scratch_.clear();
    append_strings(*this, scratch_);
    expect_close();
    const uint32_t log2 = type.page_size_log2.value_or(16);
    type.min = type.max = (scratch_.size() + (uint64_t{1} << log2) - 1) >> log2;
    type.has_max = true;
    type.write(add(memories_, SectionId::memory));
    Bytes& segment = add(data_, SectionId::data);
    segment.byte(memory == 0 ? 0 : 2);
    if (memory != 0)
        segment.u32(memory);
    opcode(type.is_64 ? Op::i64_const : Op::i32_const, segment);
    segment.s64(0);
    opcode(Op::end, segment);
    segment.sized(scratch_.view());
}

void ModuleParser::global_field() noexcept {
    const uint32_t global = begin_definition(Space::global);
    if (inline_exports_and_import(ExternKind::global, global))
        return;
    Bytes& out = add(globals_, SectionId::global);
    global_type(out);
    constant_expression(out);
}

void ModuleParser::tag_field() noexcept {
    const uint32_t tag = begin_definition(Space::tag);
    if (inline_exports_and_import(ExternKind::tag, tag))
        return;
    Bytes& out = add(tags_, SectionId::tag);
    out.byte(0);
    out.u32(type_use(Params::named));
}

void ModuleParser::import_field() noexcept {
    begin_import(token().begin);
    for (const ExternRow& each : extern_rows)
        if (accept_open(each.keyword)) {
            import_type(kind_of(each), begin_definition(each.space));
            return expect_close();
        }
    unexpected("an external type");
}

void ModuleParser::export_field() noexcept {
    Bytes& out = add(exports_, SectionId::export_);
    name(out);
    for (const ExternRow& each : extern_rows)
        if (accept_open(each.keyword)) {
            out.byte(code_of(kind_of(each)));
            out.u32(index(each.space));
            return expect_close();
        }
    unexpected("an external index");
}

void ModuleParser::start_field() noexcept {
    if (start_)
        fail("multiple start sections");
    mark(SectionId::start, 0);
    start_ = index(Space::func);
}

void ModuleParser::constant_expression(Bytes& out) noexcept {
    out_ = &out;
    instructions();
    opcode(Op::end, out);
}

/// A string that must be UTF-8.
void ModuleParser::name(Bytes& out) noexcept {
    if (!at(TokenKind::string))
        return unexpected("a string");
    if (!decodes_to_utf8(text()))
        return fail("malformed UTF-8 encoding");
    scratch_.clear();
    scratch_.check(append_decoded(text(), scratch_.vec()));
    out.sized(scratch_.view());
    advance();
}

uint32_t ModuleParser::natural_u32() noexcept {
    if (!at(TokenKind::natural)) {
        unexpected("a number");
        return 0;
    }
    const std::optional<uint64_t> value = parse_unsigned(text(), 32);
    if (!value)
        fail("i32 constant out of range");
    advance();
    return static_cast<uint32_t>(value.value_or(0));
}

} // namespace warpbeam::text
