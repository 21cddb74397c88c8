#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/vm/active_stack.hpp>
#include <warpbeam/vm/answer.hpp>
#include <warpbeam/vm/linker.hpp>

#include <optional>

/// @file
/// Computations that stop and go on: between slices of fuel, at interrupts, and while a host call waits for
/// its answer. docs/executions.md shows how to write a scheduler with them.

namespace warpbeam {

namespace vm {
class ExecutionObject;
}

/// Why an execution is not running.
enum class ExecutionState : uint8_t {
    ready,       ///< it has not begun, or its host call is answered: `resume` continues it
    out_of_fuel, ///< `resume` continues it when it has fuel
    interrupted, ///< `resume` continues it
    host_call,   ///< it waits for `answer` or `refuse`
    done,        ///< it has ended with results
    trapped,     ///< it has ended with a trap
};

/// What `Execution::resume` may use.
struct Budget {
    /// Added to the fuel that the execution has left. Without effect unless Config::fuel is set.
    uint64_t fuel = 0;
};

/// A function on the stack of an execution.
struct ActiveFunc {
    Module module;     ///< of the function
    uint32_t func = 0; ///< its index there
};

/// A host call that waits for its answer. Valid until the execution is resumed, answered or dropped.
struct HostCall {
    /// @{ The names of the import, in the calling instance; empty if the function was called by reference.
    std::string_view module;
    std::string_view name;
    /// @}
    /// The type of the function: of the arguments, and of the answer.
    FuncType type;
    /// The calling instance; none if the execution is that of the host function itself.
    std::optional<Instance> instance;
};

struct StartedCall;

namespace detail {
/// Execution::start for parameters and results that are numbers: with the `params` argument slots in `frame`,
/// which must have the right types, and leaves `results` slots there if the call is done; otherwise `stopped`
/// is written. False if it can't begin so, and nothing has happened: Execution::start then does it, or says
/// why not.
[[nodiscard]] WARPBEAM_API bool start_slots(const Func& function, uint64_t* frame, size_t params,
                                            size_t results, const Budget& budget, uint64_t& fuel_used,
                                            std::optional<StartedCall>& stopped) noexcept;
} // namespace detail

/// A call that can stop and continue: a function with its arguments, whose code runs during `resume`. It
/// stops when its fuel is used up, when it is interrupted, and at host calls that wait for an answer; one
/// thread can run many. Each has its own stack, which takes a few hundred bytes unless calls are nested
/// deeply.
///
/// A store may have any number of executions, of which one runs at a time; a host function may resume another
/// one. Dropping an execution frees it and runs nothing. A trap in one does not affect the others. Functions
/// that return an Error report `usage` for an empty execution, after its store was destroyed, and while it
/// runs.
///
/// Thread-safety: that of the store. A later `resume` may be in another thread, like any use of the store.
/// https://webassembly.github.io/spec/core/exec/runtime.html#configurations
class WARPBEAM_API Execution {
public:
    /// Empty.
    Execution() noexcept;
    Execution(Execution&& other) noexcept;
    Execution& operator=(Execution&& other) noexcept;
    ~Execution();

    /// Prepares a call, which begins with the first `resume`. Errors: `usage` if the function is null or the
    /// arguments do not match its type; `limit` if the store has as many executions as it may have, if their
    /// stacks take as many bytes as they may, or if the parameters or results do not fit into a stack
    /// (Config::stack_size); `out_of_memory`.
    [[nodiscard]] static std::expected<Execution, Error> create(Func function,
                                                                std::span<const Value> args = {}) noexcept;

    /// Calls a function, as `create`, `resume` with this budget, and `results` do. Most calls end in their
    /// first slice, and those take less time in this way. `results` is written if the call is `done`, and has
    /// the size of the function's results. Errors: those of the three; the call has then ended.
    [[nodiscard]] static std::expected<StartedCall, Error> start(const Func& function,
                                                                 std::span<const Value> args,
                                                                 std::span<Value> results,
                                                                 const Budget& budget = {}) noexcept;

    /// @{ Instantiates a module as Linker::instantiate, LinkedModule::instantiate and Instance::create do,
    /// but for the start function, which runs during `resume` and may wait. When it is `done`, `instance` is
    /// the instance. Errors: as for those functions; `limit` also as for `create`. The instance stays in the
    /// store even if the execution traps or is dropped, since the start function may have stored references
    /// to it.
    [[nodiscard]] static std::expected<Execution, InstantiationError>
    instantiate(const Linker& linker, Store& store, const Module& module) noexcept;
    [[nodiscard]] static std::expected<Execution, InstantiationError> instantiate(const LinkedModule& module,
                                                                                  Store& store) noexcept;
    [[nodiscard]] static std::expected<Execution, InstantiationError>
    instantiate(Store& store, const Module& module, std::span<const Extern> imports = {}) noexcept;
    /// @}

