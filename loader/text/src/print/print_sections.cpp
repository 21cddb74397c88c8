// The sections and their contents, https://webassembly.github.io/spec/core/binary/modules.html

#include "custom_place.hpp"
#include "print/module_printer.hpp"

#include <warpbeam/loader/header.hpp>
#include <warpbeam/text/lexer.hpp>
#include <warpbeam/text/print.hpp>

#include <algorithm>

namespace warpbeam {
namespace text {

ModulePrinter::ModulePrinter(std::span<const uint8_t> module, Allocator& allocator, TextOut& out,
                             std::optional<Error>& fault, Choice choice,
                             Vec<std::string_view>* left_out) noexcept
    : module_{module}, out_{out}, fault_{fault}, choice_{choice}, left_out_{left_out},
      custom_sections_{allocator}, names_{allocator}, hints_{allocator}, types_{allocator},
      func_types_{allocator}, labels_{allocator} {}

bool ModulePrinter::keep(bool ok) noexcept {
    if (!ok && !fault_)
        fault_.emplace(ErrorCode::out_of_memory, "out of memory");
    return ok;
}

ModulePrinter::Choice ModulePrinter::feasible() const noexcept {
    return {.names = choice_.names && names_used_ == names_.size(),
            .hints = choice_.hints && hints_used_ == hints_.size()};
}

void ModulePrinter::print() noexcept {
    find_sections();
    leave_out_stale_sections();
    read_custom_sections();
    out_.add("(module");
    module_name();
    types();
    imports();
    tables();
    memories();
    tags();
    globals();
    exports();
    start();
    elements();
    funcs();
    data_segments();
    custom_sections();
    out_.add(")\n");
}

void ModulePrinter::find_sections() noexcept {
    fault_ = check_header(module_);
    BinaryReader in{module_, fault_};
    in.pass(std::size(binary_header));
    uint8_t place = place_of(SectionId::type, false);
    while (!in.at_end()) {
        const uint8_t id = in.byte();
        BinaryReader contents = in.part(in.u32());
        if (id == 0) {
            const std::string_view name = this->name(contents);
            if (!keep(custom_sections_.push({place, name, contents.bytes(contents.remaining())})))
                return;
            continue;
        }
        if (id >= std::size(section_table))
            return in.fail("malformed section id");
        const uint8_t after = place_of(static_cast<SectionId>(id), true);
        if (after <= place)
            return in.fail("unexpected content after last section");
        place = after;
        sections_[id] = module_.first(in.offset()).last(contents.remaining());
    }
}

BinaryReader ModulePrinter::section(SectionId id) noexcept {
    const std::span<const uint8_t> contents = sections_[static_cast<size_t>(id)];
    BinaryReader in{module_, fault_};
    if (contents.empty())
        return in.part(0);
    in.bytes(static_cast<size_t>(contents.data() - module_.data()));
    return in.part(contents.size());
}

void ModulePrinter::leave_out_stale_sections() noexcept {
    if (left_out_ == nullptr)
        return;
    left_out_->clear();
    size_t kept = 0;
    for (const CustomSection& each : custom_sections_)
        if (!points_into_code(each.name))
            custom_sections_[kept++] = each;
        else if (!keep(left_out_->push(each.name)))
            return;
    custom_sections_.truncate(kept);
}

/// The name section and the branch hints are removed from the custom sections if they can be written as names
/// and hints without loss.
void ModulePrinter::read_custom_sections() noexcept {
    const auto single = [&](std::string_view name) {
        const auto matches = [&](const CustomSection& each) { return each.name == name; };
        CustomSection* const found = std::ranges::find_if(custom_sections_, matches);
        return std::ranges::count_if(custom_sections_, matches) == 1 ? found : nullptr;
    };
    const auto take = [&](CustomSection* taken) {
        std::ranges::rotate(taken, taken + 1, custom_sections_.end());
        custom_sections_.pop();
    };
    if (CustomSection* const found = single(name_section); found != nullptr && choice_.names)
        if (keep(names_.read(found->contents)) && !names_.empty())
            take(found);
    if (CustomSection* const found = single(hint_section); found != nullptr && choice_.hints)
        if (read_hints(found->contents))
            take(found);
}

bool ModulePrinter::read_hints(std::span<const uint8_t> contents) noexcept {
    BranchHintReader in{contents};
    while (const auto hint = in.next())
        if (!keep(hints_.push(*hint)))
            break;
    if (!in.canonical())
        hints_.clear();
    return in.canonical();
}

void ModulePrinter::custom_sections() noexcept {
    for (const CustomSection& each : custom_sections_) {
        const bool after = each.place % 2 != 0;
        out_.line(1).add("(@custom ").string(each.name);
        out_.add(after ? " (after " : " (before ").add(keyword_at(each.place)).add(") ");
        out_.string({reinterpret_cast<const char*>(each.contents.data()), each.contents.size()}).add(")");
    }
}

void ModulePrinter::module_name() noexcept {
    const std::optional<std::string_view> name = names_.module();
    if (!name)
        return;
    if (name->empty())
        out_.add(" (@name \"\")");
    else
        out_.add(" ").identifier(*name);
}

void ModulePrinter::imports() noexcept {
    entries(SectionId::import, [&](BinaryReader& in) {
        out_.line(1).add("(import ");
        for (const char* const separator : {" ", " ("})
            out_.string(name(in)).add(separator);
        extern_type(in.byte(), in);
        out_.add("))");
    });
}

/// A string that must be UTF-8.
std::string_view ModulePrinter::name(BinaryReader& in) noexcept {
    const std::string_view name = in.string();
    if (!is_utf8(name))
        in.fail("malformed UTF-8 encoding");
    return name;
}

void ModulePrinter::extern_type(uint8_t kind, BinaryReader& in) noexcept {
    const bool exact = kind == type_code::exact_func;
    if (kind >= std::size(extern_rows) && !exact)
        return in.fail("malformed import kind");
    const ExternRow& row = extern_rows[exact ? 0 : kind];
    out_.add(row.keyword);
    define(row.space);
    out_.add(exact ? " (exact" : "");
    switch (static_cast<ExternKind>(&row - extern_rows)) {
    case ExternKind::func: {
        const uint32_t type = in.u32();
        type_use(type, defined_[static_cast<size_t>(Space::func)] - 1);
        keep(func_types_.push(type));
        break;
    }
    case ExternKind::table:
        table_type(in);
        break;
    case ExternKind::memory:
        memory_type(in);
        break;
    case ExternKind::global:
        space();
        field_type(in);
        break;
    case ExternKind::tag:
        if (in.byte() != 0)
            in.fail("malformed tag attribute");
        type_use(in.u32(), std::nullopt);
        break;
    }
    out_.add(exact ? ")" : "");
}

void ModulePrinter::tables() noexcept {
    definitions(SectionId::table, "(table", Space::table, [&](BinaryReader& in) {
        const bool initialised = in.accept(type_code::table_with_initialiser);
        if (initialised && in.byte() != 0)
            in.fail("malformed table");
        table_type(in);
        if (initialised)
            expression(in, std::nullopt);
    });
}

void ModulePrinter::memories() noexcept {
    definitions(SectionId::memory, "(memory", Space::memory, [&](BinaryReader& in) { memory_type(in); });
}

void ModulePrinter::globals() noexcept {
    definitions(SectionId::global, "(global", Space::global, [&](BinaryReader& in) {
        space();
        field_type(in);
        expression(in, std::nullopt);
    });
}

void ModulePrinter::tags() noexcept {
    entries(SectionId::tag, [&](BinaryReader& in) {
        out_.line(1).add("(");
        extern_type(static_cast<uint8_t>(ExternKind::tag), in);
        out_.add(")");
    });
}

void ModulePrinter::exports() noexcept {
    entries(SectionId::export_, [&](BinaryReader& in) {
        const std::string_view name = this->name(in);
        const uint8_t kind = in.byte();
        if (kind >= std::size(extern_rows))
            return in.fail("malformed export kind");
        out_.line(1).add("(export ").string(name).add(" (").add(extern_rows[kind].keyword).add(" ");
        reference_in(in, extern_rows[kind].space);
        out_.add("))");
    });
}

void ModulePrinter::start() noexcept {
    BinaryReader in = section(SectionId::start);
    if (in.at_end())
        return;
    out_.line(1);
    clause("(start ", Space::func, in.u32());
}

void ModulePrinter::elements() noexcept {
    definitions(SectionId::elem, "(elem", Space::elem, [&](BinaryReader& in) { element_segment(in); });
}

/// https://webassembly.github.io/spec/core/binary/modules.html#element-section
void ModulePrinter::element_segment(BinaryReader& in) noexcept {
    const uint32_t flags = in.u32();
    if (flags > 7)
        return in.fail("malformed elements segment kind");
    const bool active = (flags & 1) == 0;
    const bool explicit_table = active && (flags & 2) != 0;
    const bool expressions = (flags & 4) != 0;
    const uint32_t table = explicit_table ? in.u32() : 0;
    if (!active && (flags & 2) != 0)
        out_.add(" declare");
    if (table != 0)
        clause(" (table ", Space::table, table);
    if (active)
        offset(in);
    const bool typed = !active || explicit_table;
    if (!expressions) {
        if (typed && in.byte() != 0)
            in.fail("malformed element kind");
        out_.add(" func");
    } else if (typed) {
        space();
        type_text_.value(ref_type(in));
    } else {
        out_.add(" funcref");
    }
    for (uint32_t count = in.count(); count > 0; --count) {
        if (expressions) {
            out_.add(" (item");
            expression(in, std::nullopt);
            out_.add(")");
        } else {
            space();
            reference_in(in, Space::func);
        }
    }
}

/// A reference between parentheses.
void ModulePrinter::clause(const char* begin, Space space, uint32_t index) noexcept {
    out_.add(begin);
    reference(space, index);
    out_.add(")");
}

void ModulePrinter::offset(BinaryReader& in) noexcept {
    out_.add(" (offset");
    expression(in, std::nullopt);
    out_.add(")");
}

void ModulePrinter::data_segments() noexcept {
    definitions(SectionId::data, "(data", Space::data, [&](BinaryReader& in) {
        const uint32_t kind = in.u32();
        if (kind > 2)
            return in.fail("malformed data segment kind");
        if (const uint32_t memory = kind == 2 ? in.u32() : 0; memory != 0)
            clause(" (memory ", Space::memory, memory);
        if (kind != 1)
            offset(in);
        constexpr size_t on_a_line = 64;
        std::string_view bytes = in.string();
        const bool several = bytes.size() > on_a_line;
        do {
            several ? out_.line(2) : out_.add(" ");
            out_.string(bytes.substr(0, on_a_line));
            bytes.remove_prefix(std::min(bytes.size(), on_a_line));
        } while (!bytes.empty());
    });
}

namespace {

/// Prints instructions into `out`. The separator before each of them (a space or line break) moves to its
/// end.
template <typename Print>
std::optional<Error> print_code(std::span<const uint8_t> code, const PrintOptions& options, Vec<char>& text,
                                Print print) noexcept {
    std::optional<Error> fault;
    TextOut out{text, options.max_characters, fault};
    ModulePrinter printer{code, text.allocator(), out, fault, {}};
    print(printer);
    if (!text.empty())
        std::ranges::rotate(text, text.begin() + 1);
    return fault;
}

Allocator& allocator_of(const PrintOptions& options) noexcept {
    return options.allocator != nullptr ? *options.allocator : Allocator::standard();
}

/// Prints a module into `text`, or through it to `sink`. Reduces `choice` to what is possible.
std::optional<Error> print_module(std::span<const uint8_t> module, const PrintOptions& options,
                                  Vec<char>& text, TextSink* sink, ModulePrinter::Choice& choice) noexcept {
    std::optional<Error> fault;
    text.clear();
    TextOut out{text, options.max_characters, fault, sink};
    ModulePrinter printer{module, allocator_of(options), out, fault, choice, options.left_out};
    printer.print();
    if (sink != nullptr)
        out.flush();
    choice = printer.feasible();
    return fault;
}

/// The same, with all names and hints that can be written without loss; sets `choice` to these.
std::optional<Error> print_with_names(std::span<const uint8_t> module, const PrintOptions& options,
                                      Vec<char>& text, TextSink* sink,
                                      ModulePrinter::Choice& choice) noexcept {
    while (true) {
        const ModulePrinter::Choice tried = choice;
        if (auto fault = print_module(module, options, text, sink, choice))
            return fault;
        if (choice == tried)
            return std::nullopt;
    }
}

} // namespace
} // namespace text

std::expected<Vec<char>, Error> print_expression(std::span<const uint8_t> code,
                                                 const PrintOptions& options) noexcept {
    using namespace text;
    Vec<char> text{allocator_of(options)};
    if (const auto fault =
            print_code(code, options, text, [](ModulePrinter& printer) { printer.print_expression(); }))
        return std::unexpected{*fault};
    if (!text.empty())
        text.pop();
    return text;
}

std::expected<BodyText, Error> print_body(std::span<const uint8_t> code,
                                          const PrintOptions& options) noexcept {
    using namespace text;
    BodyText body{Vec<char>{allocator_of(options)}, Vec<size_t>{allocator_of(options)}};
    if (const auto fault = print_code(code, options, body.lines,
                                      [&](ModulePrinter& printer) { printer.print_body(body.offsets); }))
        return std::unexpected{*fault};
    return body;
}

std::expected<Vec<char>, Error> print_wat(std::span<const uint8_t> module,
                                          const PrintOptions& options) noexcept {
    using namespace text;
    Vec<char> text{allocator_of(options)};
    ModulePrinter::Choice choice;
    if (const auto fault = print_with_names(module, options, text, nullptr, choice))
        return std::unexpected{*fault};
    return text;
}

std::expected<void, Error> print_wat(std::span<const uint8_t> module, TextSink& sink,
                                     const PrintOptions& options) noexcept {
    using namespace text;
    struct Unread final : TextSink {
        bool write(std::string_view) noexcept override { return true; }
    } unread;
    Vec<char> buffer{allocator_of(options)};
    ModulePrinter::Choice choice;
    auto fault = print_with_names(module, options, buffer, &unread, choice);
    if (!fault)
        fault = print_module(module, options, buffer, &sink, choice);
    if (fault)
        return std::unexpected{*fault};
    return {};
}

} // namespace warpbeam
