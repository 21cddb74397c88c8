#pragma once

#include "values.hpp"

#include <warpbeam/vm/linker.hpp>

#include <string>
#include <string_view>

/// The functions of the Erlang module `warpbeam_nif`, and what they have in common. A call runs slices of
/// fuel of about half a millisecond, and gives way to other processes between them; it returns the requests
/// of the guest to the caller. So no thread waits for anything.

namespace warpbeam::erlang {

using Nif = Term(ErlNifEnv* env, int argc, const Term argv[]);
Nif load;
Nif imports;
Nif exports;
Nif instantiate;
Nif start_call;
Nif start_limited_call;
Nif continue_call;
Nif throw_call;
Nif resume;
Nif output;
Nif cancel;
Nif stop;
Nif pause;
Nif limit;
Nif binary;
Nif stats;
Nif memory_size;
Nif memory_grow;
Nif read;
Nif read_string;
Nif write;
Nif global_get;
Nif global_set;
Nif table_size;
Nif table_get;
Nif table_set;
Nif table_grow;
Nif snapshot;
Nif restore_snapshot;
Nif fork_instance;

inline constexpr size_t max_copy = 64 * 1024; ///< the bytes that are copied on an ordinary scheduler
inline constexpr size_t max_values = 1'000;   ///< parameters or results, as validation allows

/// An engine for one module, since an engine keeps the types of all its modules, also of refused ones, and
/// the modules that a node loads come from others. `is_deterministic`: Config::deterministic.
[[nodiscard]] Engine make_engine(bool is_deterministic) noexcept;

[[nodiscard]] inline Term bad_argument(ErlNifEnv* env, std::string_view message) noexcept {
    return make_error(env, atoms.bad_argument, message);
}
[[nodiscard]] inline std::string_view text_of(const ErlNifBinary& binary) noexcept {
    return {reinterpret_cast<const char*>(binary.data), binary.size};
}

/// Whether the options are a map without other keys: a limit whose name is misspelt would limit nothing.
[[nodiscard]] bool has_only(ErlNifEnv* env, Term options, std::initializer_list<Term> known) noexcept;
/// The limits of an instance and of its calls. None, or the error: an unknown option, or one that is no
/// number.
[[nodiscard]] std::optional<Term> read_limits(ErlNifEnv* env, Term options, StoreLimits& limits,
                                              CallLimits& call_limits) noexcept;
/// The same for the options of a call, `fuel` and `timeout`.
[[nodiscard]] std::optional<Term> read_limits(ErlNifEnv* env, Term options, CallLimits& limits) noexcept;
/// The process that makes an instance, which is null without memory, owns it. None, or the error.
[[nodiscard]] std::optional<Term> own(ErlNifEnv* env, InstanceResource* made) noexcept;
/// Defines what a module imports: functions are answered by the caller; the others are made as the map of
/// `{Module, Name}` says. None if that is done, otherwise the error.
[[nodiscard]] std::optional<Term> define_imports(ErlNifEnv* env, Linker& linker,
                                                 const Module& module) noexcept;
[[nodiscard]] std::optional<Term> provide_imports(ErlNifEnv* env, Linker& linker, InstanceResource& instance,
                                                  const Module& module, Term map) noexcept;
/// The export of that kind, or the import if the name is `{Module, Name}`; the error if there is none.
template <typename Object>
[[nodiscard]] std::expected<Object, Term> find_object(ErlNifEnv* env, const Instance& instance,
                                                      Term name) noexcept;
/// Makes the world of an instance if the options have one: none, or the error.
[[nodiscard]] std::optional<Term> make_world(ErlNifEnv* env, std::unique_ptr<World>& world, Linker& linker,
                                             const Module& module, Term options) noexcept;
/// Makes the call again as soon as others had their turn, because another process uses the instance.
[[nodiscard]] Term try_again(ErlNifEnv* env, const char* name, Nif* nif, int argc,
                             const Term argv[]) noexcept;
[[nodiscard]] inline Term make_stopped(ErlNifEnv* env) noexcept {
    return make_error(env, atoms.stopped, "the instance was stopped");
}
/// Calls `body` with the instance that is the first argument, and its lock.
template <typename Body>
[[nodiscard]] Term with_instance(ErlNifEnv* env, const char* name, Nif* nif, int argc, const Term argv[],
                                 Body body) noexcept {
    InstanceResource* const instance = get_instance(env, argv[0]);
    if (instance == nullptr)
        return bad_argument(env, "not an instance");
    const Held held{*instance};
    if (!held)
        return try_again(env, name, nif, argc, argv);
    return instance->stopped ? make_stopped(env) : body(*instance);
}
/// The same with a call and the lock of its instance.
template <typename Body>
[[nodiscard]] Term with_call(ErlNifEnv* env, const char* name, Nif* nif, int argc, const Term argv[],
                             Body body) noexcept {
    CallResource* const call = get_call(env, argv[0]);
    if (call == nullptr)
        return bad_argument(env, "not a call");
    const Held held{call->instance};
    if (!held)
        return try_again(env, name, nif, argc, argv);
    return call->instance.stopped ? make_stopped(env) : body(*call);
}

/// Calls `body` with an object of the instance, whose name is the second argument.
template <typename Object, typename Body>
[[nodiscard]] Term with_object(ErlNifEnv* env, const char* name, Nif* nif, int argc, const Term argv[],
                               Body body) noexcept {
    return with_instance(env, name, nif, argc, argv, [&](InstanceResource& instance) {
        const auto found = find_object<Object>(env, instance.instance, argv[1]);
        return found ? body(instance, *found) : found.error();
    });
}

/// Prepares a call of a function; with a stack of its own in the guest's memory if the instance says so.
[[nodiscard]] std::expected<Execution, Term> prepare_call(ErlNifEnv* env, InstanceResource& instance,
                                                          Func func,
                                                          std::span<const Value> arguments) noexcept;
/// Frees the stacks that no call uses, if no call is in the middle of the guest's code. None, or the error.
[[nodiscard]] std::optional<Term> trim_stacks(ErlNifEnv* env, InstanceResource& instance) noexcept;
/// Finds the stacks of calls that were restored or forked. None, or the error.
[[nodiscard]] std::optional<Term> adopt_stacks(ErlNifEnv* env, InstanceResource& instance,
                                               std::span<Execution> executions) noexcept;
/// What the call may use from now on.
void set_limits(CallState& call, const CallLimits& limits) noexcept;
/// Makes a call of an execution of a function and begins it, with the lock of the instance. An execution that
/// makes the instance has no function.
[[nodiscard]] Term begin(ErlNifEnv* env, InstanceResource& instance, Execution&& execution, Func function,
                         const CallLimits& limits) noexcept;

/// What a call that waits asks for: `{import, Call, Module, Name, Arguments}`. `term` is the call.
[[nodiscard]] Term request(ErlNifEnv* env, CallResource& call, Term term) noexcept;
/// The same for a call that was restored: `{paused, Call}` if it does not wait for an import.
[[nodiscard]] Term request_again(ErlNifEnv* env, CallResource& call, Term term) noexcept;

} // namespace warpbeam::erlang
