#include "files.hpp"
#include "find_func.hpp"
#include "inspect_code.hpp"
#include "inspect_core.hpp"
#include "inspect_imports.hpp"
#include "inspect_json.hpp"
#include "inspect_wat.hpp"
#include "module_text.hpp"
#include "options.hpp"

#include <warpbeam/coredump/core_dump.hpp>
#include <warpbeam/loader/custom_sections.hpp>
#include <warpbeam/loader/module.hpp>
#include <warpbeam/loader/required_features.hpp>
#include <warpbeam/loader/section_table.hpp>
#include <warpbeam/loader/type_codes.hpp>
#include <warpbeam/loader/type_printer.hpp>
#include <warpbeam/text/print.hpp>

#include <cstdio>
#include <optional>

namespace warpbeam::cli {

namespace {

/// "1 byte" or, for instance, "2 bytes".
std::string bytes_text(size_t count) { return std::to_string(count) + (count == 1 ? " byte" : " bytes"); }

/// The instructions of a constant expression.
std::string const_text(const ConstExpr& expression) {
    const auto text = print_expression(expression.code);
    return text ? std::string{text->begin(), text->end()} : "?";
}

/// Prints a heading before the first line of a group, and nothing for a group without lines.
class Group {
public:
    explicit Group(const char* heading) : heading_{heading} {}
    void line(const std::string& text) {
        if (heading_ != nullptr)
            std::printf("%s:\n", heading_);
        heading_ = nullptr;
        std::printf("  %s\n", text.c_str());
    }

private:
    const char* heading_;
};

class Inspector {
public:
    explicit Inspector(const Module& module) : module_{module}, types_{module}, names_{module} {}

    void sections() {
        Group group{"sections"};
        size_t custom = 0;
        for (const SectionRange& section : module_.sections()) {
            char text[80];
            const char* const name = section_table[section.id].name;
            std::snprintf(text, sizeof text, "%-10s offset %8zu  size %8zu", name, section.offset,
                          section.size);
            std::string line{text};
            if (section.id == 0 && custom < module_.custom_sections().size())
                line += "  \"" + quoted(module_.custom_sections()[custom++].name) + "\"";
            group.line(line);
        }
    }

    void types() {
        Group group{"types"};
        uint32_t index = 0;
        for (const TypeId id : module_.types()) {
            if (const uint32_t size = module_.type_registry().group_size(id); size > 1)
                group.line("recursive group, " + std::to_string(index) + " to " +
                           std::to_string(index + size - 1) + ":");
            group.line(std::to_string(index) + ": " + names_.before(NameSpace::type, index) +
                       types_.definition_of(id));
            if (const std::string fields = names_.list(NameSpace::field, index); !fields.empty())
                group.line("   fields " + fields);
            ++index;
        }
    }

    void imports() {
        Group group{"imports"};
        for (const Import& import : module_.imports())
            group.line(quoted(import.module) + "." + quoted(import.name) + ": " + types_.of(import.type));
    }

    void exports() {
        Group group{"exports"};
        for (const Export& entry : module_.exports())
            group.line(quoted(entry.name) + ": " + type_of(entry.kind, entry.index) + ", " +
                       std::string(row_of(entry.kind).keyword) + " " + std::to_string(entry.index));
    }

    void functions() {
        Group group{"functions"};
        for (uint32_t i = 0; i < module_.funcs().size(); ++i) {
            std::string line = std::to_string(i) + ": ";
            if (const std::string_view name = module_.func_name(i); !name.empty())
                line += "$" + quoted(name) + " ";
            line += type_of(ExternKind::func, i);
            if (i < module_.imported_funcs()) {
                line += ", imported";
            } else {
                const FuncBody& body = module_.bodies()[i - module_.imported_funcs()];
                line += ", " + bytes_text(body.code.size()) + " at offset " +
                        std::to_string(body.code_offset) + ", " + std::to_string(body.local_count) +
                        (body.local_count == 1 ? " local" : " locals");
                if (body.local_count != 0)
                    line += " (" + local_types(body) + ")";
            }
            if (module_.start() == i)
                line += ", started";
            group.line(line);
            if (const std::string locals = names_.list(NameSpace::local, i); !locals.empty())
                group.line("   parameters and locals " + locals);
            if (const std::string labels = names_.list(NameSpace::label, i); !labels.empty())
                group.line("   labels " + labels);
        }
    }

