#include "options.hpp"

#include <cstdio>

namespace warpbeam::cli {
namespace {

/// Text for roff, whatever it begins with.
std::string roff(std::string_view text) {
    std::string result;
    if (text.starts_with(".") || text.starts_with("'"))
        result += "\\&";
    for (const char c : text)
        if (c == '\\')
            result += "\\e";
        else if (c == '-')
            result += "\\-";
        else
            result += c;
    return result;
}

/// Paragraphs; lines that are indented stay as they are.
void print_text(std::string_view text) {
    bool kept = false;
    while (!text.empty()) {
        const size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (const bool keep = line.starts_with("  "); keep != kept) {
            std::printf("%s\n", keep ? ".nf" : ".fi");
            kept = keep;
        }
        // A blank line at the end would be an empty paragraph.
        if (line.empty() && !text.empty())
            std::printf(".PP\n");
        else if (!line.empty())
            std::printf("%s\n", roff(line).c_str());
    }
    if (kept)
        std::printf(".fi\n");
}

void print_title(const std::string& name, const char* summary) {
    std::printf(".TH %s 1 \"\" \"warpbeam %s\" \"Warpbeam\"\n"
                ".SH NAME\n"
                "%s \\- %s\n",
                roff(name).c_str(), WARPBEAM_VERSION, roff(name).c_str(), roff(summary).c_str());
}

void print_page(const Command& command, const Options& options) {
    print_title("warpbeam-" + std::string(command.name), command.summary);
    std::printf(".SH SYNOPSIS\n.B warpbeam\n%s\n.SH DESCRIPTION\n", roff(options.usage()).c_str());
    print_text(options.about());
    std::printf(".SH OPTIONS\n");
    for (const Options::Option& option : options.all())
        std::printf(".TP\n.B %s\n%s\n", roff(option.synopsis()).c_str(), roff(option.help).c_str());
    std::printf(".TP\n.B \\-\\-help\nprint the help\n");
    if (!options.note().empty()) {
        std::printf(".SH NOTES\n");
        print_text(std::string_view{options.note()}.substr(options.note().starts_with('\n') ? 1 : 0));
    }
    std::printf(".SH SEE ALSO\n.BR warpbeam (1)\n");
}

void print_overview() {
    print_title("warpbeam", "run and examine WebAssembly modules");
    std::printf(".SH SYNOPSIS\n.B warpbeam\nCOMMAND ...\n.br\n.B warpbeam\nFILE [ARGS...]\n.SH COMMANDS\n");
    for (const Command& command : all_commands())
        std::printf(".TP\n.BR warpbeam\\-%s (1)\n%s\n", roff(command.name).c_str(),
                    roff(command.summary).c_str());
}

} // namespace

int man(Words words) {
    const Options options{"man [COMMAND]", "Prints the manual page of a command, or one about all commands:\n"
                                           "    warpbeam man run | man -l -\n"};
    const auto given = options.parse(words);
    if (!given)
        return exit_success;
    if (given->size() > 1)
        throw options.error("at most one COMMAND can be given");
    if (given->empty()) {
        print_overview();
        return exit_success;
    }
    const Command& command = need_command(given->front(), "command");
    Options::present_with([&](const Options& described) { print_page(command, described); });
    const char* const help = "--help";
    return command.function(Words{&help, 1});
}

} // namespace warpbeam::cli
