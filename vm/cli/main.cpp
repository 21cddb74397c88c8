#include "closest.hpp"
#include "command.hpp"
#include "platform.hpp"

#include <warpbeam/loader/printable.hpp>

#include <cstdio>
#include <filesystem>
#include <new>
#include <vector>

namespace warpbeam::cli {
namespace {

constexpr Command commands[] = {
    {"run", "run a program, or call one of its functions", run, exit_not_run},
    {"resume", "continue a program that run --snapshot has saved", resume, exit_not_run},
    {"replay", "run a program again from what run --record has written", replay, exit_not_run},
    {"validate", "check whether modules are valid", validate},
    {"inspect", "list the contents of a module, or the code of its functions", inspect},
    {"wat2wasm", "translate the text format to the binary format", wat2wasm},
    {"wasm2wat", "translate the binary format to the text format", wasm2wat},
    {"strip", "remove names, debug information and other custom sections", strip},
    {"diff", "compare two modules, function by function", diff, exit_usage},
    {"serve", "run instances for another program", serve},
    {"wast", "run scripts of the official test suite", wast},
    {"sfv", "read and write HTTP Structured Fields", sfv},
    {"sfv-tests", "run the httpwg suite for Structured Fields", sfv_tests},
    {"completions", "print a script that completes commands and options in a shell", completions},
    {"man", "print a manual page", man},
};

void print_help() {
    std::printf("warpbeam runs WebAssembly.\n"
                "\n"
                "usage: warpbeam COMMAND ...\n"
                "       warpbeam FILE [ARGS...]     the same as warpbeam run FILE [ARGS...]\n"
                "\n"
                "commands:\n");
    for (const Command& command : commands)
        std::printf("  %-11.*s %s\n", WARPBEAM_PRINTED(command.name), command.summary);
    std::printf("\n"
                "warpbeam COMMAND --help describes a command; warpbeam --version prints the version.\n"
                "Modules may be in the binary or text format; the file - is standard input.\n"
                "\n"
                "exit status: 0; 1 for a refused module or a file that can't be read; 2 for a usage error.\n"
                "Commands that run a program end with its own; see warpbeam run --help\n");
}

const Command* find_command(std::string_view name) {
    for (const Command& command : commands)
        if (name == command.name)
            return &command;
    return nullptr;
}

std::vector<std::string_view> command_names() {
    std::vector<std::string_view> names;
    for (const Command& command : commands)
        names.push_back(command.name);
    return names;
}

UsageError no_command(std::string_view name, const char* what) {
    const std::string hint = did_you_mean(name, command_names());
    return UsageError("no " + std::string(what) + " named '" + std::string(name) + "'" + hint +
                      (hint.empty() ? "; see warpbeam --help" : ""));
}

int dispatch(Words words, int& failure) {
    if (words.empty()) {
        print_help();
        return exit_usage;
    }
    const std::string_view first = words.front();
    if (first == "--version" || first == "-V") {
        std::printf("warpbeam %s\n", WARPBEAM_VERSION);
        return exit_success;
    }
    if (first == "--help" || first == "-h" || (first == "help" && words.size() == 1)) {
        print_help();
        return exit_success;
    }
    if (first == "help") {
        const char* const help = "--help";
        return need_command(words[1], "command").function(Words{&help, 1});
    }
    if (const Command* const command = find_command(first); command != nullptr) {
        failure = command->failure;
        return command->function(words.subspan(1));
    }
    if (first.starts_with("-") && first != "-")
        throw UsageError("unknown option " + std::string(first) +
                         " before a command (options of run come after run); see warpbeam --help");
    // A word without a dot or slash is more likely a mistyped command than a file.
    std::error_code fault;
    if (first != "-" && first.find_first_of("./") == std::string_view::npos &&
        !std::filesystem::exists(first, fault))
        throw no_command(first, "command or file");
    failure = exit_not_run;
    return run(words);
}

/// Whether everything printed was written.
bool flush() { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0; }

} // namespace

std::span<const Command> all_commands() { return commands; }

const Command& need_command(std::string_view name, const char* what) {
    const Command* const command = find_command(name);
    if (command == nullptr)
        throw no_command(name, what);
    return *command;
}

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
    prepare_process();
    int failure = exit_failure;
    int status = exit_success;
    try {
        status = dispatch({argv + 1, static_cast<size_t>(argc > 0 ? argc - 1 : 0)}, failure);
    } catch (const UsageError& error) {
        (void)flush();
        std::fprintf(stderr, "warpbeam: %s\n", error.what());
        return exit_usage;
    } catch (const Failure& error) {
        (void)flush();
        std::fprintf(stderr, "%s\n", error.what());
        status = failure;
    } catch (const std::bad_alloc&) {
        std::fprintf(stderr, "warpbeam: out of memory\n");
        status = failure;
    }
    if (!flush()) {
        // Who has stopped reading needs no message.
        if (!has_no_reader())
            std::fprintf(stderr, "warpbeam: cannot write to standard output\n");
        return failure;
    }
    return status;
}