    /// Runs until it stops, and returns why. Errors: `usage` also if it has ended or waits for an answer, and
    /// if calls of the host nest too deep; nothing has run then.
    [[nodiscard]] std::expected<ExecutionState, Error> resume(const Budget& budget = {}) noexcept;

    /// Whether it is not empty.
    explicit operator bool() const noexcept { return static_cast<bool>(object_); }
    /// Why it is not running; `trapped` for an empty one, and after its store was destroyed.
    [[nodiscard]] ExecutionState state() const noexcept;
    /// The fuel that is left.
    [[nodiscard]] uint64_t fuel() const noexcept;
    /// The fuel that host functions have taken beyond what was left (Caller::take_fuel); `resume` takes it
    /// from what it adds. So what an execution has used is what it was given, less `fuel`, plus this.
    [[nodiscard]] uint64_t fuel_debt() const noexcept;
    /// Takes that fuel back: the execution has none until `resume` adds some. Returns how much it was; 0
    /// while it runs.
    uint64_t take_fuel() noexcept;
    /// The active functions, the innermost first; at most 64. Empty if there are none or memory runs out.
    [[nodiscard]] Backtrace backtrace() const noexcept;
    /// The active functions with their locals and operands, until it goes on or is dropped. Empty if it has
    /// not begun, or has ended: a trap is told to Store::set_trap_observer.
    [[nodiscard]] ActiveStack stack() const noexcept;
    /// The same functions without positions, for profilers: this takes well under a microsecond for each
    /// function, and no memory. Writes the innermost ones to `to`, as many as it has room for, and returns
    /// how many there are. Host functions are not counted.
    [[nodiscard]] size_t active(std::span<ActiveFunc> to) const noexcept;

    /// The type of its function: of its arguments and results; empty if there is none.
    [[nodiscard]] FuncType type() const noexcept;
    /// Copies the results into `values`, which has the size of the function's results. References in them are
    /// kept alive as root.hpp says. Errors: `usage` if it is not `done`, or the number is wrong;
    /// `out_of_memory`.
    [[nodiscard]] std::expected<void, Error> results(std::span<Value> values) const noexcept;
    /// The instance that it has made; empty unless it is an instantiation and `done`.
    [[nodiscard]] Instance instance() const noexcept;
    /// Why it ended; null unless it is `trapped`.
    [[nodiscard]] const Trap* trap() const noexcept;

    /// What it waits for; everything is empty unless it is in state `host_call`. The backtrace says where it
    /// called.
    [[nodiscard]] HostCall host_call() const noexcept;
    /// An argument of that call; the i32 zero if there is none of that index. A reference is kept alive by
    /// the call, until it has been answered, and by no RootScope.
    [[nodiscard]] Value argument(size_t index) const noexcept;
    /// Answers the call: it will return these values. Errors: `usage` if it doesn't wait, or the values do
    /// not match the type; it then still waits.
    [[nodiscard]] std::expected<void, Error> answer(std::span<const Value> values) noexcept;
    /// Answers the call: it will trap, or throw the exception that the trap carries (Trap::thrown), as if the
    /// host function had returned that. Errors: `usage` if it doesn't wait.
    [[nodiscard]] std::expected<void, Error> refuse(Trap trap) noexcept;

    /// The right to answer the call that it waits for, which any thread may use. If the execution is dropped
    /// or its store destroyed before `resume` has taken an answer, the thread that does that calls
    /// `dropped(data)`, unless that is null; only those of the first token of a call count. Errors: `usage`
    /// if it doesn't wait; `out_of_memory`.
    [[nodiscard]] std::expected<AnswerToken, Error> token(void (*dropped)(void* data) noexcept = nullptr,
                                                          void* data = nullptr) noexcept;

    /// `answered(data)` will be called when a token has answered the call that it waits for, in the thread
    /// that does that: it may tell a scheduler, but must not use the store. It replaces what was set before;
    /// null for nothing. It is called for one answer, even if that can't be used (see `resume`). False if
    /// nothing will be called, since there is no token, or it has answered already.
    bool notify(void (*answered)(void* data) noexcept, void* data) noexcept;

private:
    friend class GuestStacks; // for those that use one
    friend bool detail::start_slots(const Func&, uint64_t*, size_t, size_t, const Budget&, uint64_t&,
                                    std::optional<StartedCall>&) noexcept;
    friend struct vm::Internal;
    [[nodiscard]] static std::expected<Execution, InstantiationError>
    instantiate_checked(Store& store, const Module& module, std::span<const ImportValue> imports) noexcept;
    Execution(Ref<vm::ExecutionObject> object, uint64_t store) noexcept;
    Ref<vm::ExecutionObject> object_;
    uint64_t store_ = 0; ///< its number
};

/// What has become of a call in its first slice.
struct StartedCall {
    ExecutionState state = ExecutionState::done; ///< why it is not running
    uint64_t fuel_used = 0;                      ///< as Execution::fuel_debt says
    /// What goes on with the call, or has its trap; empty if it is `done`.
    Execution execution;
};

} // namespace warpbeam
