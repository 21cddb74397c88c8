#pragma once

#include <warpbeam/spectest/runner.hpp>
#include <warpbeam/vm/instance.hpp>
#include <warpbeam/vm/linker.hpp>

#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace warpbeam::spectest {

/// Executes the commands of one script.
class ScriptRunner {
public:
    ScriptRunner(std::string_view name, const RunOptions& options, Engine& engine,
                 const std::function<void(const Finding&)>& report);
    ScriptRunner(const ScriptRunner&) = delete;
    ScriptRunner& operator=(const ScriptRunner&) = delete;
    ~ScriptRunner();

    Counts run(const Script& script);

    /// What went wrong with a command; nothing if it did what the script says.
    using Fault = std::optional<std::string>;
    Fault execute(const ModuleSource& command);
    Fault execute(const Instantiation& command);
    Fault execute(const Registration& command);
    Fault execute(const Action& command);
    Fault execute(const AssertReturn& command);
    Fault execute(const AssertFailure& command);
    Fault execute(const AssertRefused& command);
    Fault execute(const AssertNotInstantiated& command);
    Fault execute(const Thread& command);
    Fault execute(const Wait& command);

private:
    /// Why an action did not complete: a trap, or a script that cannot be executed.
    struct Failure {
        std::optional<Trap> trap;
        std::string message;
    };
    std::expected<std::vector<Value>, Failure> perform(const Action& action);
    std::expected<Module, Error> load(const ModuleSource& source);
    Fault define(const ModuleSource& source);
    std::expected<Instance, InstantiationError> instantiate(const Module& module);
    Fault remember(const std::expected<Instance, InstantiationError>& made, const std::string& name);
    [[nodiscard]] const Instance* find_instance(const std::string& name) const;
    Fault share(const std::string& name, ScriptRunner& with) const;
    /// A thread of the script, and the runner of its commands.
    struct Running;
    void join(Running& running);
    void compare_message(std::string_view expected, std::string_view found);

    std::string_view name_;
    const RunOptions& options_;
    const std::function<void(const Finding&)>& report_;
    uint32_t line_ = 0;

    Engine& engine_;
    Store store_;
    Linker linker_;
    /// The empty name stands for the last one.
    std::map<std::string, Module> modules_;
    std::map<std::string, Instance> instances_;
    /// What the thread that started this one shares: the memories exported by an instance.
    std::map<std::string, std::vector<std::pair<std::string, SharedMemory>>> shared_;
    std::map<std::string, std::unique_ptr<Running>> threads_;
    Counts counts_;
};

} // namespace warpbeam::spectest
