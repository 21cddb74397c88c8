#pragma once

#include "call_tree.hpp"
#include "files.hpp"
#include "options.hpp"
#include "profile.hpp"
#include "stats.hpp"
#include "trace.hpp"

#include <warpbeam/vm/func.hpp>
#include <warpbeam/vm/observer.hpp>

#include <optional>
#include <string>
#include <vector>

namespace warpbeam::cli {

/// What `--profile`, `--trace`, `--trace-memory` and `--stats` ask for.
struct InstrumentSettings {
    enum class Profile : uint8_t { none, sampled, exact };
    Profile profile = Profile::none;
    std::string profile_path; ///< where the flame graph or the samples go; empty: nowhere
    TraceSettings trace;
    enum class Stats : uint8_t { none, table, json };
    Stats stats = Stats::none;

    [[nodiscard]] bool wanted() const {
        return profile != Profile::none || trace.wanted() || stats != Stats::none;
    }
};

/// Declares the options.
void add_instrument_options(Options& options, InstrumentSettings& settings);
/// Throws a UsageError for those that do not go together, or, with `is_saved`, not with options that save or
/// record the program.
void check_instrument_options(const Options& options, const InstrumentSettings& settings, bool is_saved);

/// Profiles, traces and measures one run. If nothing of this is wanted, it only calls the function.
class Instruments final : public Observer {
public:
    /// Creates the file of the profile; throws Failure if that is impossible.
    explicit Instruments(const InstrumentSettings& settings);

    /// Adds what the instruments need. If fuel must be counted but is not limited, `fuel` becomes as much as
    /// possible.
    void configure(Config& config, uint64_t& fuel);
    /// From now on, time belongs to this phase.
    void begin(Phase phase);
    /// What runs is this module.
    void note(const Module& module);
    /// Calls the function. If it does not return, that is reported, and the exit status is returned.
    [[nodiscard]] std::optional<int> call(Store& store, const Func& func, std::span<const Value> args = {},
                                          std::span<Value> results = {});
    /// Prints what is wanted, after the end of the run. Throws Failure if a file can't be written.
    void finish();

private:
    void observe(const Observation& observation) noexcept override;
    void lower(const Module& module, uint32_t func, bool begins) noexcept override;
    [[nodiscard]] std::optional<int> advance(Store& store, Execution& execution, Sampler* sampler);
    void end_phase();
    void write_profile();

    const InstrumentSettings& settings_;
    Statistics statistics_;
    std::optional<Phase> phase_;
    Statistics::Clock::time_point since_;
    double began_ = 0; ///< the run, in milliseconds since 1970
    Statistics::Clock::time_point lowering_since_;
    std::vector<bool> lowered_; ///< by function
    std::optional<CallTree> tree_;
    std::optional<Tracer> tracer_;
    std::optional<Counter> counter_; ///< for the exact profile
    std::optional<OutputFile> file_;
    uint64_t fuel_ = 0; ///< at the beginning
};

} // namespace warpbeam::cli