    /// Tables, memories, globals and tags, whose lines are alike.
    void objects() {
        objects("tables", ExternKind::table, module_.tables().size(), module_.imported_tables());
        objects("memories", ExternKind::memory, module_.memories().size(), module_.imported_memories());
        objects("globals", ExternKind::global, module_.globals().size(), module_.imported_globals());
        objects("tags", ExternKind::tag, module_.tags().size(), module_.imported_tags());
    }

    void segments() {
        Group elements{"element segments"};
        uint32_t index = 0;
        for (const ElementSegment& segment : module_.elements()) {
            elements.line(std::to_string(index) + ": " + names_.before(NameSpace::elem, index) +
                          mode(segment.mode, "table", segment.table, segment.offset) + ", " +
                          std::to_string(segment.size()) + " of " + types_.of(segment.type));
            ++index;
        }
        Group data{"data segments"};
        index = 0;
        for (const DataSegment& segment : module_.data()) {
            data.line(std::to_string(index) + ": " + names_.before(NameSpace::data, index) +
                      mode(segment.mode, "memory", segment.memory, segment.offset) + ", " +
                      bytes_text(segment.bytes.size()));
            ++index;
        }
    }

    void hints() {
        Group group{"branch hints"};
        for (const CustomSection& section : module_.custom_sections())
            if (section.name == hint_section)
                for (BranchHintReader in{section.bytes}; const auto hint = in.next();)
                    group.line("function " + std::to_string(hint->func) + ", " + bytes_text(hint->offset) +
                               " into its body: " + (hint->likely ? "likely" : "unlikely"));
    }

private:
    [[nodiscard]] std::string type_of(ExternKind kind, uint32_t index) {
        if (kind == ExternKind::func)
            return types_.of(module_.type_registry().func(module_.funcs()[index]));
        ExternType type;
        type.kind = kind;
        if (kind == ExternKind::table)
            type.table = module_.tables()[index];
        else if (kind == ExternKind::memory)
            type.memory = module_.memories()[index];
        else if (kind == ExternKind::global)
            type.global = module_.globals()[index];
        else
            type.tag = module_.tags()[index];
        return types_.of(type);
    }

    [[nodiscard]] std::string local_types(const FuncBody& body) {
        std::string text;
        for (const LocalRun& run : body.locals) {
            if (run.count == 0)
                continue;
            text += (text.empty() ? "" : " ") + types_.of(run.type);
            if (run.count > 1)
                text += " x " + std::to_string(run.count);
        }
        return text;
    }

    void objects(const char* heading, ExternKind kind, size_t count, uint32_t imported) {
        Group group{heading};
        for (uint32_t i = 0; i < count; ++i)
            group.line(std::to_string(i) + ": " + names_.before(row_of(kind).space, i) + type_of(kind, i) +
                       (i < imported ? ", imported" : initial_value(kind, i - imported)));
    }

    [[nodiscard]] std::string initial_value(ExternKind kind, uint32_t index) const {
        if (kind == ExternKind::global)
            return ", initially " + const_text(module_.global_decls()[index].init);
        if (kind == ExternKind::table && module_.table_decls()[index].init)
            return ", initially " + const_text(*module_.table_decls()[index].init);
        return {};
    }

    static std::string mode(SegmentMode mode, const char* target, uint32_t index, const ConstExpr& offset) {
        switch (mode) {
        case SegmentMode::active:
            return std::string("active in ") + target + " " + std::to_string(index) + " at " +
                   const_text(offset);
        case SegmentMode::passive:
            return "passive";
        case SegmentMode::declarative:
            return "declarative";
        }
        return "?";
    }

