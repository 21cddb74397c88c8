#include <csignal>
#include <erl_nif.h>
#include <new>

/// The Erlang module `warpbeam_guard`: what a node needs of other processes. References send a message when
/// they are gone; a process that hangs can be killed. It is a library of its own, so that a node whose guests
/// run in other processes loads no other native code.

namespace {

using Term = ERL_NIF_TERM;

struct Guard {
    ErlNifPid process;
    ErlNifEnv* env; ///< of the message
    Term message;
};

ErlNifResourceType* guard_type;

void send_message(ErlNifEnv* env, void* object) noexcept {
    Guard& guard = *static_cast<Guard*>(object);
    enif_send(env, &guard.process, guard.env, guard.message);
    enif_free_env(guard.env);
}

/// new(Pid, Message)
Term make_guard(ErlNifEnv* env, int, const Term argv[]) {
    ErlNifPid process;
    if (enif_get_local_pid(env, argv[0], &process) == 0)
        return enif_make_atom(env, "none"); // of another node: what it has lives as long as the maker
    ErlNifEnv* const message = enif_alloc_env();
    void* const memory = enif_alloc_resource(guard_type, sizeof(Guard));
    ::new (memory) Guard{process, message, enif_make_copy(message, argv[1])};
    const Term reference = enif_make_resource(env, memory);
    enif_release_resource(memory); // the term keeps it
    return reference;
}

/// kill(Pid): ends a process of the operating system, also one that is stopped. It needs no shell.
Term kill_process(ErlNifEnv* env, int, const Term argv[]) {
    int process;
    if (enif_get_int(env, argv[0], &process) == 0 || process <= 1)
        return enif_make_badarg(env);
    return enif_make_atom(env, kill(process, SIGKILL) == 0 ? "true" : "false");
}

bool open(ErlNifEnv* env) {
    const auto flags = static_cast<ErlNifResourceFlags>(ERL_NIF_RT_CREATE | ERL_NIF_RT_TAKEOVER);
    guard_type = enif_open_resource_type(env, nullptr, "guard", send_message, flags, nullptr);
    return guard_type != nullptr;
}

/// The atoms that answers of another process may have: they are read only if the node knows them.
void make_atoms(ErlNifEnv* env) {
#define WARPBEAM_ERLANG_ATOM(name, text) (void)enif_make_atom(env, text);
#include "atoms.inc"
#undef WARPBEAM_ERLANG_ATOM
#define WARPBEAM_TRAP_CODE(name, description) (void)enif_make_atom(env, #name);
#include <warpbeam/vm/trap_codes.inc>
#undef WARPBEAM_TRAP_CODE
}

int load_library(ErlNifEnv* env, void**, Term) {
    make_atoms(env);
    return open(env) ? 0 : 1;
}
int upgrade_library(ErlNifEnv* env, void**, void**, Term) { return open(env) ? 0 : 1; }

ErlNifFunc functions[] = {{"new", 2, make_guard, 0}, {"kill", 1, kill_process, 0}};

} // namespace

extern "C" {
ERL_NIF_INIT(warpbeam_guard, functions, load_library, nullptr, upgrade_library, nullptr)
}
