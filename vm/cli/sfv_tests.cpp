#include "command.hpp"
#include "options.hpp"

#include <warpbeam/sfv/tools/suite.hpp>

#include <cstdio>

namespace warpbeam::cli {

int sfv_tests(Words words) {
    bool only_choices = false;
    Options options{
        "sfv-tests [OPTIONS] DIR",
        "Runs the httpwg suite for Structured Fields in DIR:\n"
        "https://github.com/httpwg/structured-field-tests. Prints a line for each failed case and\n"
        "for each file, and the totals. The exit status is 1 if any case failed.\n"};
    options.flag("--can-fail", "print a table of the cases that may fail, and their results", only_choices);
    const auto given = options.parse(words);
    if (!given)
        return exit_success;
    if (given->size() != 1)
        throw options.error("exactly one DIR is needed");
    sfv::SuiteListener listener;
    if (only_choices) {
        std::printf("| case | field | read as | refused with |\n|---|---|---|---|\n");
        listener.choice = [](const sfv::Choice& choice) {
            std::string lines = choice.field;
            for (size_t at = 0; (at = lines.find('\n', at)) != std::string::npos;)
                lines.replace(at, 1, "`, `");
            std::printf("| %s: %s | `%s` | `%s` | `%s` |\n", choice.file.c_str(), choice.name.c_str(),
                        lines.c_str(), choice.answer.c_str(), choice.option.c_str());
        };
    } else {
        listener.failure = [](const std::string& failure) { std::printf("%s\n", failure.c_str()); };
        listener.file = [](const std::string& file, const sfv::SuiteCounts& counts) {
            std::printf("%s: %zu passed, %zu failed, 0 skipped\n", file.c_str(), counts.passed,
                        counts.failed);
        };
    }
    sfv::SuiteCounts total;
    try {
        total = sfv::run_suite(std::string(given->front()), listener);
    } catch (const std::runtime_error& error) {
        throw Failure(std::string("warpbeam: ") + error.what());
    }
    if (!only_choices)
        std::printf("%zu passed, %zu failed, 0 skipped\n", total.passed, total.failed);
    return total.failed == 0 ? exit_success : exit_failure;
}

} // namespace warpbeam::cli
