#include "instruments.hpp"

#include "backtrace.hpp"
#include "saved_program.hpp"
#include "stop.hpp"

#include <warpbeam/wasi/threads.hpp>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace warpbeam::cli {

namespace {

using Profile = InstrumentSettings::Profile;
using Stats = InstrumentSettings::Stats;

void set_profile(InstrumentSettings& settings, std::string_view text) {
    settings.profile = text == "exact" ? Profile::exact : Profile::sampled;
    settings.profile_path.clear();
    if (text.empty() || text == "exact")
        return;
    if (!text.ends_with(".svg") && !text.ends_with(".json"))
        throw UsageError("'" + std::string(text) +
                         "' must end with .svg (a flame graph), .firefox.json (for the Firefox Profiler) or "
                         ".json (for speedscope), or be 'exact'");
    settings.profile_path = text;
}

} // namespace

void add_instrument_options(Options& options, InstrumentSettings& settings) {
    options
        .optional_value(
            "--profile", "FILE",
            "print which functions take how much time; FILE.svg: also a flame graph, FILE.firefox.json: for "
            "profiler.firefox.com, FILE.json: for speedscope.app; exact: calls and fuel instead",
            [&](std::string_view text) { set_profile(settings, text); })
        .optional_value("--trace", "FILTER",
                        "print calls with arguments and results; FILTER: names (with *) or indices of "
                        "functions, with commas",
                        [&](std::string_view text) {
                            settings.trace.calls = true;
                            settings.trace.filter.reset();
                            if (!text.empty())
                                settings.trace.filter.emplace(text);
                        })
        .value("--trace-memory", "FROM:TO", "print accesses to these addresses of memories, TO not included",
               [&](std::string_view text) { settings.trace.memory = parse_range(text); })
        .optional_value("--stats", "json", "print what loading, lowering and running took, at the end",
                        [&](std::string_view text) {
                            if (!text.empty() && text != "json")
                                throw UsageError("'" + std::string(text) + "' is not a format; use json");
                            settings.stats = text.empty() ? Stats::table : Stats::json;
                        });
}

void check_instrument_options(const Options& options, const InstrumentSettings& settings, bool is_saved) {
    if (settings.wanted() && is_saved)
        throw options.error("--profile, --trace and --stats can't be combined with --record, --snapshot or "
                            "--print-fuel");
    if (settings.profile != Profile::none && settings.trace.wanted())
        throw options.error("--profile can't be combined with --trace or --trace-memory: it would show what "
                            "the trace takes");
}

Instruments::Instruments(const InstrumentSettings& settings) : settings_{settings} {
    if (settings.profile != Profile::none)
        tree_.emplace(settings.profile == Profile::exact);
    if (settings.trace.wanted())
        tracer_.emplace(settings.trace);
    if (!settings.profile_path.empty()) {
        file_.emplace(settings.profile_path);
        file_->check();
    }
}

void Instruments::configure(Config& config, uint64_t& fuel) {
    const bool is_exact = settings_.profile == Profile::exact;
    if (is_exact && !config.fuel) {
        config.fuel = true;
        fuel = max_fuel;
    }
    fuel_ = std::min(fuel, max_fuel);
    statistics_.counts_fuel = config.fuel;
    if (is_exact)
        counter_.emplace(*tree_, fuel_);
    config.observe_calls = is_exact || settings_.trace.calls;
    config.observe_accesses = settings_.trace.memory.has_value();
    if (settings_.wanted())
        config.observer = this;
}

// ---- Phases ----

void Instruments::end_phase() {
    if (phase_)
        statistics_.time(*phase_) += Statistics::Clock::now() - since_;
    phase_.reset();
}

void Instruments::begin(Phase phase) {
    end_phase();
    phase_ = phase;
    since_ = Statistics::Clock::now();
}

void Instruments::note(const Module& module) {
    statistics_.module_bytes = module.bytes().size();
    statistics_.functions = module.bodies().size();
    if (tree_)
        tree_->set_module(module);
}

// ---- Events ----

void Instruments::observe(const Observation& observation) noexcept {
    if (!is_main_thread())
        return;
    // If memory runs out here, there is nothing better to do than to end.
    if (tracer_)
        tracer_->observe(observation);
    else if (counter_)
        counter_->observe(observation);
}

