#include "files.hpp"
#include "module_text.hpp"
#include "options.hpp"

#include <warpbeam/text/print.hpp>

#include <cstdio>
#include <map>

namespace warpbeam::cli {
namespace {

/// What is compared: the text of a thing, and its size in bytes if it is a function.
struct Part {
    std::string text;
    size_t size = 0;
};
/// By name.
using Parts = std::map<std::string, Part>;

/// The name of a function; one without gets its number among these, so that it is found after others were
/// added.
std::string label(const Module& module, uint32_t func) {
    const std::string_view name = module.func_name(func);
    return name.empty() ? "function " + std::to_string(func) : "$" + quoted(name);
}

/// The instructions, with functions by name, since their indices change when others are added.
std::string instructions(const Module& module, const FuncBody& body) {
    const auto printed = print_body(body.code);
    if (!printed)
        throw Failure("warpbeam: " + std::string(printed.error().message()));
    std::string text;
    std::string_view rest{printed->lines.data(), printed->lines.size()};
    while (!rest.empty()) {
        const size_t end = rest.find('\n');
        std::string line{rest.substr(0, end)};
        rest.remove_prefix(end + 1);
        for (const char* const operation : {" call ", " return_call ", " ref.func "})
            if (const size_t at = line.find(operation); at != std::string::npos) {
                const size_t number = at + std::string_view{operation}.size();
                const unsigned long func = std::strtoul(line.c_str() + number, nullptr, 10);
                if (func < module.funcs().size())
                    line.replace(number, std::string::npos, label(module, static_cast<uint32_t>(func)));
                break;
            }
        text += line + "\n";
    }
    return text;
}

Parts functions(const Module& module) {
    Types types{module};
    Parts parts;
    std::map<std::string, int> copies;
    for (uint32_t i = module.imported_funcs(); i < module.funcs().size(); ++i) {
        const FuncBody& body = module.bodies()[i - module.imported_funcs()];
        std::string text = types.of(module.type_registry().func(body.type));
        for (const LocalRun& run : body.locals)
            text += " " + std::to_string(run.count) + " " + types.of(run.type);
        // Names need not be unique.
        const std::string plain = label(module, i);
        int& copy = copies[plain];
        std::string name = plain;
        while (parts.contains(name))
            name = plain + " (" + std::to_string(++copy + 1) + ")";
        parts[name] = {text + "\n" + instructions(module, body), body.code.size()};
    }
    return parts;
}

Parts imports(const Module& module) {
    Types types{module};
    Parts parts;
    for (const Import& import : module.imports()) {
        const std::string type = types.of(import.type);
        parts["\"" + quoted(import.module) + "\" \"" + quoted(import.name) + "\" " + type] = {type};
    }
    return parts;
}

Parts exports(const Module& module) {
    Types types{module};
    Parts parts;
    for (const Export& entry : module.exports())
        parts["\"" + quoted(entry.name) + "\""] = {types.of(module, entry)};
    return parts;
}

Parts memories(const Module& module) {
    Types types{module};
    Parts parts;
    for (uint32_t i = 0; i < module.memories().size(); ++i) {
        ExternType type;
        type.kind = ExternKind::memory;
        type.memory = module.memories()[i];
        parts["memory " + std::to_string(i)] = {types.of(type)};
    }
    return parts;
}

/// Prints the differences of one kind of things; returns whether there are any.
bool compare(const char* heading, const Parts& before, const Parts& after, bool sized) {
    std::string lines;
    const auto line = [&](const char* mark, const std::string& name, const std::string& what) {
        lines += std::string{"  "} + mark + " " + name + ": " + what + "\n";
    };
    const auto whole = [&](const Part& part) {
        return sized ? std::to_string(part.size) + (part.size == 1 ? " byte" : " bytes") : part.text;
    };
    for (const auto& [name, part] : before)
        if (const auto other = after.find(name); other == after.end())
            line("-", name, whole(part));
        else if (part.text != other->second.text)
            line("~", name,
                 whole(part) +
                     (whole(part) == whole(other->second) ? ", changed" : " -> " + whole(other->second)));
    for (const auto& [name, part] : after)
        if (!before.contains(name))
            line("+", name, whole(part));
    if (!lines.empty())
        std::printf("%s:\n%s", heading, lines.c_str());
    return !lines.empty();
}

} // namespace

int diff(Words words) {
    LoadOptions load;
    load.features = FeatureSet::all();
    Options options{
        "diff [OPTIONS] A B",
        "Compares two modules: - is only in A, + only in B, ~ differs. Functions are compared by their\n"
        "types, locals and instructions, under their names or those of their exports; one without\n"
        "a name under its index. Other things in instructions are compared by index.\n"
        "Imports, exports and memories are compared, too; data, tables and globals are not.\n"
        "The exit status is 0 if nothing differs, 1 if something does, and 2 for a usage error or a module\n"
        "that can't be compared.\n"};
    add_feature_option(options, load.features);
    const auto given = options.parse(words);
    if (!given)
        return exit_success;
    if (given->size() != 2)
        throw options.error("two FILEs are needed");
    std::vector<ModuleBytes> files;
    std::vector<Module> modules;
    files.reserve(2);
    for (const std::string_view path : *given) {
        files.push_back(read_module(path));
        const auto module = Module::load(files.back().bytes, load);
        if (!module)
            throw Failure(describe(path, module.error(), files.back()));
        modules.push_back(*module);
    }
    bool differs = compare("imports", imports(modules[0]), imports(modules[1]), false);
    differs |= compare("exports", exports(modules[0]), exports(modules[1]), false);
    differs |= compare("memories", memories(modules[0]), memories(modules[1]), false);
    differs |= compare("functions", functions(modules[0]), functions(modules[1]), true);
    return differs ? exit_failure : exit_success;
}

} // namespace warpbeam::cli
