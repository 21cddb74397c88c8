#include "nif.hpp"

/// The table of the functions, and what they have in common.

namespace warpbeam::erlang {

const Engine& engine() noexcept {
    static const Engine instance{[] {
        Config config;
        config.features.enable(Feature::legacy_exceptions);
        config.fuel = config.interruption = config.patched_interruption = config.eager = true;
        return config;
    }()};
    return instance;
}

bool read_option(ErlNifEnv* env, Term options, Term key, uint64_t& value) noexcept {
    Term found;
    if (enif_get_map_value(env, options, key, &found) == 0)
        return true;
    ErlNifUInt64 number;
    if (enif_get_uint64(env, found, &number) == 0)
        return false;
    value = number;
    return true;
}

bool read_limits(ErlNifEnv* env, Term options, StoreLimits& limits) noexcept {
    return read_option(env, options, atoms.memory, limits.memory_bytes) &&
           read_option(env, options, atoms.heap, limits.heap_bytes);
}

bool monitor_owner(ErlNifEnv* env, InstanceResource& instance) noexcept {
    ErlNifPid self;
    return enif_self(env, &self) != nullptr &&
           enif_monitor_process(env, &instance, &self, &instance.owner) == 0;
}

std::expected<void, Error> define_imports(Linker& linker, const Module& module) noexcept {
    for (const Import& import : module.imports())
        if (import.type.kind == ExternKind::func && !linker.defines(import.module, import.name))
            if (auto defined = linker.host_call(import.module, import.name, import.type.func); !defined)
                return defined;
    return {};
}

Term try_again(ErlNifEnv* env, const char* name, Nif* nif, int argc, const Term argv[]) noexcept {
    enif_consume_timeslice(env, 10);
    const bool is_dirty = enif_thread_type() == ERL_NIF_THR_DIRTY_CPU_SCHEDULER;
    return enif_schedule_nif(env, name, is_dirty ? ERL_NIF_DIRTY_JOB_CPU_BOUND : 0, nif, argc, argv);
}

namespace {

int load_library(ErlNifEnv* env, void**, Term) {
    atoms.make(env);
    return open_resources(env) ? 0 : 1;
}

ErlNifFunc functions[] = {
    {"load", 1, load, ERL_NIF_DIRTY_JOB_CPU_BOUND},
    {"imports", 1, imports, 0},
    {"exports", 1, exports, 0},
    {"instantiate", 2, instantiate, ERL_NIF_DIRTY_JOB_CPU_BOUND},
    {"start_call", 4, start_call, 0},
    {"continue", 2, continue_call, 0},
    {"throw", 2, throw_call, 0},
    {"cancel", 1, cancel, 0},
    {"stop", 1, stop, 0},
    {"global_get", 2, global_get, 0},
    {"global_set", 3, global_set, 0},
    {"snapshot", 2, snapshot, ERL_NIF_DIRTY_JOB_CPU_BOUND},
    {"restore", 3, restore_snapshot, ERL_NIF_DIRTY_JOB_CPU_BOUND},
    {"fork", 2, fork_instance, ERL_NIF_DIRTY_JOB_CPU_BOUND},
    {"memory_size", 2, memory_size, 0},
    {"read", 4, read, 0},
    {"write", 4, write, 0},
};

} // namespace

} // namespace warpbeam::erlang

extern "C" {
using warpbeam::erlang::functions;
using warpbeam::erlang::load_library;
ERL_NIF_INIT(warpbeam_nif, functions, load_library, nullptr, nullptr, nullptr)
}
