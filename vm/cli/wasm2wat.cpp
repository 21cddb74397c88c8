#include "files.hpp"
#include "options.hpp"

#include <warpbeam/text/print.hpp>

namespace warpbeam::cli {

int wasm2wat(Words words) {
    std::string output = "-";
    LoadOptions load{.features = FeatureSet::all(), .limits = {}, .borrow = true};
    Options options{
        "wasm2wat [OPTIONS] FILE",
        "Translates a module from the binary format to the text format, from which wat2wasm makes\n"
        "the same module again. Names become identifiers and custom sections annotations, except those that\n"
        "refer to the code by offset (reloc.*, linking, .debug_*, metadata.code.*): these are left out,\n"
        "with a warning, since wat2wasm encodes the code again. An object file can then no longer be\n"
        "linked. The module need not be valid. All features are on; a module that needs one that is\n"
        "switched off is refused.\n"};
    options.value("-o", "OUT", "where to write it (default: -, standard output)",
                  [&](std::string_view path) { output = path; });
    add_feature_option(options, load.features);
    const auto given = options.parse_file(words);
    if (!given)
        return exit_success;
    const std::string_view path = *given;
    const ModuleBytes file{read_file(path), std::nullopt};
    if (!is_binary(file.bytes))
        throw Failure(std::string(path) + ": not in the binary format");
    // The printer does not check features, and other faults are no reason to refuse.
    if (load.features != FeatureSet::all())
        if (const auto module = Module::load(file.bytes, load);
            !module && module.error().missing_feature() != Feature::core)
            throw Failure(describe(path, module.error(), file));
    Vec<std::string_view> left_out;
    PrintOptions print;
    print.left_out = &left_out;
    OutputFile out{output};
    const auto printed = print_wat(file.bytes, out, print);
    if (!printed && !out.failed())
        throw Failure(describe(path, printed.error(), file));
    out.finish();
    for (const std::string_view name : left_out)
        std::fprintf(
            stderr,
            "%.*s: warning: the custom section \"%s\" is left out: it refers to the code by offset, and "
            "wat2wasm may change the offsets\n",
            WARPBEAM_PRINTED(path), printable(name, true).c_str());
    return exit_success;
}

} // namespace warpbeam::cli
