#include "files.hpp"
#include "options.hpp"
#include "terminal.hpp"

#include <warpbeam/loader/module.hpp>

#include <cstdio>

namespace warpbeam::cli {

int validate(Words words) {
    LoadOptions load;
    bool quiet = false;
    Options options{
        "validate [OPTIONS] FILE...",
        "Decodes and validates modules in the binary or text format. Prints a line for each valid\n"
        "module; what is wrong with the others goes to standard error.\n"
        "The exit status is 1 if any module is not valid.\n"};
    add_feature_option(options, load.features);
    options.flag("--quiet", "print nothing about valid modules", quiet);
    const auto files = options.parse(words);
    if (!files)
        return exit_success;
    if (files->empty())
        throw options.error("a FILE is needed");

    int status = exit_success;
    Progress progress{"validating", files->size()};
    for (const std::string_view path : *files) {
        progress.next(path);
        try {
            const ModuleBytes file = read_module(path);
            if (const auto module = Module::load(file.bytes, load); !module)
                throw Failure(describe(path, module.error(), file));
            progress.erase();
            if (!quiet)
                std::printf("%.*s: valid\n", WARPBEAM_PRINTED(path));
        } catch (const Failure& failure) {
            progress.erase();
            std::fprintf(stderr, "%s\n", failure.what());
            status = exit_failure;
        }
    }
    return status;
}

} // namespace warpbeam::cli
