#include "deterministic_host.hpp"
#include "directories.hpp"
#include "files.hpp"
#include "instruments.hpp"
#include "options.hpp"
#include "recording.hpp"
#include "saved_program.hpp"
#include "values.hpp"

#include <warpbeam/vm/engine.hpp>
#include <warpbeam/vm/linker.hpp>
#include <warpbeam/wasi/wasi.hpp>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace warpbeam::cli {

namespace {

struct Settings {
    Config config;
    StoreLimits limits;
    uint64_t fuel = 0;
    uint64_t seed = 0; ///< with `config.deterministic`
    std::vector<std::pair<std::string, std::string>> env;
    std::string_view path;
    std::optional<std::string_view> invoke;
    std::vector<std::string_view> args;
    std::vector<MappedDirectory> directories;
    SaveSettings save;
    RecordSettings record;
    InstrumentSettings instruments;
};

/// `NAME=VALUE`, or `NAME` alone to pass on the current value.
void add_variable(Settings& settings, std::string_view text) {
    const size_t equals = text.find('=');
    const std::string name{text.substr(0, equals)};
    if (name.empty())
        throw UsageError("'" + std::string(text) + "' has no name before the =");
    if (equals != std::string_view::npos)
        settings.env.emplace_back(name, text.substr(equals + 1));
    else if (const char* const inherited = std::getenv(name.c_str()))
        settings.env.emplace_back(name, inherited);
}

/// Reads the command line; false if only help was requested.
bool read_settings(Words words, Settings& settings, Options& options) {
    bool seeded = false;
    bool has_snapshots = false;
    const auto invoke = [&settings](std::string_view name) { settings.invoke = name; };
    options
        .value("--invoke", "NAME", "call this exported function instead of _start; may also follow FILE",
               invoke)
        .value("--env", "NAME[=VALUE]",
               "set an environment variable, or pass on its current value; may be repeated",
               [&](std::string_view text) { add_variable(settings, text); })
        .value("--fuel", "N",
               "trap after N units: calls, loop iterations, and 64-byte blocks copied or filled",
               [&](std::string_view text) {
                   settings.fuel = parse_count(text);
                   settings.config.fuel = true;
               })
        .value("--max-memory", "BYTES",
               "limit for all memories together, and again for all objects (suffixes K, M, G)",
               [&](std::string_view text) {
                   settings.limits.memory_bytes = settings.limits.heap_bytes = parse_count(text, true);
               })
        .value("--max-stack", "BYTES", "the size to which a call stack may grow (default: 4M)",
               [&](std::string_view text) { settings.config.stack_size = parse_count(text, true); })
        .flag("--deterministic",
              "do the same in every run: NaNs and the stack's limit are defined, clocks are simulated",
              settings.config.deterministic)
        .value("--seed", "N", "with --deterministic: where random numbers begin (default: 0)",
               [&](std::string_view text) {
                   settings.seed = parse_count(text);
                   seeded = true;
               })
        .flag("--eager", "prepare all functions in advance, not at their first calls", settings.config.eager)
        .flag("--guard-pages", "let the hardware check memory bounds where it can",
              settings.config.guard_pages);
    add_directory_option(options, settings.directories);
    add_save_options(options, settings.save);
    options
        .value("--record", "FILE",
               "with --deterministic: write all answers of the outside world to FILE, for warpbeam replay",
               [&](std::string_view text) { settings.record.path = text; })
        .value("--record-snapshots", "N", "with --record: save the state every N units of fuel",
               [&](std::string_view text) {
                   settings.record.snapshots_every = parse_count(text);
                   has_snapshots = true;
               });
    add_instrument_options(options, settings.instruments);
    add_feature_option(options, settings.config.features);

    auto rest = options.parse(words, true);
    if (!rest)
        return false;
    if (seeded && !settings.config.deterministic)
        throw options.error("--seed needs --deterministic");
    if (rest->empty())
        throw options.error("a FILE is needed");
    check_save_options(options, settings.save);
    if (!settings.directories.empty() && !settings.record.path.empty())
        throw options.error("--dir can't be combined with --record: what files contain is not recorded");
    check_instrument_options(options, settings.instruments,
                             settings.save.wanted() || settings.save.print_fuel ||
                                 !settings.record.path.empty());
    if (!settings.record.path.empty()) {
        if (!settings.config.deterministic)
            throw options.error("--record needs --deterministic: otherwise a replay would differ");
        if (settings.save.wanted() || settings.config.fuel)
            throw options.error("--record can't be combined with --fuel or --snapshot");
        if (seeded)
            throw options.error(
                "--record can't be combined with --seed: random numbers are real, and recorded");
        settings.record.print_fuel = std::exchange(settings.save.print_fuel, false);
        if (settings.record.snapshots_every == 0)
            throw options.error("option --record-snapshots: there must be some fuel between snapshots");
    } else if (has_snapshots) {
        throw options.error("--record-snapshots needs --record");
    }
    if ((settings.save.after || settings.save.print_fuel) && !settings.config.fuel) {
        settings.config.fuel = true;
        settings.fuel = max_fuel;
    }
    settings.config.interruption = settings.save.on_signal;
    settings.path = rest->front();
    settings.args.assign(rest->begin() + 1, rest->end());
    // Everything after FILE belongs to the program, except --invoke and an explicit end of our options.
    std::vector<std::string_view>& args = settings.args;
    constexpr std::string_view joined = "--invoke=";
    if (!args.empty() && args.front() == "--invoke") {
        if (args.size() < 2)
            throw options.error("option --invoke needs a value: NAME");
        invoke(args[1]);
        args.erase(args.begin(), args.begin() + 2);
    } else if (!args.empty() && args.front().starts_with(joined)) {
        invoke(args.front().substr(joined.size()));
        args.erase(args.begin());
    }
    if (!args.empty() && args.front() == "--")
        args.erase(args.begin());
    if (settings.invoke && !settings.record.path.empty())
        throw options.error("--record is for programs, and not for a function chosen with --invoke");
    if (settings.invoke && (settings.save.wanted() || settings.save.print_fuel || settings.record.print_fuel))
        throw options.error(
            "--snapshot and --print-fuel are for programs, and not for a function chosen with --invoke");
    return true;
}

std::string exported_functions(const Module& module) {
    std::string names;
    for (const Export& entry : module.exports())
        if (entry.kind == ExternKind::func)
            names.append(names.empty() ? "" : ", ").append(printable(entry.name));
    return names.empty() ? "it exports no functions" : "it exports " + names;
}

/// Hints about missing imports: one line for each module name.
std::string import_hints(const Module& module, const Linker& linker, const InstantiationError& error) {
    std::string hints;
    std::vector<std::string_view> told;
    for (const uint32_t index : error.imports()) {
        const Import& import = module.imports()[index];
        if (linker.defines(import.module, import.name) ||
            std::ranges::find(told, import.module) != told.end())
            continue;
        told.push_back(import.module);
        hints.append("\nhint: ");
        if (import.module == "wasi_snapshot_preview1")
            hints.append("WASI preview 1 has no such function");
        else if (import.module == "wasi_unstable")
            hints.append("wasi_unstable is older than WASI preview 1, which is wasi_snapshot_preview1");
        else
            hints.append("nothing provides '")
                .append(printable(import.module))
                .append("': warpbeam run only provides wasi_snapshot_preview1");
    }
    return hints;
}

void check(const std::expected<void, Error>& done) {
    if (!done)
        throw Failure("warpbeam: " + std::string(done.error().message()));
}

/// Calls a function with arguments from the command line and prints its results, one per line.
int call(const Settings& settings, Store& store, Func func, Instruments& instruments) {
    const FuncType type = func.type();
    const std::string name{*settings.invoke};
    if (settings.args.size() != type.params.size())
        throw UsageError("run: " + name + " takes " + std::to_string(type.params.size()) +
                         (type.params.size() == 1 ? " argument" : " arguments") + ", not " +
                         std::to_string(settings.args.size()));
    std::vector<Value> args;
    for (size_t i = 0; i < type.params.size(); ++i) {
        try {
            args.push_back(parse_value(settings.args[i], type.params[i]));
        } catch (const UsageError& wrong) {
            throw UsageError("run: argument " + std::to_string(i + 1) + " of " + name + ": " + wrong.what());
        }
    }
    std::vector<Value> results(type.results.size());
    if (const auto status = instruments.call(store, func, args, results))
        return *status;
    for (const Value& result : results)
        std::printf("%s\n", print_value(result).c_str());
    return exit_success;
}

ProgramState state_of(const Settings& settings) {
    ProgramState state;
    state.args.emplace_back(settings.path);
    state.args.insert(state.args.end(), settings.args.begin(), settings.args.end());
    for (const auto& [name, value] : settings.env)
        state.env.push_back(name + "=" + value);
    state.directories = settings.directories;
    state.stack_size = settings.config.stack_size;
    state.max_memory = settings.limits.memory_bytes;
    state.is_interruptible = settings.config.interruption;
    state.is_deterministic = settings.config.deterministic;
    return state;
}

/// Runs a program that may be saved.
int run_saved(const Settings& settings, Store& store, const Instance& instance, Func func,
              const wasi::Context& context, const DeterministicHost& host) {
    auto execution = Execution::create(func);
    if (!execution)
        throw Failure("warpbeam: " + std::string(execution.error().message()));
    ProgramState state = state_of(settings);
    state.has_fuel = settings.config.fuel;
    state.fuel = state.has_fuel ? store.fuel() : 0;
    state.fuel_used = state.has_fuel ? settings.fuel - state.fuel : 0;
    return run_program(store, instance, *execution, state, context, host, settings.save);
}

int run_module(const Settings& settings, Engine& engine, const Module& module, Instruments& instruments) {
    instruments.note(module);
    instruments.begin(Phase::instantiate);
    DeterministicHost deterministic{settings.seed};
    wasi::Host& native = wasi::native_host();
    wasi::Context context{settings.config.deterministic ? deterministic : native};
    check(context.add_arg(settings.path));
    for (const std::string_view arg : settings.args)
        check(context.add_arg(arg));
    for (const auto& [name, value] : settings.env)
        check(context.add_env(name, value));
    open_directories(context, settings.directories);
    Linker linker{engine};
    check(wasi::define(linker, context, wasi::pointers_of(module)));
    Store store{engine, settings.limits};
    store.set_fuel(settings.fuel);

    // Checked before anything runs: if the call is impossible, nothing should have happened.
    const std::string name{settings.invoke.value_or("_start")};
    const Export* const entry = module.find_export(name);
    if (entry == nullptr || entry->kind != ExternKind::func)
        throw UsageError("run: " + std::string(settings.path) + " has no function " + name + "; " +
                         exported_functions(module) + (settings.invoke ? "" : "; choose one with --invoke"));

    if (!settings.invoke) {
        const FuncType& type = module.type_registry().func(module.funcs()[entry->index]);
        if (!type.params.empty() || !type.results.empty())
            throw UsageError(
                "run: the _start of " + std::string(settings.path) +
                " has parameters or results, so it is not a program; use --invoke _start to call it");
    }

    const auto instance = linker.instantiate(store, module);
    if (!instance) {
        if (const Trap* const trap = instance.error().trap())
            return report(*trap);
        throw Failure(std::string(settings.path) +
                      ": cannot be instantiated: " + std::string(instance.error().message()) +
                      import_hints(module, linker, instance.error()));
    }
    // Libraries have this instead of _start, to be called before their functions.
    // https://github.com/WebAssembly/WASI/blob/main/legacy/application-abi.md
    if (settings.invoke)
        if (const auto initialize = instance->func<void()>("_initialize"); initialize)
            if (const auto done = (*initialize)(); !done)
                return report(done.error());

    const Func func = *instance->func(name);
    if (settings.invoke)
        return call(settings, store, func, instruments);
    if (settings.save.wanted() || settings.save.print_fuel)
        return run_saved(settings, store, *instance, func, context, deterministic);
    return instruments.call(store, func).value_or(exit_success);
}

} // namespace

