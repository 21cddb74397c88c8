#include "closest.hpp"
#include "core_dumper.hpp"
#include "deterministic_host.hpp"
#include "directories.hpp"
#include "files.hpp"
#include "instruments.hpp"
#include "options.hpp"
#include "platform.hpp"
#include "recording.hpp"
#include "saved_program.hpp"
#include "stop.hpp"
#include "threads.hpp"
#include "values.hpp"

#include <warpbeam/coredump/core_dump.hpp>
#include <warpbeam/vm/engine.hpp>
#include <warpbeam/vm/linker.hpp>
#include <warpbeam/wasi/wasi.hpp>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <utility>

namespace warpbeam::cli {

namespace {

/// The name by which others import a module, and its file.
using Preload = std::pair<std::string, std::string>;

struct Settings {
    Config config;
    StoreLimits limits;
    uint64_t fuel = 0;
    StopSettings stop;
    std::optional<Linker::Stub> stubs;
    std::vector<Preload> preloads;
    std::string program; ///< its name, the first argument
    uint64_t seed = 0;   ///< with `config.deterministic`
    std::vector<std::pair<std::string, std::string>> env;
    std::string_view path;
    std::optional<std::string_view> invoke;
    std::vector<std::string_view> args;
    std::vector<MappedDirectory> directories;
    SaveSettings save;
    RecordSettings record;
    std::string core_dump; ///< a path; empty: none
    InstrumentSettings instruments;
    ThreadOption threads;
};

/// `NAME=VALUE`, or `NAME` alone to pass on the current value.
void add_variable(Settings& settings, std::string_view text) {
    const size_t equals = text.find('=');
    const std::string name{text.substr(0, equals)};
    if (name.empty())
        throw UsageError("'" + std::string(text) + "' has no name before the =");
    const char* const inherited = std::getenv(name.c_str());
    if (equals == std::string_view::npos && inherited == nullptr)
        return;
    std::string value{equals != std::string_view::npos ? text.substr(equals + 1) : inherited};
    const auto same = std::ranges::find(settings.env, name, &std::pair<std::string, std::string>::first);
    if (same != settings.env.end())
        same->second = std::move(value);
    else
        settings.env.emplace_back(name, std::move(value));
}

/// The whole environment, except variables that were set explicitly.
void inherit_environment(Settings& settings) {
    const auto given = std::exchange(settings.env, {});
    for (char** variable = environment(); *variable != nullptr; ++variable)
        if (const std::string_view text{*variable}; text.find('=') != 0)
            add_variable(settings, text);
    for (const auto& [name, value] : given)
        add_variable(settings, name + "=" + value);
}

void add_preload(Settings& settings, std::string_view text) {
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos || equals + 1 == text.size())
        throw UsageError("'" + std::string(text) + "' is not NAME=FILE");
    settings.preloads.emplace_back(text.substr(0, equals), text.substr(equals + 1));
}

Linker::Stub stub_of(std::string_view text) {
    if (text.empty() || text == "trap")
        return Linker::Stub::trap;
    if (text == "zero")
        return Linker::Stub::zero;
    throw UsageError("'" + std::string(text) + "' is not a kind of stub; use trap or zero");
}

/// A value that may be missing follows after a `=`. Where it is the next word, that is taken for the file.
void check_detached_value(Words words, size_t rest, const Options& options) {
    const size_t at = words.size() - rest;
    const std::string value{words[at]};
    std::error_code fault;
    if (at == 0 || value == "-" || std::filesystem::exists(value, fault))
        return;
    const std::string_view before = words[at - 1];
    for (const Options::Option& option : options.all())
        if (option.name == before && option.is_optional)
            throw options.error("there is no file " + printable(value) + "; if it is the value of " +
                                option.synopsis() + ", write " + std::string(before) + "=" +
                                printable(value));
}

/// Reads the command line; false if only help was requested.
bool read_settings(Words words, Settings& settings, Options& options) {
    bool seeded = false;
    bool has_snapshots = false;
    bool inherits = false;
    std::optional<uint64_t> max_heap;
    const auto invoke = [&settings](std::string_view name) { settings.invoke = name; };
    options
        .value("--invoke", "NAME", "call this exported function instead of _start; may also follow FILE",
               invoke)
        .value("--env", "NAME[=VALUE]",
               "set an environment variable, or pass on its current value; may be repeated",
               [&](std::string_view text) { add_variable(settings, text); })
        .flag("--inherit-env", "pass on all environment variables; --env replaces some", inherits)
        .value("--argv0", "NAME",
               "the program's own name, its first argument (default: FILE without folders)",
               [&](std::string_view text) { settings.program = text; })
        .value("--preload", "NAME=FILE",
               "instantiate FILE first; its exports are the module NAME; may be repeated",
               [&](std::string_view text) { add_preload(settings, text); })
        .optional_value("--stub-imports", "trap|zero",
                        "let functions that are not there trap when called (the default), or return zeros",
                        [&](std::string_view text) { settings.stubs = stub_of(text); });
    add_stop_options(options, settings.stop);
    options
        .value("--fuel", "N",
               "trap after N units: calls, loop iterations, and 64-byte blocks copied or filled",
               [&](std::string_view text) {
                   settings.fuel = std::min(parse_count(text), max_fuel);
                   settings.config.fuel = true;
               })
        .value("--max-memory", "BYTES",
               "limit for all memories together, and again for all objects (suffixes K, M, G)",
               [&](std::string_view text) {
                   settings.limits.memory_bytes = settings.limits.heap_bytes = parse_count(text, true);
               })
        .value("--max-heap", "BYTES", "limit for all objects, instead of that of --max-memory (default: 1G)",
               [&](std::string_view text) { max_heap = parse_count(text, true); })
        .value("--max-stack", "BYTES", "the size to which a call stack may grow (default: 4M)",
               [&](std::string_view text) { settings.config.stack_size = parse_size(text); })
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
    options.value("--coredump", "FILE",
                  "if the program traps, write its stack, memories and globals to FILE, for warpbeam inspect",
                  [&](std::string_view text) { settings.core_dump = text; });
    add_instrument_options(options, settings.instruments);
    add_thread_option(options, settings.threads, settings.config.features);
    add_feature_option(options, settings.config.features);

    auto rest = options.parse(words, true);
    if (!rest)
        return false;
    if (seeded && !settings.config.deterministic)
        throw options.error("--seed needs --deterministic");
    if (rest->empty())
        throw options.error("a FILE is needed");
    check_detached_value(words, rest->size(), options);
    if (inherits)
        inherit_environment(settings);
    if (max_heap)
        settings.limits.heap_bytes = *max_heap;
    const bool is_kept = settings.save.wanted() || !settings.record.path.empty();
    if (is_kept && (max_heap || settings.stubs || !settings.preloads.empty()))
        throw options.error(
            "--max-heap, --preload and --stub-imports can't be combined with --snapshot or --record");
    if (!settings.record.path.empty() && settings.stop.timeout)
        throw options.error("--timeout can't be combined with --record");
    check_save_options(options, settings.save);
    if (settings.core_dump == "-")
        throw options.error("--coredump needs a file, and not -");
    if (!settings.core_dump.empty() && is_kept)
        throw options.error("--coredump can't be combined with --snapshot or --record");
    check_instrument_options(options, settings.instruments,
                             settings.save.wanted() || settings.save.print_fuel ||
                                 !settings.record.path.empty());
    if (settings.threads)
        check_thread_option(options, {.is_deterministic = settings.config.deterministic,
                                      .is_saved = is_kept || settings.save.print_fuel,
                                      .has_preloads = !settings.preloads.empty(),
                                      .dumps_core = !settings.core_dump.empty(),
                                      .has_limited_fuel = settings.config.fuel,
                                      .is_observed = settings.instruments.wanted()});
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
    settings.config.interruption = settings.config.patched_interruption = true;
    settings.path = rest->front();
    if (settings.program.empty())
        settings.program = std::filesystem::path(settings.path).filename().string();
    settings.args.assign(rest->begin() + 1, rest->end());
    // Everything after FILE belongs to the program, except --invoke and an explicit end of our options,
    // unless that came before FILE.
    std::vector<std::string_view>& args = settings.args;
    const size_t before = words.size() - rest->size();
    const bool ended = before > 0 && std::string_view{words[before - 1]} == "--";
    constexpr std::string_view joined = "--invoke=";
    if (!ended && !args.empty() && args.front() == "--invoke") {
        if (args.size() < 2)
            throw options.error("option --invoke needs a value: NAME");
        invoke(args[1]);
        args.erase(args.begin(), args.begin() + 2);
    } else if (!ended && !args.empty() && args.front().starts_with(joined)) {
        invoke(args.front().substr(joined.size()));
        args.erase(args.begin());
    }
    if (!ended && !args.empty() && args.front() == "--")
        args.erase(args.begin());
    if (settings.invoke && !settings.record.path.empty())
        throw options.error("--record is for programs, and not for a function chosen with --invoke");
    if (settings.invoke && (settings.save.wanted() || settings.save.print_fuel || settings.record.print_fuel))
        throw options.error(
            "--snapshot and --print-fuel are for programs, and not for a function chosen with --invoke");
    return true;
}

/// What may be called instead of a function that is not there. `advice` says how.
std::string exported_functions(const Module& module, std::string_view missing, std::string_view advice) {
    std::string list;
    std::vector<std::string_view> names;
    for (const Export& entry : module.exports())
        if (entry.kind == ExternKind::func) {
            names.push_back(entry.name);
            list.append(list.empty() ? "" : ", ").append(printable(entry.name));
        }
    return list.empty() ? "; it exports no functions"
                        : did_you_mean(missing, names) + "; it exports " + list + std::string(advice);
}

/// Hints about missing imports: one line for each of the first module names. `preloads` are those that came
/// before.
std::string import_hints(std::span<const Preload> preloads, const Module& module, const Linker& linker,
                         const InstantiationError& error) {
    std::string hints;
    bool needs_threads = false;
    constexpr size_t max_hints = 20;
    std::set<std::string_view> told;
    for (const uint32_t index : error.imports()) {
        const Import& import = module.imports()[index];
        if (linker.defines(import.module, import.name))
            continue;
        needs_threads |= is_for_threads(import);
        if (is_for_threads(import) || told.size() == max_hints || !told.insert(import.module).second)
            continue;
        hints.append("\nhint: ");
        if (import.module == "wasi_snapshot_preview1")
            hints.append("WASI preview 1 has no such function");
        else if (import.module == "wasi_unstable")
            hints.append("wasi_unstable is older than WASI preview 1, which is wasi_snapshot_preview1");
        else if (const auto preload = std::ranges::find(preloads, import.module, &Preload::first);
                 preload != preloads.end())
            hints.append(printable(preload->second))
                .append(", which --preload calls '")
                .append(printable(import.module))
                .append("', does not export '")
                .append(printable(import.name))
                .append("'");
        else
            hints.append("nothing provides '")
                .append(printable(import.module))
                .append("': warpbeam run only provides wasi_snapshot_preview1; --preload adds modules, and "
                        "--stub-imports makes missing functions trap when they are called");
    }
    return needs_threads ? hints.append(threads_hint) : hints;
}

void check(const std::expected<void, Error>& done) {
    if (!done)
        throw Failure("warpbeam: " + std::string(done.error().message()));
}

/// Calls a function with arguments from the command line and prints its results, one per line.
int call(const Settings& settings, Store& store, Func func, Instruments& instruments, CoreDumper* dumper) {
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
    if (const auto status = instruments.call(store, func, args, results, dumper))
        return *status;
    for (const Value& result : results)
        std::printf("%s\n", print_value(result).c_str());
    return exit_success;
}

ProgramState state_of(const Settings& settings) {
    ProgramState state;
    state.args.emplace_back(settings.program);
    state.args.insert(state.args.end(), settings.args.begin(), settings.args.end());
    for (const auto& [name, value] : settings.env)
        state.env.push_back(name + "=" + value);
    state.directories = settings.directories;
    state.stack_size = settings.config.stack_size;
    state.max_memory = settings.limits.memory_bytes;
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

/// https://github.com/WebAssembly/WASI/blob/main/legacy/application-abi.md
constexpr std::string_view initializer = "_initialize";

[[noreturn]] void not_instantiated(std::span<const Preload> preloads, std::string_view path,
                                   const Module& module, const Linker& linker,
                                   const InstantiationError& error) {
    throw Failure(std::string(path) + ": cannot be instantiated: " + std::string(error.message()) +
                  import_hints(preloads, module, linker, error));
}

/// Instantiates a file and defines its exports. Returns a trap of its code. `entry` is one of the settings.
std::optional<Trap> preload(const Settings& settings, const Engine& engine, Linker& linker, Store& store,
                            CoreDumper* dumper, const Preload& entry) {
    const auto& [name, path] = entry;
    const ModuleBytes file = read_module(path);
    const auto module = engine.load(file.bytes);
    if (!module)
        throw Failure(describe(path, module.error(), file));
    if (dumper != nullptr)
        dumper->name(*module, path);
    if (settings.stubs)
        check(linker.stub_unknown(*module, *settings.stubs));
    const auto instance = linker.define_module(store, name, *module);
    if (!instance) {
        if (const Trap* const trap = instance.error().trap())
            return *trap;
        not_instantiated({settings.preloads.data(), &entry}, path, *module, linker, instance.error());
    }
    if (dumper != nullptr)
        dumper->add(*instance);
    if (const auto initialize = instance->func<void()>(initializer); initialize)
        if (const auto done = (*initialize)(); !done)
            return done.error();
    return std::nullopt;
}

/// What a program runs in.
struct World {
    wasi::Context& context;
    const DeterministicHost& deterministic;
    Linker& linker;
    Store& store;
    CoreDumper* dumper; ///< null if no core dump is wanted
};

int run_in(World& world, const Settings& settings, const Engine& engine, const Module& module,
           Instruments& instruments);

int run_module(const Settings& settings, Engine& engine, const Module& module, Instruments& instruments) {
    instruments.note(module);
    instruments.begin(Phase::instantiate);
    DeterministicHost deterministic{settings.seed};
    wasi::Host& native = wasi::native_host();
    wasi::Context context{settings.config.deterministic ? deterministic : native};
    check(context.add_arg(settings.program));
    for (const std::string_view arg : settings.args)
        check(context.add_arg(arg));
    for (const auto& [name, value] : settings.env)
        check(context.add_env(name, value));
    open_directories(context, settings.directories);
    Linker linker{engine};
    // What imports nothing starts faster without.
    if (!module.imports().empty() || !settings.preloads.empty())
        check(wasi::define(linker, context, wasi::pointers_of(module)));
    Store store{engine, settings.limits};
    store.set_fuel(settings.fuel);
    const StopSignals signals{store, settings.stop};
    std::optional<CoreDumper> dumper;
    if (!settings.core_dump.empty())
        dumper.emplace(settings.core_dump, std::string{settings.path}, store);
    World world{context, deterministic, linker, store, dumper ? &*dumper : nullptr};
    const int status = run_in(world, settings, engine, module, instruments);
    if (dumper)
        dumper->finish();
    return status;
}

int run_in(World& world, const Settings& settings, const Engine& engine, const Module& module,
           Instruments& instruments) {
    auto& [context, deterministic, linker, store, dumper] = world;
    // Checked before anything runs: if the call is impossible, nothing should have happened.
    const std::string name{settings.invoke.value_or("_start")};
    const Export* const entry = module.find_export(name);
    const bool is_there = entry != nullptr && entry->kind == ExternKind::func;
    // A module may do all its work in its start function, or be a library that is only initialized.
    const Export* const initializes = module.find_export(initializer);
    const bool is_library = initializes != nullptr && initializes->kind == ExternKind::func;
    const bool only_starts = !is_there && !settings.invoke && (module.start() || is_library);
    if (!is_there && !only_starts)
        throw UsageError(
            "run: " + std::string(settings.path) + " has no function " + name +
            exported_functions(module, name, settings.invoke ? "" : "; choose one with --invoke"));
    if (only_starts && (settings.save.wanted() || settings.save.print_fuel))
        throw UsageError("run: --snapshot and --print-fuel need a program with a function _start");

    if (is_there && !settings.invoke) {
        const FuncType& type = module.type_registry().func(module.funcs()[entry->index]);
        if (!type.params.empty() || !type.results.empty())
            throw UsageError(
                "run: the _start of " + std::string(settings.path) +
                " has parameters or results, so it is not a program; use --invoke _start to call it");
    }

    for (const Preload& each : settings.preloads)
        if (const std::optional<Trap> trap = preload(settings, engine, linker, store, dumper, each))
            return report(*trap);
    std::optional<wasi::Threads> threads;
    if (settings.threads) {
        threads.emplace(make_threads(settings.path, linker, context, module,
                                     {.max_threads = *settings.threads,
                                      .limits = settings.limits,
                                      .fuel = settings.fuel,
                                      .starter = nullptr}));
        instruments.expect(*threads);
    }
    if (settings.stubs)
        check(linker.stub_unknown(module, *settings.stubs));
    if (dumper != nullptr)
        dumper->name(module, settings.path);
    const auto instance = threads ? threads->instantiate(store) : linker.instantiate(store, module);
    if (!instance) {
        if (const Trap* const trap = instance.error().trap())
            return report(*trap);
        not_instantiated(settings.preloads, settings.path, module, linker, instance.error());
    }
    if (dumper != nullptr)
        dumper->add(*instance);
    // Libraries have this instead of _start, to be called before their functions.
    if (!is_there || (settings.invoke && name != initializer))
        if (const auto initialize = instance->func<void()>(initializer); initialize) {
            if (threads) {
                if (const auto ended = threads->call(*instance->func(initializer)))
                    return report_end(*ended).value_or(exit_success);
            } else if (const auto done = (*initialize)(); !done) {
                return report(done.error());
            }
        }
    if (only_starts)
        return threads ? report_end(threads->finish()).value_or(exit_success) : exit_success;

    const Func func = *instance->func(name);
    if (settings.invoke)
        return call(settings, store, func, instruments, dumper);
    if (settings.save.wanted() || settings.save.print_fuel)
        return run_saved(settings, store, *instance, func, context, deterministic);
    if (const auto status = instruments.call(store, func, {}, {}, dumper))
        return *status;
    // What it did last may have been a write that was cut short.
    return stop_cause() == StopCause::none ? exit_success : report_stop({});
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
        "Options come before FILE; everything after FILE belongs to the program, but for one -- directly\n"
        "after it. A library's function _initialize is called before its others. A module without _start\n"
        "runs its start function and its _initialize.\n"
        "\n" +
            exit_statuses("0 if it was saved")};
    if (!read_settings(words, settings, options))
        return exit_success;
    const ModuleBytes file = read_module(settings.path);
    Instruments instruments{settings.instruments};
    instruments.configure(settings.config, settings.fuel);
    Engine engine{settings.config};
    instruments.begin(Phase::load);
    const auto module = engine.load(file.bytes, {.borrow = true});
    if ((!module || module->exports().empty()) && CoreDump::is_core_dump(file.bytes))
        throw UsageError("run: " + printable(settings.path) +
                         " is a core dump; warpbeam inspect shows what is in it");
    if (!module) {
        const bool needs_threads = module.error().missing_feature() == Feature::threads;
        throw Failure(describe(settings.path, module.error(), file)
                          .append(needs_threads ? threads_hint : std::string_view{}));
    }
    if (!settings.record.path.empty())
        return record_program(state_of(settings), file.bytes, settings.record);
    const int status = run_module(settings, engine, *module, instruments);
    instruments.finish();
    return status;
}

} // namespace warpbeam::cli
