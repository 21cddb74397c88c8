#include "options.hpp"

#include "closest.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>

namespace warpbeam::cli {
namespace {

std::function<void(const Options&)> presenter;

/// Prints an option and what it does, in two columns.
void print_row(const std::string& synopsis, std::string_view help) {
    constexpr size_t indent = 25;
    constexpr size_t width = 100;
    std::string line = "  " + synopsis;
    if (line.size() >= indent) {
        std::printf("%s\n", line.c_str());
        line.clear();
    }
    while (!help.empty()) {
        line.resize(indent, ' ');
        // A word that is longer than the column would not end in it anyway.
        size_t end = help.size();
        if (end > width - indent) {
            end = help.rfind(' ', width - indent);
            end = std::min(end == std::string_view::npos ? help.find(' ') : end, help.size());
        }
        std::printf("%s%.*s\n", line.c_str(), WARPBEAM_PRINTED(help.substr(0, end)));
        help.remove_prefix(std::min(end + 1, help.size()));
        line.clear();
    }
}

/// What to use instead of options of wasmtime.
std::string our_spelling(std::string_view name) {
    struct Row {
        std::string_view theirs;
        const char* ours;
    };
    constexpr const char* limits =
        "use --timeout, --fuel, --max-memory, --max-stack, --features, --threads or --stub-imports";
    constexpr const char* world = "use --inherit-env, --env or --threads";
    constexpr const char* debugging = "use --coredump; source lines need no option";
    constexpr Row rows[] = {
        {"--wasm-timeout", "use --timeout"},
        {"--max-wasm-stack", "use --max-stack"},
        {"--max-memory-size", "use --max-memory"},
        {"--wasm-features", "use --features"},
        {"--trap-unknown-imports", "use --stub-imports"},
        {"--default-values-unknown-imports", "use --stub-imports=zero"},
        {"-W", limits},
        {"--wasm", limits},
        {"-S", world},
        {"--wasi", world},
        {"-D", debugging},
        {"--debug", debugging},
        {"-g", "source lines need no option"},
        {"--mapdir", "use --dir HOST::GUEST"},
        {"--coredump-on-trap", "use --coredump"},
        {"-O", "there are no levels of optimisation"},
        {"-C", "nothing is compiled to native code"},
    };
    for (const Row& row : rows)
        if (name == row.theirs || (row.theirs.size() == 2 && name.starts_with(row.theirs)))
            return row.ours;
    return {};
}

} // namespace

Options& Options::flag(std::string_view name, std::string_view help, bool& target) {
    options_.push_back({name, {}, help, false, [&target](std::string_view) { target = true; }});
    return *this;
}

Options& Options::value(std::string_view name, std::string_view value_name, std::string_view help,
                        std::function<void(std::string_view)> take) {
    options_.push_back({name, value_name, help, false, std::move(take)});
    return *this;
}

Options& Options::optional_value(std::string_view name, std::string_view value_name, std::string_view help,
                                 std::function<void(std::string_view)> take) {
    options_.push_back({name, value_name, help, true, std::move(take)});
    return *this;
}

std::optional<std::vector<std::string_view>> Options::parse(Words words, bool leading) const {
    std::vector<std::string_view> others;
    bool only_others = false;
    for (size_t i = 0; i < words.size(); ++i) {
        const std::string_view word = words[i];
        if (only_others || !is_option(word)) {
            others.push_back(word);
            only_others |= leading;
            continue;
        }
        if (word == "--") {
            only_others = true;
            continue;
        }
        if (word == "--help" || word == "-h") {
            print_help();
            return std::nullopt;
        }
        const size_t equals = word.starts_with("--") ? word.find('=') : std::string_view::npos;
        const Option& option = find(word.substr(0, equals));
        std::string_view given;
        if (option.value_name.empty()) {
            if (equals != std::string_view::npos)
                throw error("option " + std::string(option.name) + " takes no value");
        } else if (equals != std::string_view::npos) {
            given = word.substr(equals + 1);
            if (option.is_optional && given.empty())
                throw error("option " + std::string(option.name) + " has nothing after its =");
        } else if (option.is_optional) {
            // The next word is not meant.
        } else if (i + 1 < words.size()) {
            given = words[++i];
        } else {
            throw error("option " + std::string(option.name) +
                        " needs a value: " + std::string(option.value_name));
        }
        if (given.empty() && (option.value_name == "FILE" || option.value_name == "OUT") &&
            !option.is_optional)
            throw error("option " + std::string(option.name) + ": the name of a file is empty");
        try {
            option.take(given);
        } catch (const UsageError& wrong) {
            throw error("option " + std::string(option.name) + ": " + wrong.what());
        }
    }
    return others;
}

std::optional<std::string_view> Options::parse_file(Words words) const {
    const auto files = parse(words);
    if (files && files->size() != 1)
        throw error("exactly one FILE is needed");
    return files ? std::optional{files->front()} : std::nullopt;
}

bool Options::is_option(std::string_view word) const {
    if (!word.starts_with("-") || word == "-")
        return false;
    return !takes_numbers_ || word[1] < '0' || word[1] > '9';
}

const Options::Option& Options::find(std::string_view name) const {
    for (const Option& option : options_)
        if (option.name == name)
            return option;
    if (const std::string ours = our_spelling(name); !ours.empty())
        throw error("unknown option " + std::string(name) + ": " + ours);
    std::vector<std::string_view> names{"--help"};
    for (const Option& option : options_)
        names.push_back(option.name);
    const std::string hint = did_you_mean(name, names);
    throw error("unknown option " + std::string(name) +
                (hint.empty() ? " (arguments after -- are not options)" : hint));
}

UsageError Options::error(const std::string& message) const {
    const std::string command = usage_.substr(0, usage_.find(' '));
    return UsageError{command + ": " + message + "; see warpbeam " + command + " --help"};
}

std::string Options::Option::synopsis() const {
    std::string text{name};
    if (is_optional)
        return text + "[=" + std::string(value_name) + "]";
    return value_name.empty() ? text : text + " " + std::string(value_name);
}

void Options::present_with(std::function<void(const Options&)> other) { presenter = std::move(other); }

void Options::print_help() const {
    if (presenter)
        return presenter(*this);
    std::printf("usage: warpbeam %s\n\n%s\n", usage_.c_str(), about_.c_str());
    std::printf("options:\n");
    for (const Option& option : options_)
        print_row(option.synopsis(), option.help);
    print_row("--help", "print this text");
    std::printf("%s", note_.c_str());
}

uint64_t parse_count(std::string_view text, bool suffixes) {
    uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, fault] = std::from_chars(text.data(), end, number);
    if (fault == std::errc::result_out_of_range)
        throw UsageError("'" + std::string(text) + "' is too large");
    std::string_view rest{stop, static_cast<size_t>(end - stop)};
    if (fault != std::errc{} || !(rest.empty() || (suffixes && rest.size() == 1)))
        throw UsageError("'" + std::string(text) + "' is not a whole number" +
                         (suffixes ? " (K, M or G may follow)" : ""));
    if (rest.empty())
        return number;
    const size_t power = std::string_view{"KMG"}.find(rest.front());
    if (power == std::string_view::npos)
        throw UsageError("'" + std::string(text) + "' has an unknown suffix; use K, M or G");
    const unsigned shift = 10 * (static_cast<unsigned>(power) + 1);
    if (number > UINT64_MAX >> shift)
        throw UsageError("'" + std::string(text) + "' is too large");
    return number << shift;
}

