#include "files.hpp"
#include "json.hpp"
#include "options.hpp"
#include "terminal.hpp"

#include <warpbeam/spectest/runner.hpp>
#include <warpbeam/vm/observer.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>

namespace warpbeam::cli {

namespace {

using spectest::Counts;
using spectest::Finding;

/// The files that an argument stands for: the file itself, or the scripts in a directory, sorted by name.
std::vector<std::string> scripts_of(std::string_view word) {
    const std::filesystem::path path{word};
    std::error_code fault;
    if (!std::filesystem::is_directory(path, fault))
        return {std::string(word)};
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(path, fault))
        if (entry.path().extension() == ".wast")
            files.push_back(entry.path().string());
    if (fault)
        throw Failure("warpbeam: cannot read " + std::string(word) + ": " + fault.message());
    if (files.empty())
        throw Failure("warpbeam: no .wast file in " + std::string(word));
    std::ranges::sort(files);
    return files;
}

/// Reports each file, then the totals.
class Report {
public:
    virtual ~Report() = default;
    virtual void begin(const std::string& file) = 0;
    virtual void finding(const Finding& finding) = 0;
    virtual void end(const std::string& file, const Counts& counts) = 0;
    virtual void close(const Counts& total) = 0;
};

std::string counts_text(const Counts& counts) {
    return std::to_string(counts.passed) + " passed, " + std::to_string(counts.failed) + " failed, " +
           std::to_string(counts.skipped) + " skipped";
}

class Lines final : public Report {
public:
    explicit Lines(bool quiet) : quiet_{quiet} {}
    void begin(const std::string&) override {}
    void finding(const Finding& finding) override {
        if (quiet_)
            return;
        // Findings may contain names from the script; the line breaks are ours.
        const std::string text = finding.text();
        for (size_t begin = 0; begin <= text.size();) {
            const size_t end = std::min(text.find('\n', begin), text.size());
            std::printf("%s\n", printable(std::string_view{text}.substr(begin, end - begin)).c_str());
            begin = end + 1;
        }
    }
    void end(const std::string& file, const Counts& counts) override {
        std::printf("%s: %s\n", file.c_str(), counts_text(counts).c_str());
    }
    void close(const Counts& total) override { std::printf("%s\n", counts_text(total).c_str()); }

private:
    bool quiet_;
};

std::string json_counts(const Counts& counts) {
    return "\"passed\": " + std::to_string(counts.passed) + ", \"failed\": " + std::to_string(counts.failed) +
           ", \"skipped\": " + std::to_string(counts.skipped);
}

/// One JSON object: the files with their findings, and the totals.
class Json final : public Report {
public:
    void begin(const std::string& file) override {
        std::printf("%s\n  {\"file\": %s, \"findings\": [", is_first_file_ ? "{\"files\": [" : ",",
                    json_string(file).c_str());
        is_first_file_ = false;
        is_first_finding_ = true;
    }
    void finding(const Finding& finding) override {
        std::printf("%s\n    {\"line\": %u, \"failed\": %s, \"message\": %s}", is_first_finding_ ? "" : ",",
                    finding.line, finding.failed ? "true" : "false", json_string(finding.message).c_str());
        is_first_finding_ = false;
    }
    void end(const std::string&, const Counts& counts) override {
        std::printf("], %s}", json_counts(counts).c_str());
    }
    void close(const Counts& total) override { std::printf("\n], %s}\n", json_counts(total).c_str()); }

private:
    bool is_first_file_ = true;
    bool is_first_finding_ = true;
};

/// Looks at everything that an observer is told, which must be there, and does nothing with it.
class Onlooker final : public Observer {
public:
    void observe(const Observation& event) noexcept override {
        const FuncType type = event.type();
        const bool begins = event.event() == Observed::enter;
        if (begins || event.event() == Observed::leave)
            for (size_t i = 0; i < slots_of(begins ? type.params : type.results); ++i)
                seen_ = seen_ + event.operands()[i];
        if (event.event() == Observed::access)
            seen_ =
                seen_ + event.operands()[0] + event.memory(0).size() + event.module().bytes()[event.offset()];
        seen_ = seen_ + event.func() + event.depth() + event.outer_depth();
    }

private:
    volatile uint64_t seen_ = 0;
};

} // namespace

int wast(Words words) {
    spectest::RunOptions run;
    run.explain = explain;
    bool as_json = false;
    bool quiet = false;
    bool observe = false;
    Onlooker onlooker;
    Options options{
        "wast [OPTIONS] FILE...",
        "Runs scripts of the official test suite, https://github.com/WebAssembly/testsuite. A FILE that is "
        "a\n"
        "directory stands for the .wast files in it, but not in its subdirectories.\n"
        "Prints failures, a line for each file, and the totals: every directive of a script counts\n"
        "as passed, failed or skipped. The exit status is 1 if any failed. All features are on unless\n"
        "they are switched off; custom-descriptors and stack-switching are only on for scripts in a "
        "directory\n"
        "of that name.\n"};
    options.flag("--json", "print a JSON object instead of lines", as_json)
        .flag("--quiet", "print only the counts", quiet)
        .flag("--messages", "also report errors whose message differs from the script's",
              run.compare_messages)
        .flag("--eager", "prepare all functions in advance, not at their first calls", run.config.eager)
        .flag("--collect-always", "collect garbage at every allocation", run.config.collect_always)
        .flag("--observe", "tell an observer of all calls and accesses to memories", observe)
        .flag("--deterministic", "use the deterministic profile", run.config.deterministic)
        .flag("--guard-pages", "let the hardware check memory bounds where it can", run.config.guard_pages);
    add_feature_option(options, run.config.features);
    const auto given = options.parse(words);
    if (!given)
        return exit_success;
    if (given->empty())
        throw options.error("a FILE is needed");
    if (observe) {
        run.config.observer = &onlooker;
        run.config.observe_calls = run.config.observe_accesses = true;
    }
    std::vector<std::string> files;
    for (const std::string_view word : *given)
        for (std::string& file : scripts_of(word))
            files.push_back(std::move(file));

    Lines lines{quiet};
    Json json;
    Report& report = as_json ? static_cast<Report&>(json) : lines;
    Counts total;
    Progress progress{"running", files.size()};
    for (const std::string& file : files) {
        progress.next(file);
        report.begin(file);
        const Counts counts = spectest::run_file(file, run, [&](const Finding& finding) {
            progress.erase();
            report.finding(finding);
        });
        progress.erase();
        report.end(file, counts);
        total += counts;
        (void)std::fflush(stdout); // a slow script should not hide the results of earlier ones
    }
    report.close(total);
    return total.failed == 0 ? exit_success : exit_failure;
}

} // namespace warpbeam::cli
