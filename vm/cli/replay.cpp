#include "backtrace.hpp"
#include "directories.hpp"
#include "files.hpp"
#include "options.hpp"
#include "recording.hpp"
#include "stop.hpp"

#include <warpbeam/vm/engine.hpp>
#include <warpbeam/vm/linker.hpp>

#include <cinttypes>
#include <cstdio>

namespace warpbeam::cli {
namespace {

/// For a snapshot of which only the digest is wanted.
class NoSink final : public SnapshotSink {
public:
    bool write(std::span<const uint8_t>) noexcept override { return true; }
};

template <typename T>
T need(std::expected<T, Error> made) {
    if (!made)
        throw Failure("warpbeam: " + std::string(made.error().message()));
    return std::move(*made);
}
void check(const std::expected<void, Error>& done) {
    if (!done)
        throw Failure("warpbeam: " + std::string(done.error().message()));
}

/// A program that runs deterministically, and counts its fuel.
class Machine {
public:
    Machine(const ProgramState& state, std::span<const uint8_t> bytes)
        : engine_{config_for(state)}, module_{need(engine_.load(bytes))}, linker_{engine_},
          limits_{limits_of(state)} {}

    [[nodiscard]] FuelUsed used() {
        return [this] { return starts_ ? given_ - store_->fuel() : used_now(); };
    }
    /// Makes the program's calls do what a log says. Before `begin` or `restore_from`, like `connect`.
    void connect(wasi::CallSource& calls) {
        context_.replay(&calls);
        check(wasi::define(linker_, context_, wasi::pointers_of(module_)));
    }
    /// Connects the program with the outside world.
    void connect(const ProgramState& state) {
        for (const std::string& arg : state.args)
            check(context_.add_arg(arg));
        for (const std::string& variable : state.env) {
            const size_t equals = std::min(variable.find('='), variable.size());
            check(context_.add_env(variable.substr(0, equals),
                                   variable.substr(std::min(equals + 1, variable.size()))));
        }
        open_directories(context_, state.directories);
        check(wasi::define(linker_, context_, wasi::pointers_of(module_)));
    }
    /// Records what its calls do.
    void record(wasi::CallSink& calls) noexcept { context_.record(&calls); }
    /// Throws Failure unless the module is a program.
    void check_start() const {
        const Export* const start = module_.find_export("_start");
        if (start == nullptr || start->kind != ExternKind::func)
            throw Failure("warpbeam: the module has no function _start");
        const FuncType& type = module_.type_registry().func(module_.funcs()[start->index]);
        if (!type.params.empty() || !type.results.empty())
            throw Failure(
                "warpbeam: the function _start has parameters or results, so this is not a program");
    }
    /// Instantiates it with so much fuel. False if a start function has ended the program, or used that up.
    bool begin(uint64_t fuel = max_fuel) {
        store_.emplace(engine_, limits_);
        signals_.emplace(*store_, StopSettings{});
        given_ = std::min(fuel, max_fuel);
        store_->set_fuel(given_);
        starts_ = true;
        auto instance = linker_.instantiate(*store_, module_);
        starts_ = false;
        before_ = given_ - store_->fuel();
        given_ = 0;
        if (!instance) {
            if (const Trap* const trap = instance.error().trap()) {
                trap_ = *trap;
                return false;
            }
            throw Failure("warpbeam: " + std::string(instance.error().message()));
        }
        instance_ = *instance;
        execution_ = need(Execution::create(need(instance_.func("_start"))));
        return true;
    }
    void restore_from(const std::vector<Event>& series) {
        std::vector<SnapshotBytes> all;
        for (const Event& event : series)
            all.emplace_back(event.bytes);
        std::vector<SnapshotSource*> sources;
        for (SnapshotBytes& source : all)
            sources.push_back(&source);
        const Module modules[] = {module_};
        RestoreOptions options;
        options.modules = modules;
        options.linker = &linker_;
        options.limits = limits_;
        auto restored = need(restore(engine_, sources, options));
        if (restored.instances.size() != 1 || restored.executions.size() != 1)
            throw Failure("warpbeam: a snapshot in the log is not one of a program");
        store_.emplace(std::move(restored.store));
        signals_.emplace(*store_, StopSettings{});
        instance_ = restored.instances[0];
        execution_ = std::move(restored.executions[0]);
        before_ = series.back().fuel;
        given_ = left();
    }
    /// Runs until the program ends, or has used so much fuel in total. False if it goes on from there.
    bool run(uint64_t until) {
        if (trap_)
            return true;
        // An execution has no more than that, whatever it is given.
        uint64_t more = std::min(until - std::min(until, used_now()), max_fuel - execution_.fuel());
        given_ += more;
        ExecutionState state;
        do {
            state = need(execution_.resume({.fuel = more}));
            more = 0;
        } while (state == ExecutionState::interrupted && stop_cause() == StopCause::none);
        switch (state) {
        case ExecutionState::done:
            return true;
        case ExecutionState::interrupted:
            is_stopped_ = true;
            return true;
        case ExecutionState::trapped:
            trap_ = *execution_.trap();
            return true;
        default:
            return false;
        }
    }
    [[nodiscard]] uint64_t used_now() const { return before_ + given_ - left(); }
    [[nodiscard]] const std::optional<Trap>& trap() const noexcept { return trap_; }
    /// Whether Ctrl-C has stopped it before its end.
    [[nodiscard]] bool is_stopped() const {
        return is_stopped_ || (trap_ && trap_->code() == TrapCode::interrupted);
    }
    /// Reports how it ended; returns the exit status.
    [[nodiscard]] int status() const {
        if (is_stopped_)
            return report_stop(execution_.backtrace());
        if (trap_)
            return report(*trap_);
        return stop_cause() == StopCause::none ? exit_success : report_stop({});
    }
    /// Whether its start function has used up the fuel; it can't go on then.
    [[nodiscard]] bool is_out_of_fuel() const { return trap_ && trap_->code() == TrapCode::out_of_fuel; }
    [[nodiscard]] std::string backtrace() const {
        return is_out_of_fuel() ? describe(trap_->backtrace()) : describe(execution_.backtrace());
    }

