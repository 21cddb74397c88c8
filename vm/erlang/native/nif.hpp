#pragma once

#include "resources.hpp"

#include <warpbeam/vm/linker.hpp>

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
Nif continue_call;
Nif throw_call;
Nif cancel;
Nif stop;
Nif memory_size;
Nif read;
Nif write;
Nif global_get;
Nif global_set;
Nif snapshot;
Nif restore_snapshot;
Nif fork_instance;

inline constexpr size_t max_copy = 64 * 1024; ///< the bytes that are copied on an ordinary scheduler
inline constexpr size_t max_values = 1'000;   ///< parameters or results, as validation allows

/// The engine of the node.
[[nodiscard]] const Engine& engine() noexcept;

[[nodiscard]] inline Term bad_argument(ErlNifEnv* env, std::string_view message) noexcept {
    return make_error(env, atoms.bad_argument, message);
}
[[nodiscard]] inline std::string_view text_of(const ErlNifBinary& binary) noexcept {
    return {reinterpret_cast<const char*>(binary.data), binary.size};
}

/// An option of a map, if it is there. False if it is no number.
[[nodiscard]] bool read_option(ErlNifEnv* env, Term options, Term key, uint64_t& value) noexcept;
/// The limits of an instance; false if one is no number.
[[nodiscard]] bool read_limits(ErlNifEnv* env, Term options, StoreLimits& limits) noexcept;
/// The process that makes an instance owns it. False if it is none.
[[nodiscard]] bool monitor_owner(ErlNifEnv* env, InstanceResource& instance) noexcept;
/// All functions that a module imports are answered by the caller.
[[nodiscard]] std::expected<void, Error> define_imports(Linker& linker, const Module& module) noexcept;
/// Makes the call again as soon as others had their turn, because another process uses the instance.
[[nodiscard]] Term try_again(ErlNifEnv* env, const char* name, Nif* nif, int argc,
                             const Term argv[]) noexcept;
/// Calls `body` with the instance that is the first argument, and its lock.
template <typename Body>
[[nodiscard]] Term with_instance(ErlNifEnv* env, const char* name, Nif* nif, int argc, const Term argv[],
                                 Body body) noexcept {
    InstanceResource* const instance = get_instance(env, argv[0]);
    if (instance == nullptr)
        return bad_argument(env, "not an instance");
    const Held held{*instance};
    return held ? body(*instance) : try_again(env, name, nif, argc, argv);
}
/// The same with a call and the lock of its instance.
template <typename Body>
[[nodiscard]] Term with_call(ErlNifEnv* env, const char* name, Nif* nif, int argc, const Term argv[],
                             Body body) noexcept {
    CallResource* const call = get_call(env, argv[0]);
    if (call == nullptr)
        return bad_argument(env, "not a call");
    const Held held{call->instance};
    return held ? body(*call) : try_again(env, name, nif, argc, argv);
}

/// What a call that waits asks for: `{import, Call, Module, Name, Arguments}`. `term` is the call.
[[nodiscard]] Term request(ErlNifEnv* env, CallResource& call, Term term) noexcept;

} // namespace warpbeam::erlang