int run(Words words) {
    Settings settings;
    Options options{
        "run [OPTIONS] FILE [--invoke NAME] [ARGS...]",
        "Runs a program in the binary or text format: calls its function _start with WASI preview 1, "
        "where\n"
        "ARGS are its arguments. With --invoke, calls the exported function NAME instead; then ARGS are its\n"
        "arguments, numbers as in the text format, and its results are printed, one per line.\n"
        "Options come before FILE; everything after FILE belongs to the program.\n"
        "\n"
        "The exit status is the program's own; 0 if it was saved; 1 if it trapped or was refused, with the\n"
        "reason on standard error; 2 for a usage error.\n"};
    if (!read_settings(words, settings, options))
        return exit_success;
    const ModuleBytes file = read_module(settings.path);
    Instruments instruments{settings.instruments};
    instruments.configure(settings.config, settings.fuel);
    Engine engine{settings.config};
    instruments.begin(Phase::load);
    const auto module = engine.load(file.bytes, {.borrow = true});
    if (!module)
        throw Failure(describe(settings.path, module.error(), file));
    if (!settings.record.path.empty())
        return record_program(state_of(settings), file.bytes, wasi::native_host(), settings.record);
    const int status = run_module(settings, engine, *module, instruments);
    instruments.finish();
    return status;
}

} // namespace warpbeam::cli