    void write_snapshot(LogWriter& log) {
        SnapshotBuffer sink;
        const Instance instances[] = {instance_};
        const Execution* const executions[] = {&execution_};
        (void)need(save(*store_, {.instances = instances, .executions = executions, .values = {}}, sink,
                        {.host = nullptr, .carry_modules = false, .series = &series_}));
        log.write(series_.is_complete() ? EventKind::complete_snapshot : EventKind::snapshot, sink.bytes());
    }
    /// That of the final state.
    [[nodiscard]] Digest digest() {
        if (!instance_)
            return {};
        NoSink sink;
        const Instance instances[] = {instance_};
        return need(save(*store_, {.instances = instances, .executions = {}, .values = {}}, sink));
    }

private:
    /// The fuel that is left; below zero, modulo 2^64, if some is owed.
    [[nodiscard]] uint64_t left() const { return execution_.fuel() - execution_.fuel_debt(); }
    static Config config_for(const ProgramState& state) {
        Config config;
        config.features = FeatureSet::all();
        config.deterministic = true;
        config.fuel = true;
        config.interruption = config.patched_interruption = true;
        config.stack_size = static_cast<size_t>(state.stack_size);
        return config;
    }

    Engine engine_;
    Module module_;
    Linker linker_;
    StoreLimits limits_;
    wasi::Context context_;
    std::optional<Store> store_;
    Instance instance_;
    Execution execution_;
    SnapshotSeries series_;
    std::optional<Trap> trap_;
    uint64_t before_ = 0; ///< used before the execution began, or went on from a snapshot
    uint64_t given_ = 0;  ///< to what runs now
    bool starts_ = false; ///< whether that is the instantiation
    bool is_stopped_ = false;
    std::optional<StopSignals> signals_; ///< of the store
};

} // namespace

int record_program(const ProgramState& state, std::span<const uint8_t> module,
                   const RecordSettings& settings) {
    // What can't be a program, or has no directory, costs no earlier log.
    Machine machine{state, module};
    machine.check_start();
    machine.connect(state);
    LogWriter log{settings.path, state, module, machine.used()};
    machine.record(log);
    if (machine.begin())
        while (!machine.run(machine.used_now() + std::min(settings.snapshots_every, max_fuel))) {
            set_unhurried(true);
            machine.write_snapshot(log);
            set_unhurried(false);
        }
    set_unhurried(true);
    log.check();
    if (!machine.is_stopped()) {
        log.write(EventKind::end, machine.digest());
        log.check();
    }
    if (settings.print_fuel)
        print_fuel(machine.used_now());
    return machine.status();
}

int replay(Words words) {
    std::optional<uint64_t> to;
    bool backtrace = false;
    bool quiet = false;
    bool prints_fuel = false;
    Options options{"replay [OPTIONS] FILE",
                    "Runs a program again from a log that warpbeam run --record has written, with the same\n"
                    "results, and reports the first difference. Its output is written again.\n"
                    "\n" +
                        exit_statuses("0 if --to stopped it", true)};
    options
        .value("--to", "N",
               "stop when it has used N units of fuel; starts from the last snapshot before that",
               [&](std::string_view text) { to = parse_count(text); })
        .flag("--backtrace", "with --to: print the active functions where it stops", backtrace)
        .flag("--quiet", "don't write the program's output", quiet)
        .flag("--print-fuel", "print on standard error how much fuel the program has used", prints_fuel);
    const auto file = options.parse_file(words);
    if (!file)
        return exit_success;
    if (backtrace && !to)
        throw options.error("--backtrace needs --to");
    LogReader log{std::string{*file}};
    Machine machine{log.state(), log.module()};
    LoggedCalls calls{log, quiet, machine.used()};
    machine.connect(calls);
    const std::vector<Event> start = to ? log.seek(*to) : std::vector<Event>{};
    bool runs = true;
    if (!start.empty())
        machine.restore_from(start);
    else
        runs = machine.begin(to.value_or(max_fuel));
    const bool ended = (!runs || machine.run(to.value_or(max_fuel))) && !machine.is_out_of_fuel();
    // No function of the program's world ends it like this, except by a record.
    if (machine.trap() && machine.trap()->code() == TrapCode::host)
        throw Failure("warpbeam: " + calls.failure(machine.trap()->message()));
    set_unhurried(true);
    if (machine.is_stopped())
        return machine.status();
    if (ended)
        calls.expect_end(machine.digest());
    if (to)
        std::fprintf(stderr, "warpbeam: %s after %" PRIu64 " units of fuel%s\n",
                     ended ? "the program ended" : "stopped", machine.used_now(),
                     backtrace ? machine.backtrace().c_str() : "");
    if (prints_fuel)
        print_fuel(machine.used_now());
    return ended ? machine.status() : exit_success;
}

} // namespace warpbeam::cli
