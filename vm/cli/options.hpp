#pragma once

#include "command.hpp"

#include <warpbeam/loader/feature.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace warpbeam::cli {

/// The options of one subcommand. Both parsing and help use them.
class Options {
public:
    /// `usage` is what follows `warpbeam`, `about` is the text below it in the help.
    Options(std::string usage, std::string about) : usage_{std::move(usage)}, about_{std::move(about)} {}

    /// An option without a value. `name` includes its dashes.
    Options& flag(std::string_view name, std::string_view help, bool& target);
    /// An option with a value. `take` may throw a UsageError; the option's name is then added.
    Options& value(std::string_view name, std::string_view value_name, std::string_view help,
                   std::function<void(std::string_view)> take);

    /// An option whose value may be missing, and is then empty. If there is one, it follows after `=`.
    Options& optional_value(std::string_view name, std::string_view value_name, std::string_view help,
                            std::function<void(std::string_view)> take);

    /// Words that begin like a negative number, such as `-5`, are not options.
    Options& take_numbers() {
        takes_numbers_ = true;
        return *this;
    }

    /// Adds text to the end of the help.
    void note(std::string_view text) { note_ += text; }

    /// Removes the options from `words` and returns the other words; nothing if help was printed. With
    /// `leading`, stops at the first word that is not an option: the rest belongs to the program.
    [[nodiscard]] std::optional<std::vector<std::string_view>> parse(Words words, bool leading = false) const;
    /// The same if there must be exactly one other word, FILE.
    [[nodiscard]] std::optional<std::string_view> parse_file(Words words) const;

    /// A UsageError that points to the help.
    [[nodiscard]] UsageError error(const std::string& message) const;

    struct Option {
        std::string_view name;
        std::string_view value_name; ///< empty for a flag
        std::string_view help;
        bool is_optional; ///< whether the value may be left out; if not, it may follow as the next word
        std::function<void(std::string_view)> take;
        /// What the help says of it: `--fuel N`, `--stub-imports[=trap|zero]`.
        [[nodiscard]] std::string synopsis() const;
    };
    /// @{ All that the help says.
    [[nodiscard]] const std::string& usage() const noexcept { return usage_; }
    [[nodiscard]] const std::string& about() const noexcept { return about_; }
    [[nodiscard]] const std::string& note() const noexcept { return note_; }
    [[nodiscard]] const std::vector<Option>& all() const noexcept { return options_; }
    /// @}
    /// From now on, `--help` calls this instead of printing the help: for other forms of the same.
    static void present_with(std::function<void(const Options&)> presenter);

private:
    [[nodiscard]] bool is_option(std::string_view word) const;
    [[nodiscard]] const Option& find(std::string_view name) const;
    void print_help() const;

    std::string usage_;
    std::string about_;
    std::string note_;
    std::vector<Option> options_;
    bool takes_numbers_ = false;
};

/// A whole number up to 2^64 - 1; with `suffixes`, K, M or G may follow (factors of 1024).
[[nodiscard]] uint64_t parse_count(std::string_view text, bool suffixes = false);
/// The same for what this machine has in its memory: at most SIZE_MAX.
[[nodiscard]] size_t parse_size(std::string_view text, bool suffixes = true);

/// A duration such as `1.5s`, `300ms` or `2m`.
[[nodiscard]] std::chrono::microseconds parse_duration(std::string_view text);

/// Adds `--features`, which switches features in `target` on and off.
void add_feature_option(Options& options, FeatureSet& target);

} // namespace warpbeam::cli
