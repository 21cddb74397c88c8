#include "options.hpp"

#include <warpbeam/loader/feature.hpp>

#include <cstdio>

namespace warpbeam::cli {
namespace {

/// A command with the parts of its help.
struct Described {
    const Command* command;
    std::vector<Options::Option> options;
};

std::vector<Described> describe_all() {
    std::vector<Described> all;
    for (const Command& command : all_commands()) {
        all.push_back({&command, {}});
        Options::present_with([&](const Options& options) { all.back().options = options.all(); });
        const char* const help = "--help";
        (void)command.function(Words{&help, 1});
    }
    Options::present_with({});
    return all;
}

constexpr std::string_view shells = "bash zsh fish";

/// All commands, with spaces between them.
std::string command_names() {
    std::string names;
    for (const Command& command : all_commands())
        names.append(names.empty() ? "" : " ").append(command.name);
    return names;
}

/// The words that may follow a command, if these are not files.
std::string operands_of(const Command& command) {
    return command.name == "man"           ? command_names()
           : command.name == "completions" ? std::string{shells}
           : command.name == "sfv"         ? "parse format canonical"
                                           : "";
}

/// The items of --features, with spaces between them.
std::string feature_items() {
    std::string items = "+all -all";
    for (const FeatureRow& row : feature_table)
        if (row.feature != Feature::core)
            items.append(" +").append(row.name).append(" -").append(row.name);
    return items;
}

/// Between single quotes, with these characters escaped by a backslash.
std::string quoted(std::string_view text, std::string_view special, std::string_view quote) {
    std::string result;
    for (const char c : text) {
        if (special.find(c) != std::string_view::npos)
            result += '\\';
        if (c == '\'')
            result += quote;
        else
            result += c;
    }
    return "'" + result + "'";
}

void print_bash(const std::vector<Described>& all) {
    const std::string names = command_names();
    std::printf(
        "# Completion of warpbeam for bash: source it, or put it into bash-completion's folder.\n"
        "_warpbeam() {\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} options= operands=\n"
        "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
        "        mapfile -t COMPREPLY < <(compgen -W '%s help --help --version' -- \"$word\"; compgen -f -- "
        "\"$word\")\n"
        "        return\n"
        "    fi\n"
        "    # bash takes a = for a word.\n"
        "    local before=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\"\n"
        "    [[ $word == = ]] && word=\n"
        "    if [[ $before == *--features || $before == *'--features =' ]]; then\n"
        "        mapfile -t COMPREPLY < <(compgen -P \"${word%%\"${word##*,}\"}\" -W '%s' -- "
        "\"${word##*,}\")\n"
        "        return\n"
        "    fi\n"
        "    case ${COMP_WORDS[1]} in\n",
        names.c_str(), feature_items().c_str());
    for (const Described& each : all) {
        std::string options = "--help";
        for (const Options::Option& option : each.options)
            options.append(" ").append(option.name);
        const std::string operands = operands_of(*each.command);
        std::printf("    %.*s) options='%s' operands='%s' ;;\n", WARPBEAM_PRINTED(each.command->name),
                    options.c_str(), operands.c_str());
    }
    std::printf("    help) operands='%s' ;;\n"
                "    esac\n"
                "    if [[ $word == -* ]]; then\n"
                "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
                "    elif [[ -n $operands ]]; then\n"
                "        mapfile -t COMPREPLY < <(compgen -W \"$operands\" -- \"$word\")\n"
                "    else\n"
                "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
                "    fi\n"
                "}\n"
                "complete -o filenames -F _warpbeam warpbeam\n",
                names.c_str());
}

void print_zsh(const std::vector<Described>& all) {
    constexpr std::string_view quote = "'\\''";
    std::printf("#compdef warpbeam\n"
                "# Completion of warpbeam for zsh: put it into a folder of $fpath as _warpbeam.\n"
                "_warpbeam() {\n"
                "    local -a commands\n"
                "    commands=(\n");
    for (const Described& each : all)
        std::printf("        %s\n",
                    quoted(std::string(each.command->name) + ":" + each.command->summary, "", quote).c_str());
    std::printf("    )\n"
                "    if ((CURRENT == 2)); then\n"
                "        _describe command commands\n"
                "        _files\n"
                "        return\n"
                "    fi\n"
                "    local command=$words[2]\n"
                "    shift words\n"
                "    ((CURRENT--))\n"
                "    case $command in\n");
    for (const Described& each : all) {
        std::printf("    %.*s) _arguments", WARPBEAM_PRINTED(each.command->name));
        for (const Options::Option& option : each.options) {
            std::string row{option.name};
            row += option.value_name.empty() ? ""
                   : option.is_optional      ? "=-"
                   : option.name.size() > 2  ? "="
                                             : "";
            std::string help;
            for (const char c : option.help)
                help.append(c == '[' || c == ']' || c == '\\' ? "\\" : "").append(1, c);
            row += "[" + help + "]";
            if (!option.value_name.empty()) {
                std::string value;
                for (const char c : option.value_name)
                    value.append(c == ':' || c == '\\' ? "\\" : "").append(1, c);
                row += (option.is_optional ? "::" : ":") + value + ":";
                if (option.value_name.find("FILE") != std::string_view::npos || option.value_name == "OUT")
                    row += "_files";
            }
            std::printf(" \\\n        %s", quoted(row, "", quote).c_str());
        }
        const std::string operands = operands_of(*each.command);
        std::printf(" \\\n        '--help[print the help]' '*:%s' ;;\n",
                    operands.empty() ? "file:_files" : ("word:(" + operands + ")").c_str());
    }
    std::printf("    esac\n"
                "}\n"
                "_warpbeam \"$@\"\n");
}

void print_fish(const std::vector<Described>& all) {
    std::printf("# Completion of warpbeam for fish: put it into ~/.config/fish/completions/warpbeam.fish.\n");
    constexpr std::string_view special = "\\";
    for (const Described& each : all)
        std::printf("complete -c warpbeam -n __fish_use_subcommand -a %.*s -d %s\n",
                    WARPBEAM_PRINTED(each.command->name),
                    quoted(each.command->summary, special, "\\'").c_str());
    for (const Described& each : all) {
        if (const std::string operands = operands_of(*each.command); !operands.empty())
            std::printf("complete -c warpbeam -n '__fish_seen_subcommand_from %.*s' -f -a '%s'\n",
                        WARPBEAM_PRINTED(each.command->name), operands.c_str());
        for (const Options::Option& option : each.options) {
            const bool is_long = option.name.starts_with("--");
            std::printf("complete -c warpbeam -n '__fish_seen_subcommand_from %.*s' %s %.*s%s -d %s\n",
                        WARPBEAM_PRINTED(each.command->name), is_long ? "-l" : "-s",
                        WARPBEAM_PRINTED(option.name.substr(is_long ? 2 : 1)),
                        option.value_name.empty() || option.is_optional ? "" : " -r",
                        quoted(option.help, special, "\\'").c_str());
        }
    }
}

} // namespace

int completions(Words words) {
    const Options options{"completions bash|zsh|fish",
                          "Prints a script that lets the shell complete commands and options. For bash:\n"
                          "    source <(warpbeam completions bash)\n"};
    const auto given = options.parse(words);
    if (!given)
        return exit_success;
    const std::string_view shell = given->size() == 1 ? given->front() : "";
    if (shell != "bash" && shell != "zsh" && shell != "fish")
        throw options.error("the name of a shell is needed: bash, zsh or fish");
    const std::vector<Described> all = describe_all();
    if (shell == "bash")
        print_bash(all);
    else if (shell == "zsh")
        print_zsh(all);
    else
        print_fish(all);
    return exit_success;
}

} // namespace warpbeam::cli
