#include "script_runner.hpp"

#include "compare.hpp"
#include "host_module.hpp"
#include "refusal.hpp"

#include <warpbeam/vm/exception.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

namespace warpbeam::spectest {
namespace {

std::string describe(const InstantiationError& error) {
    return (error.trap() != nullptr ? "trap: " : "") + std::string{error.message()};
}

/// Whether a trap comes from WebAssembly's semantics, not from one of our limits.
bool is_semantic(const Trap& trap) { return trap.code() <= TrapCode::unaligned_atomic; }

} // namespace

std::string Finding::text() const {
    return std::string{file} + (line == 0 ? "" : ":" + std::to_string(line)) + ": " + message;
}

struct ScriptRunner::Running {
    Running(std::string_view name, const RunOptions& options, Engine& engine)
        : report{[this](const Finding& finding) { findings.push_back(finding); }},
          runner{name, options, engine, report} {}

    std::vector<Finding> findings;
    std::function<void(const Finding&)> report;
    ScriptRunner runner;
    std::thread thread;
};

ScriptRunner::ScriptRunner(std::string_view name, const RunOptions& options, Engine& engine,
                           const std::function<void(const Finding&)>& report)
    : name_{name}, options_{options}, report_{report}, engine_{engine}, store_{engine_}, linker_{engine_} {
    linker_.allow_shadowing(true);
}

ScriptRunner::~ScriptRunner() = default;

Counts ScriptRunner::run(const Script& script) {
    if (const auto defined = define_host_module(linker_, store_); !defined) {
        report_({name_, 0, "cannot create the host module: " + std::string{defined.error().message()}});
        ++counts_.failed;
    }
    for (const Command& command : script) {
        line_ = command.line;
        const Fault fault = std::visit([this](const auto& body) { return execute(body); }, command.body);
        ++(fault ? counts_.failed : counts_.passed);
        if (fault)
            report_({name_, line_, *fault});
    }
    for (const auto& [name, running] : threads_)
        join(*running);
    threads_.clear();
    return counts_;
}

ScriptRunner::Fault ScriptRunner::execute(const ModuleSource& source) {
    // If this one fails, later commands must not use the previous module.
    if (!source.is_definition) {
        instances_.erase("");
        instances_.erase(source.name);
    }
    modules_.erase("");
    modules_.erase(source.name);
    if (Fault fault = define(source))
        return fault;
    return source.is_definition ? std::nullopt : remember(instantiate(modules_.at("")), source.name);
}

ScriptRunner::Fault ScriptRunner::execute(const Instantiation& command) {
    instances_.erase("");
    instances_.erase(command.instance);
    const auto module = modules_.find(command.module);
    if (module == modules_.end())
        return "no module $" + command.module;
    return remember(instantiate(module->second), command.instance);
}

ScriptRunner::Fault ScriptRunner::execute(const Registration& command) {
    const Instance* const instance = find_instance(command.instance);
    if (const auto shared = shared_.find(command.instance); instance == nullptr && shared != shared_.end()) {
        for (const auto& [name, bytes] : shared->second) {
            const auto memory = Memory::create(store_, bytes);
            if (!memory)
                return std::string{memory.error().message()};
            if (const auto defined = linker_.define(command.name, name, *memory); !defined)
                return std::string{defined.error().message()};
        }
        return std::nullopt;
    }
    if (instance == nullptr)
        return "no instance to register";
    if (const auto defined = linker_.define_instance(command.name, *instance); !defined)
        return std::string{defined.error().message()};
    return std::nullopt;
}

ScriptRunner::Fault ScriptRunner::execute(const Action& action) {
    const auto results = perform(action);
    return results ? std::nullopt : Fault{results.error().message};
}

ScriptRunner::Fault ScriptRunner::execute(const AssertReturn& assertion) {
    const auto results = perform(assertion.action);
    if (!results)
        return results.error().message;
    if (results->size() != assertion.results.size())
        return "expected " + std::to_string(assertion.results.size()) +
               (assertion.results.size() == 1 ? " result, found " : " results, found ") +
               std::to_string(results->size());
    for (size_t i = 0; i < results->size(); ++i)
        if (!matches(assertion.results[i], (*results)[i], store_))
            return "result " + std::to_string(i) + ": expected " + to_string(assertion.results[i]) +
                   ", found " + to_string((*results)[i]);
    return std::nullopt;
}

ScriptRunner::Fault ScriptRunner::execute(const AssertFailure& assertion) {
    using Kind = AssertFailure::Kind;
    const auto results = perform(assertion.action);
    const std::string expected = assertion.kind == Kind::trap         ? "trap: " + assertion.message
                                 : assertion.kind == Kind::exhaustion ? "exhaustion: " + assertion.message
                                 : assertion.kind == Kind::suspension ? "suspension: " + assertion.message
                                                                      : "exception";
    if (results)
        return "returned, expected " + expected;
    const Failure& failure = results.error();
    if (!failure.trap)
        return failure.message;
    const Trap& trap = *failure.trap;
    const bool as_expected =
        assertion.kind == Kind::trap         ? is_semantic(trap)
        : assertion.kind == Kind::exhaustion ? trap.code() == TrapCode::call_stack_exhausted
        : assertion.kind == Kind::suspension ? trap.code() == TrapCode::unhandled_suspension
                                             : trap.exception().has_value();
    if (!as_expected)
        return failure.message + " (expected " + expected + ")";
    compare_message(assertion.message, trap.message());
    return std::nullopt;
}

ScriptRunner::Fault ScriptRunner::execute(const AssertRefused& assertion) {
    const auto loaded = load(assertion.module);
    if (Fault fault = check_refused(assertion, loaded, options_.unsupported_is_invalid))
        return fault;
    compare_message(assertion.message, loaded.error().message());
    return std::nullopt;
}

ScriptRunner::Fault ScriptRunner::execute(const AssertNotInstantiated& assertion) {
    const bool trap = assertion.kind == AssertNotInstantiated::Kind::trap;
    Module module;
    if (const auto* const source = std::get_if<ModuleSource>(&assertion.module)) {
        auto loaded = load(*source);
        if (!loaded)
            return "the module is refused: " + options_.explain(loaded.error());
        module = std::move(*loaded);
    } else {
        const auto found = modules_.find(std::get<Instantiation>(assertion.module).module);
        if (found == modules_.end())
            return "no such module";
        module = found->second;
    }
    const auto made = instantiate(module);
    const std::string expected = (trap ? "trap: " : "unlinkable: ") + assertion.message;
    if (made)
        return "instantiated, expected " + expected;
    const InstantiationError& error = made.error();
    if (trap ? error.trap() == nullptr || !is_semantic(*error.trap()) : error.code() != ErrorCode::unlinkable)
        return describe(error) + " (expected " + expected + ")";
    compare_message(assertion.message, error.message());
    return std::nullopt;
}

ScriptRunner::Fault ScriptRunner::execute(const Thread& command) {
    if (threads_.contains(command.name))
        return "duplicate thread $" + command.name;
    auto running = std::make_unique<Running>(name_, options_, engine_);
    for (const std::string& name : command.shared)
        if (Fault fault = share(name, running->runner))
            return fault;
    running->thread =
        std::thread{[&script = command.commands, &runner = running->runner] { runner.run(script); }};
    threads_.emplace(command.name, std::move(running));
    return std::nullopt;
}

ScriptRunner::Fault ScriptRunner::execute(const Wait& command) {
    const auto found = threads_.find(command.thread);
    if (found == threads_.end())
        return "no thread $" + command.thread;
    join(*found->second);
    threads_.erase(found);
    return std::nullopt;
}

ScriptRunner::Fault ScriptRunner::share(const std::string& name, ScriptRunner& with) const {
    const Instance* const instance = find_instance(name);
    if (instance == nullptr)
        return "no instance $" + name + " to share";
    for (const Export& entry : instance->module().exports()) {
        const Extern object = instance->get(entry);
        const Memory* const memory = std::get_if<Memory>(&object);
        if (const auto shared = memory != nullptr ? memory->shared() : std::nullopt)
            with.shared_[name].emplace_back(entry.name, *shared);
    }
    return with.shared_.contains(name) ? std::nullopt : Fault{"$" + name + " exports no shared memory"};
}

void ScriptRunner::join(Running& running) {
    running.thread.join();
    for (const Finding& finding : running.findings)
        report_(finding);
    counts_ += running.runner.counts_;
}

std::expected<std::vector<Value>, ScriptRunner::Failure> ScriptRunner::perform(const Action& action) {
    const auto impossible = [](std::string message) {
        return std::unexpected{Failure{std::nullopt, std::move(message)}};
    };
    const Instance* const instance = find_instance(action.instance);
    if (instance == nullptr)
        return impossible("no instance" + (action.instance.empty() ? "" : " $" + action.instance));
    if (action.is_get) {
        const auto global = instance->global(action.name);
        if (!global)
            return impossible(std::string{global.error().message()});
        return std::vector<Value>{global->get()};
    }
    const auto func = instance->func(action.name);
    if (!func)
        return impossible(std::string{func.error().message()});
    std::vector<Value> arguments;
    for (const Pattern& argument : action.arguments) {
        const auto value = to_value(argument);
        if (!value)
            return impossible("not a value: " + to_string(argument));
        arguments.push_back(*value);
    }
    if (options_.before_call) {
        std::vector<Instance> all;
        for (const auto& [name, named] : instances_)
            if (std::ranges::find(all, named) == all.end())
                all.push_back(named);
        options_.before_call({store_, all, *func, arguments, line_});
    }
    std::vector<Value> results(func->type().results.size());
    if (auto called = func->call(arguments, results); !called)
        return std::unexpected{Failure{called.error(), "trap: " + std::string{called.error().message()}}};
    return results;
}

std::expected<Module, Error> ScriptRunner::load(const ModuleSource& source) {
    const auto bytes = translate(source);
    if (!bytes)
        return std::unexpected{bytes.error()};
    const std::span view{reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size()};
    auto module = engine_.load(view);
    if (module && options_.loaded)
        options_.loaded(view, *module);
    return module;
}

ScriptRunner::Fault ScriptRunner::define(const ModuleSource& source) {
    auto loaded = load(source);
    if (!loaded)
        return "the module is refused: " + options_.explain(loaded.error());
    modules_[source.name] = *loaded;
    modules_[""] = std::move(*loaded);
    return std::nullopt;
}

std::expected<Instance, InstantiationError> ScriptRunner::instantiate(const Module& module) {
    return linker_.instantiate(store_, module);
}

ScriptRunner::Fault ScriptRunner::remember(const std::expected<Instance, InstantiationError>& made,
                                           const std::string& name) {
    if (!made)
        return describe(made.error());
    instances_.insert_or_assign(name, *made);
    instances_.insert_or_assign("", *made);
    return std::nullopt;
}

const Instance* ScriptRunner::find_instance(const std::string& name) const {
    const auto found = instances_.find(name);
    return found != instances_.end() ? &found->second : nullptr;
}

/// Scripts expect the beginning of a message; ours may begin with the position.
void ScriptRunner::compare_message(std::string_view expected, std::string_view found) {
    if (options_.compare_messages && !found.contains(expected))
        report_({name_, line_,
                 "expected \"" + std::string{expected} + "\", found \"" + std::string{found} + "\"", false});
}

Counts run_script(std::string_view name, std::string_view text, const RunOptions& options,
                  const std::function<void(const Finding&)>& report) {
    const auto script = parse_script(text);
    if (!script) {
        report({name, 0, std::string{script.error().message()}});
        return {.failed = 1};
    }
    Engine engine{options.config};
    return ScriptRunner{name, options, engine, report}.run(*script);
}

Counts run_file(const std::string& path, const RunOptions& options,
                const std::function<void(const Finding&)>& report) {
    std::ifstream file{path, std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    if (!file) {
        report({path, 0, "cannot be read"});
        return {.failed = 1};
    }
    RunOptions chosen = options;
    chosen.config.features = suite_features(path, options.config.features);
    chosen.unsupported_is_invalid = predates_features(path);
    return run_script(path, text, chosen, report);
}

} // namespace warpbeam::spectest