size_t parse_size(std::string_view text, bool suffixes) {
    const uint64_t bytes = parse_count(text, suffixes);
    if (bytes > SIZE_MAX)
        throw UsageError("'" + std::string(text) + "' is too large for this machine");
    return static_cast<size_t>(bytes);
}

std::chrono::microseconds parse_duration(std::string_view text) {
    const size_t length = std::min(text.find_first_not_of("0123456789."), text.size());
    const std::string digits{text.substr(0, length)};
    const std::string_view unit = text.substr(length);
    const bool is_number =
        digits.find_first_of("0123456789") != std::string::npos && digits.find('.') == digits.rfind('.');
    const double number = std::strtod(digits.c_str(), nullptr); // the command keeps the locale "C"
    const double size = unit == "us"   ? 1
                        : unit == "ms" ? 1e3
                        : unit == "s"  ? 1e6
                        : unit == "m"  ? 60e6
                        : unit == "h"  ? 3600e6
                                       : 0;
    if (!is_number || size == 0)
        throw UsageError("'" + std::string(text) +
                         "' is not a duration: a number and us, ms, s, m or h, such as 1.5s");
    constexpr double longest = 1e15; // thirty years, which every system's timers can hold
    if (number * size > longest)
        throw UsageError("'" + std::string(text) + "' is too long");
    if (number * size < 1)
        throw UsageError("'" + std::string(text) + "' is no time at all");
    return std::chrono::microseconds{static_cast<int64_t>(number * size)};
}

namespace {

void switch_features(FeatureSet& features, std::string_view list) {
    while (!list.empty()) {
        const size_t comma = list.find(',');
        const std::string_view item = list.substr(0, comma);
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
        if (!item.starts_with("+") && !item.starts_with("-"))
            throw UsageError("'" + std::string(item) + "' must begin with + or -");
        const std::string_view name = item.substr(1);
        bool known = false;
        for (const FeatureRow& row : feature_table) {
            if (row.feature == Feature::core || (name != "all" && name != row.name))
                continue;
            known = true;
            if (item.front() == '+')
                features.enable(row.feature);
            else
                features.disable(row.feature);
        }
        if (known)
            continue;
        std::vector<std::string_view> names{"all"};
        for (const FeatureRow& row : feature_table)
            if (row.feature != Feature::core)
                names.push_back(row.name);
        if (const std::string hint = did_you_mean(name, names); !hint.empty())
            throw UsageError("unknown feature '" + std::string(name) + "'" + hint);
        std::string message = "unknown feature '" + std::string(name) + "'; use one of: all";
        for (const FeatureRow& row : feature_table)
            if (row.feature != Feature::core)
                message.append(", ").append(row.name);
        throw UsageError(message);
    }
}

} // namespace

void add_feature_option(Options& options, FeatureSet& target) {
    std::string names = "\nfeatures and their defaults (all stands for every feature):\n";
    for (const FeatureRow& row : feature_table) {
        if (row.feature == Feature::core)
            continue;
        std::string name{row.name};
        name.resize(24, ' ');
        names.append("  ").append(name).append(target.has(row.feature) ? "on   " : "off  ");
        names.append(row.summary).append(row.standard ? "\n" : " (beyond 3.0)\n");
    }
    options.note(names);
    options.value("--features", "+x,-y", "switch WebAssembly features on or off",
                  [&target](std::string_view list) { switch_features(target, list); });
}

} // namespace warpbeam::cli
