#pragma once

#include <warpbeam/spectest/script.hpp>
#include <warpbeam/vm/engine.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace warpbeam::spectest {

/// How many directives of a script did what it says. Every command counts as one, also those that only
/// define or instantiate; what cannot be executed counts as failed.
struct Counts {
    unsigned passed = 0;
    unsigned failed = 0;
    unsigned skipped = 0;

    Counts& operator+=(const Counts& more) noexcept {
        passed += more.passed;
        failed += more.failed;
        skipped += more.skipped;
        return *this;
    }
};

/// Something that a script did not expect.
struct Finding {
    std::string_view file;
    uint32_t line = 0;
    /// What was expected and what came.
    std::string message;
    /// Whether the directive counts as failed; else only the words of an error were others.
    bool failed = true;

    /// `file:line: message`
    [[nodiscard]] std::string text() const;
};

struct RunOptions {
    /// Of the engine that each script gets. By default every feature is on.
    Config config{.features = FeatureSet::all(), .limits = {}, .allocator = nullptr};
    /// Whether messages of errors that differ from the script's are reported; they never fail a directive.
    bool compare_messages = false;
};

/// Runs one script in an engine and store of its own, with the `spectest` module to import from. `name` is
/// only for the findings, which go to `report` as they occur.
Counts run_script(std::string_view name, std::string_view text, const RunOptions& options,
                  const std::function<void(const Finding&)>& report);

/// The same for a file; one that cannot be read is a failure.
Counts run_file(const std::string& path, const RunOptions& options,
                const std::function<void(const Finding&)>& report);

} // namespace warpbeam::spectest