void Instruments::lower(const Module& module, uint32_t func, bool begins) noexcept {
    if (!is_main_thread())
        return;
    const auto now = Statistics::Clock::now();
    if (begins) {
        lowering_since_ = now;
        return;
    }
    statistics_.lowering += now - lowering_since_;
    if (lowered_.size() < module.funcs().size())
        lowered_.resize(module.funcs().size());
    statistics_.lowered += lowered_[func] ? 0 : 1;
    lowered_[func] = true;
}

// ---- The run ----

std::optional<int> Instruments::call(Store& store, const Func& func, std::span<const Value> args,
                                     std::span<Value> results, CoreDumper* dumper) {
    begin(Phase::run);
    began_ = std::chrono::duration<double, std::milli>{std::chrono::system_clock::now().time_since_epoch()}
                 .count();
    if (!settings_.wanted()) {
        if (threads_ != nullptr) {
            auto ended = threads_->call(func, args, results);
            return report_end(ended ? std::move(*ended) : threads_->finish());
        }
        const auto called = func.call(args, results);
        return called ? std::nullopt : std::optional{report(called.error())};
    }
    auto execution = Execution::create(func, args);
    if (!execution)
        throw Failure("warpbeam: " + std::string(execution.error().message()));
    std::optional<Sampler> sampler;
    if (settings_.profile == Profile::sampled)
        sampler.emplace(store.interrupt_handle());
    std::optional<int> ended = advance(store, *execution, sampler ? &*sampler : nullptr, dumper);
    sampler.reset();
    end_phase();
    const uint64_t left = execution->fuel();
    if (counter_)
        counter_->finish(left);
    statistics_.fuel = fuel_ - std::min(fuel_, left);
    statistics_.usage = store.usage();
    statistics_.heap = store.heap();
    if (ended)
        return ended;
    if (const auto copied = execution->results(results); !copied)
        throw Failure("warpbeam: " + std::string(copied.error().message()));
    return std::nullopt;
}

/// Runs it to its end; returns the exit status if that is not a return.
std::optional<int> Instruments::advance(Store& store, Execution& execution, Sampler* sampler,
                                        CoreDumper* dumper) {
    uint64_t budget = store.fuel();
    while (true) {
        const auto state = execution.resume({.fuel = std::exchange(budget, 0)});
        if (!state)
            throw Failure("warpbeam: " + std::string(state.error().message()));
        if (*state == ExecutionState::done)
            return threads_ != nullptr ? report_end(threads_->finish()) : std::nullopt;
        const bool has_ended = threads_ != nullptr && threads_->has_ended();
        if (*state == ExecutionState::interrupted && stop_cause() == StopCause::none && !has_ended) {
            if (sampler != nullptr)
                sampler->take(execution, *tree_);
            continue;
        }
        // The trace has led to this.
        if (tracer_)
            tracer_->finish();
        return report_failure(*state, execution, dumper);
    }
}

int Instruments::report_failure(ExecutionState state, const Execution& execution, CoreDumper* dumper) {
    if (threads_ != nullptr) {
        const Trap trap = state == ExecutionState::trapped       ? *execution.trap()
                          : state == ExecutionState::interrupted ? Trap{TrapCode::interrupted}
                                                                 : Trap{TrapCode::out_of_fuel};
        return report_end(threads_->finish(trap, execution.backtrace())).value_or(exit_trap);
    }
    if (state == ExecutionState::trapped)
        return report(*execution.trap());
    if (dumper != nullptr)
        dumper->take(execution.stack());
    return state == ExecutionState::interrupted ? report_stop(execution.backtrace())
                                                : report_out_of_fuel(execution.backtrace());
}

void Instruments::write_profile() {
    const std::string title = tree_->counts_fuel() ? "Fuel by function" : "Time by function";
    const std::string_view path = settings_.profile_path;
    (void)file_->write(path.ends_with(".svg")            ? flame_graph(*tree_, title)
                       : path.ends_with(".firefox.json") ? firefox_profile(*tree_, title, began_)
                                                         : speedscope(*tree_, title));
    file_->finish();
}

void Instruments::finish() {
    end_phase();
    (void)std::fflush(stdout);
    if (tracer_)
        tracer_->finish();
    if (tree_)
        print_profile(*tree_);
    if (settings_.stats == Stats::table)
        print_statistics(statistics_);
    else if (settings_.stats == Stats::json)
        print_statistics_json(statistics_, tree_ ? &*tree_ : nullptr);
    if (file_)
        write_profile();
}

} // namespace warpbeam::cli
