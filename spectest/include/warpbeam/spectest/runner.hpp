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
    /// Of the engine that each script gets. By default every feature is on but custom descriptors, which
    /// change what is valid without them; `run_file` switches them on in the folder of their proposal.
    Config config{.features = FeatureSet::all().disable(Feature::custom_descriptors),
                  .limits = {},
                  .allocator = nullptr};
    /// Whether a module that needs a feature that is off counts as malformed or invalid: before there was
    /// that feature, it was.
    bool unsupported_is_invalid = false;
    /// What findings say of a module that was refused; by default the message of the error.
    std::function<std::string(const Error&)> explain = [](const Error& error) {
        return std::string{error.message()};
    };
    /// Whether messages of errors that differ from the script's are reported; they never fail a directive.
    bool compare_messages = false;
};

/// Runs one script in an engine and store of its own, with the `spectest` module to import from. `name` is
/// only for the findings, which go to `report` as they occur.
Counts run_script(std::string_view name, std::string_view text, const RunOptions& options,
                  const std::function<void(const Finding&)>& report);

/// The same for a file; one that cannot be read is a failure. The scripts of a proposal that was written
/// against an older version of WebAssembly (threads) are run with the features of that version.
Counts run_file(const std::string& path, const RunOptions& options,
                const std::function<void(const Finding&)>& report);

} // namespace warpbeam::spectest
