#pragma once

#include "command.hpp"

#include <warpbeam/loader/feature.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace warpbeam::cli {

/// The options of one subcommand, from which both its parsing and its help come.
class Options {
public:
    /// `usage` is what follows `warpbeam`, `about` what help says below it.
    Options(std::string usage, std::string about) : usage_{std::move(usage)}, about_{std::move(about)} {}

    /// An option that is there or not. `name` has its dashes.
    Options& flag(std::string_view name, std::string_view help, bool& target);
    /// An option with a value. `take` may throw a UsageError, which then is reported with the option's name.
    Options& value(std::string_view name, std::string_view value_name, std::string_view help,
                   std::function<void(std::string_view)> take);

    /// Makes words such as `-5`, which begin like a negative number, no options.
    Options& take_numbers() {
        takes_numbers_ = true;
        return *this;
    }

    /// Adds a text that help prints at its end.
    void note(std::string text) { note_ += std::move(text); }

    /// Takes the options out of `words` and returns the other words; none when help was asked for and given.
    /// With `leading`, ends at the first word that is no option: what follows belongs to somebody else.
    [[nodiscard]] std::optional<std::vector<std::string_view>> parse(Words words, bool leading = false) const;
    /// The same where the one other word must be a FILE.
    [[nodiscard]] std::optional<std::string_view> parse_file(Words words) const;

    /// A UsageError that says where help is to be had.
    [[nodiscard]] UsageError error(const std::string& message) const;

private:
    struct Option {
        std::string_view name;
        std::string_view value_name; ///< empty for a flag
        std::string_view help;
        std::function<void(std::string_view)> take;
    };
    [[nodiscard]] bool is_option(std::string_view word) const;
    [[nodiscard]] const Option& find(std::string_view name) const;
    void print_help() const;

    std::string usage_;
    std::string about_;
    std::string note_;
    std::vector<Option> options_;
    bool takes_numbers_ = false;
};

/// A whole number, up to 2^64 - 1, with one of the suffixes K, M, G where `suffixes` says so (1024 each).
[[nodiscard]] uint64_t parse_count(std::string_view text, bool suffixes = false);

/// Adds `--features`, which switches features of the table on and off in `target`.
void add_feature_option(Options& options, FeatureSet& target);

} // namespace warpbeam::cli
