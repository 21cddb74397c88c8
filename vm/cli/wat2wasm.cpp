#include "files.hpp"
#include "options.hpp"

#include <filesystem>

namespace warpbeam::cli {

int wat2wasm(Words words) {
    std::string output;
    bool unchecked = false;
    LoadOptions load;
    Options options{"wat2wasm [OPTIONS] FILE",
                    "Translates a module from the text format to the binary format, and validates it.\n"};
    options.value("-o", "OUT", "where to write it; - is standard output (default: FILE, but ending in .wasm)",
                  [&](std::string_view path) { output = path; });
    options.flag("--no-check", "write the module without validating it", unchecked);
    add_feature_option(options, load.features);
    const auto given = options.parse_file(words);
    if (!given)
        return exit_success;
    const std::string_view path = *given;
    if (output.empty())
        output = path == "-" ? "-" : std::filesystem::path(path).replace_extension(".wasm").string();

    const ModuleBytes module = read_module(path);
    if (!module.text)
        throw Failure(std::string(path) + ": already in the binary format");
    if (!unchecked)
        if (const auto loaded = Module::load(module.bytes, load); !loaded)
            throw Failure(describe(path, loaded.error(), module));
    write_file(output, module.bytes);
    return exit_success;
}

} // namespace warpbeam::cli
