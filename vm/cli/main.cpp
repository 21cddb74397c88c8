#include "command.hpp"

#include <warpbeam/loader/printable.hpp>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <new>

namespace warpbeam::cli {
namespace {

struct Command {
    std::string_view name;
    const char* summary;
    int (*function)(Words words);
};

constexpr Command commands[] = {
    {"run", "run a program, or call one of its functions", run},
    {"resume", "continue a program that run --snapshot has saved", resume},
    {"replay", "run a program again from what run --record has written", replay},
    {"validate", "check whether modules are valid", validate},
    {"inspect", "list the contents of a module, or the code of its functions", inspect},
    {"wat2wasm", "translate the text format to the binary format", wat2wasm},
    {"wasm2wat", "translate the binary format to the text format", wasm2wat},
    {"wast", "run scripts of the official test suite", wast},
    {"sfv", "read and write HTTP Structured Fields", sfv},
    {"sfv-tests", "run the httpwg suite for Structured Fields", sfv_tests},
};

void print_help() {
    std::printf("warpbeam runs WebAssembly.\n"
                "\n"
                "usage: warpbeam COMMAND ...\n"
                "       warpbeam FILE [ARGS...]     the same as warpbeam run FILE [ARGS...]\n"
                "\n"
                "commands:\n");
    for (const Command& command : commands)
        std::printf("  %-10.*s %s\n", WARPBEAM_TEXT(command.name), command.summary);
    std::printf("\n"
                "warpbeam COMMAND --help describes a command; warpbeam --version prints the version.\n"
                "Modules may be in the binary or text format; the file - is standard input.\n"
                "\n"
                "exit status: the program's own; 1 for a trap or a refused module; 2 for a usage error\n");
}

int dispatch(Words words) {
    if (words.empty()) {
        print_help();
        return exit_usage;
    }
    const std::string_view first = words.front();
    if (first == "--version" || first == "-V") {
        std::printf("warpbeam %s\n", WARPBEAM_VERSION);
        return exit_success;
    }
    const auto find = [](std::string_view name) -> const Command* {
        for (const Command& command : commands)
            if (name == command.name)
                return &command;
        return nullptr;
    };
    const auto nothing = [](std::string_view name, const char* what) {
        return UsageError("no " + std::string(what) + " named '" + std::string(name) +
                          "'; see warpbeam --help");
    };
    if (first == "--help" || first == "-h" || (first == "help" && words.size() == 1)) {
        print_help();
        return exit_success;
    }
    if (first == "help") {
        const Command* const command = find(words[1]);
        if (command == nullptr)
            throw nothing(words[1], "command");
        const char* const help = "--help";
        return command->function(Words{&help, 1});
    }
    if (const Command* const command = find(first); command != nullptr)
        return command->function(words.subspan(1));
    if (first.starts_with("-") && first != "-")
        throw UsageError("unknown option " + std::string(first) + " before a command; see warpbeam --help");
    // A word without a dot or slash is more likely a mistyped command than a file.
    std::error_code fault;
    if (first != "-" && first.find_first_of("./") == std::string_view::npos &&
        !std::filesystem::exists(first, fault))
        throw nothing(first, "command or file");
    return run(words);
}

/// Whether everything printed was written.
bool flush() { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0; }

} // namespace

std::string printable(std::string_view text, bool quoted) {
    std::string result;
    Printable rest{text, quoted};
    for (std::string_view piece; !(piece = rest.next()).empty();)
        result += piece;
    return result;
}
} // namespace warpbeam::cli

int main(int argc, char** argv) {
    using namespace warpbeam::cli;
    // A program is told of a closed pipe by an error; and nothing has to protect the process then.
    (void)std::signal(SIGPIPE, SIG_IGN);
    int status = exit_failure;
    try {
        status = dispatch({argv + 1, static_cast<size_t>(argc > 0 ? argc - 1 : 0)});
    } catch (const UsageError& error) {
        (void)flush();
        std::fprintf(stderr, "warpbeam: %s\n", error.what());
        return exit_usage;
    } catch (const Failure& error) {
        (void)flush();
        std::fprintf(stderr, "%s\n", error.what());
    } catch (const std::bad_alloc&) {
        std::fprintf(stderr, "warpbeam: out of memory\n");
    }
    if (!flush()) {
        std::fprintf(stderr, "warpbeam: cannot write to standard output\n");
        return exit_failure;
    }
    return status;
}