    const Module& module_;
    Types types_;
    Names names_;
};

} // namespace

int inspect(Words words) {
    LoadOptions load;
    load.features = FeatureSet::all();
    Options options{
        "inspect [OPTIONS] FILE",
        "Lists the contents of a module: the features it needs, its sections with offsets and sizes, types,\n"
        "imports, exports, functions with sizes and locals, tables, memories, globals, tags, segments and\n"
        "branch hints, all with their names. All features are on unless they are switched off.\n"
        "Of a core dump (run --coredump), lists what was active, with locals and operands, globals and\n"
        "memories.\n"};
    bool code = false;
    bool wat = false;
    bool as_json = false;
    bool imports = false;
    std::optional<std::string_view> func;
    Config config;
    CoreSettings core;
    options.flag("--code", "instead, print the threaded code of all functions, and check it", code)
        .flag("--wat", "instead, print a function in the text format; needs --func", wat)
        .flag("--imports", "instead, print a C++ program that defines what the module imports", imports)
        .flag("--json", "instead, print a JSON object", as_json)
        .value("--func", "NAME|INDEX", "with --code or --wat: only this function",
               [&func](std::string_view given) { func = given; })
        .flag("--deterministic", "with --code: the code that run --deterministic makes", config.deterministic)
        .flag("--guard-pages", "with --code: the code that run --guard-pages makes", config.guard_pages)
        .flag("--fuel", "with --code: the code that run --fuel makes", config.fuel)
        .flag("--interruption", "with --code: code that another thread can interrupt", config.interruption);
    options
        .value("--module", "FILE",
               "of a core dump: a module that it was made from, for names and source lines; may be repeated",
               [&core](std::string_view file) { core.modules.push_back(file); })
        .value("--memory", "RANGE",
               "of a core dump: print bytes of a memory instead, [INDEX@]ADDRESS[+LENGTH]; may be repeated",
               [&core](std::string_view range) { core.ranges.push_back(parse_memory_range(range)); });
    add_feature_option(options, load.features);
    const auto given = options.parse_file(words);
    if (!given)
        return exit_success;
    if (wat + as_json + imports + code > 1)
        throw options.error("only one of --code, --imports, --json and --wat can be used");
    if (wat && !func)
        throw options.error("--wat needs --func; for a whole module use warpbeam wasm2wat");
    if (func && !code && !wat)
        throw options.error("--func needs --code or --wat");
    if (!code && (config.deterministic || config.guard_pages || config.fuel || config.interruption))
        throw options.error(std::string{config.deterministic ? "--deterministic"
                                        : config.guard_pages ? "--guard-pages"
                                        : config.fuel        ? "--fuel"
                                                             : "--interruption"} +
                            " needs --code");

    const std::string_view path = *given;
    const bool wants_core = !core.modules.empty() || !core.ranges.empty();
    if (as_json && !core.ranges.empty())
        throw options.error("--memory can't be combined with --json");
    const ModuleBytes file = read_module(path);
    if (!code && !wat && !imports && CoreDump::is_core_dump(file.bytes)) {
        core.as_json = as_json;
        inspect_core(path, file.bytes, core);
        return exit_success;
    }
    if (wants_core)
        throw Failure(std::string(path) + ": --module and --memory are for core dumps, and this is not one");
    const auto module = Module::load(file.bytes, load);
    if (!module)
        throw Failure(describe(path, module.error(), file));

    if (code) {
        config.features = load.features;
        return inspect_code(file.bytes, config, func);
    }

    if (wat) {
        print_func(*module, find_func(*module, *func));
        return exit_success;
    }
    if (imports) {
        std::printf("%s", host_program(*module, path).c_str());
        return exit_success;
    }
    const FeatureSet needed = required_features(file.bytes, load);
    if (as_json) {
        std::printf("%s\n", module_json(*module, path, needed).c_str());
        return exit_success;
    }

    std::printf("%.*s: %zu bytes%s", WARPBEAM_PRINTED(path), file.bytes.size(),
                file.text ? " in the binary format" : "");
    if (!module->name().empty())
        std::printf(", module $%s", quoted(module->name()).c_str());
    std::printf("\n");
    Group features{"features beyond WebAssembly 1.0"};
    for (const FeatureRow& row : feature_table)
        if (row.feature != Feature::core && needed.has(row.feature))
            features.line(std::string(row.name));
    Inspector inspector{*module};
    inspector.sections();
    inspector.types();
    inspector.imports();
    inspector.exports();
    inspector.functions();
    inspector.objects();
    inspector.segments();
    inspector.hints();
    return exit_success;
}

} // namespace warpbeam::cli
