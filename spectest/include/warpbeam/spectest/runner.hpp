#pragma once

#include <warpbeam/spectest/script.hpp>
#include <warpbeam/vm/instance.hpp>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace warpbeam::spectest {

/// How many directives of a script passed. Every command counts as one, even those that only define or
/// instantiate; what cannot be executed counts as failed.
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

/// A deviation from a script.
struct Finding {
    std::string_view file;
    uint32_t line = 0; ///< 0: it is about the whole file
    /// What was expected and what was found.
    std::string message;
    /// Whether the directive counts as failed; otherwise only an error message differs.
    bool failed = true;

    /// `file:line: message`, without a line that is 0
    [[nodiscard]] std::string text() const;
};

/// A call that a script is about to make.
struct PendingCall {
    Store& store;
    std::span<const Instance> instances; ///< all that the script still names
    Func function;
    std::span<const Value> arguments;
    uint32_t line = 0;
};

struct RunOptions {
    /// The features of each script's engine. `run_file` adds the one of `folder_features` to whose
    /// proposal the script belongs.
    Config config{.features = script_features(), .limits = {}, .allocator = nullptr};
    /// Whether a module that needs a feature that is off counts as malformed or invalid, as it was before
    /// that feature existed.
    bool unsupported_is_invalid = false;
    /// The explanation of a refused module in findings; by default the error's message.
    std::function<std::string(const Error&)> explain = [](const Error& error) {
        return std::string{error.message()};
    };
    /// Whether error messages that differ from the script's are reported; they never fail a directive.
    bool compare_messages = false;
    /// @{ Called for each module that is loaded, and before each call: also by the threads of a script.
    std::function<void(std::span<const uint8_t>, const Module&)> loaded;
    std::function<void(const PendingCall&)> before_call;
    /// @}
};

/// Runs one script in its own engine and store, with the `spectest` module to import from. `name` is only
/// used in the findings, which go to `report` as they occur.
Counts run_script(std::string_view name, std::string_view text, const RunOptions& options,
                  const std::function<void(const Finding&)>& report);

/// The same for a file; one that cannot be read is a failure. The scripts of a proposal that was written
/// against an older version of WebAssembly (threads) run with that version's features.
Counts run_file(const std::string& path, const RunOptions& options,
                const std::function<void(const Finding&)>& report);

} // namespace warpbeam::spectest
