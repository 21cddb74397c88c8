#include "files.hpp"
#include "options.hpp"

#include <warpbeam/text/print.hpp>

namespace warpbeam::cli {

int wasm2wat(Words words) {
    std::string output = "-";
    Options options{
        "wasm2wat [OPTIONS] FILE",
        "Translates a module from the binary format to the text format, from which wat2wasm makes\n"
        "the same module again. Names become identifiers, custom sections annotations. The module\n"
        "need not be valid.\n"};
    options.value("-o", "OUT", "where to write it (default: -, the standard output)",
                  [&](std::string_view path) { output = path; });
    const auto given = options.parse_file(words);
    if (!given)
        return exit_success;
    const std::string_view path = *given;
    const std::vector<uint8_t> bytes = read_file(path);
    if (!is_binary(bytes))
        throw Failure(std::string(path) + ": not in the binary format");
    const auto text = print_wat(bytes);
    if (!text)
        throw Failure(describe(path, text.error(), false));
    write_file(output, {reinterpret_cast<const uint8_t*>(text->data()), text->size()});
    return exit_success;
}

} // namespace warpbeam::cli
