#include "files.hpp"
#include "options.hpp"

#include <algorithm>
#include <filesystem>

namespace warpbeam::cli {
namespace {

/// Whether a section only describes the module to people and their tools.
bool is_description(std::string_view name) {
    return name == "name" || name == "producers" || name == "sourceMappingURL" ||
           name == "external_debug_info" || name.starts_with(".debug_");
}

} // namespace

int strip(Words words) {
    std::string output;
    bool all = false;
    std::vector<std::string_view> kept;
    LoadOptions load;
    load.features = FeatureSet::all();
    Options options{
        "strip [OPTIONS] FILE",
        "Removes the custom sections that only describe a module: name, producers, .debug_*,\n"
        "sourceMappingURL and external_debug_info. The code and all other sections stay as they are,\n"
        "byte for byte. The module must be valid. All features are on unless they are switched off.\n"};
    options
        .value("-o", "OUT",
               "where to write it; - is standard output (default: FILE, but ending in .stripped.wasm)",
               [&](std::string_view path) { output = path; })
        .flag("--all", "remove all custom sections", all)
        .value("--keep", "NAME", "keep this custom section; may be repeated",
               [&](std::string_view name) { kept.push_back(name); });
    add_feature_option(options, load.features);
    const auto given = options.parse_file(words);
    if (!given)
        return exit_success;
    const std::string_view path = *given;
    if (output.empty())
        output = path == "-" ? "-" : std::filesystem::path(path).replace_extension(".stripped.wasm").string();
    const ModuleBytes file = read_module(path);
    const auto module = Module::load(file.bytes, load);
    if (!module)
        throw Failure(describe(path, module.error(), file));
    constexpr size_t header_size = 8;
    const std::span<const uint8_t> bytes = file.bytes;
    std::vector<uint8_t> result(bytes.begin(), bytes.begin() + header_size);
    size_t begin = header_size;
    size_t custom = 0;
    for (const SectionRange& section : module->sections()) {
        const auto whole = bytes.subspan(begin, section.offset + section.size - begin);
        begin += whole.size();
        if (section.id == 0) {
            const std::string_view name = module->custom_sections()[custom++].name;
            if ((all || is_description(name)) && std::ranges::find(kept, name) == kept.end())
                continue;
        }
        result.insert(result.end(), whole.begin(), whole.end());
    }
    if (const auto checked = Module::load(result, load); !checked)
        throw Failure(std::string(path) +
                      ": the module would not be valid afterwards: " + explain(checked.error()));
    write_file(output, result);
    return exit_success;
}

} // namespace warpbeam::cli
