#include "nif.hpp"

#include "reaper.hpp"
#include "slice_timer.hpp"

/// The table of the functions, and what they have in common.

namespace warpbeam::erlang {

Engine make_engine(bool is_deterministic) noexcept {
    Config config;
    config.features.enable(Feature::legacy_exceptions);
    config.fuel = config.interruption = config.patched_interruption = config.eager = true;
    config.deterministic = is_deterministic;
    return Engine{config};
}

bool has_only(ErlNifEnv* env, Term options, std::initializer_list<Term> known) noexcept {
    size_t left = 0;
    if (enif_get_map_size(env, options, &left) == 0)
        return false;
    Term value;
    for (const Term key : known)
        left -= enif_get_map_value(env, options, key, &value) != 0 ? 1 : 0;
    return left == 0;
}

namespace {

struct Number {
    Term key;
    std::string_view name;
    uint64_t& value;
};

constexpr uint64_t max_timeout = INT32_MAX; ///< in milliseconds; also of `warpbeam_options`

/// Options that are numbers, each if it is there. None, or the error.
std::optional<Term> read_numbers(ErlNifEnv* env, Term options, std::initializer_list<Number> numbers) {
    for (const Number& number : numbers) {
        Term found;
        ErlNifUInt64 value;
        if (enif_get_map_value(env, options, number.key, &found) == 0)
            continue;
        if (enif_get_uint64(env, found, &value) == 0)
            return bad_argument(env, std::string{number.name} + " is a natural number, or left out");
        number.value = value;
    }
    return std::nullopt;
}

/// A longer one would be cut short without a word. None, or the error.
std::optional<Term> check_timeout(ErlNifEnv* env, uint64_t timeout) {
    if (timeout <= max_timeout || timeout == CallLimits{}.timeout)
        return std::nullopt;
    return bad_argument(env, "a timeout is at most " + std::to_string(max_timeout) +
                                 " milliseconds (24 days), not " + std::to_string(timeout) +
                                 "; leave it out for none");
}

} // namespace

std::optional<Term> read_limits(ErlNifEnv* env, Term options, CallLimits& limits) noexcept {
    if (!has_only(env, options, {atoms.fuel, atoms.timeout}))
        return bad_argument(env, "the options of a call are a map that has only fuel and timeout");
    if (auto wrong = read_numbers(
            env, options, {{atoms.fuel, "fuel", limits.fuel}, {atoms.timeout, "timeout", limits.timeout}}))
        return wrong;
    return check_timeout(env, limits.timeout);
}

std::optional<Term> read_limits(ErlNifEnv* env, Term options, StoreLimits& limits,
                                CallLimits& call_limits) noexcept {
    if (!has_only(env, options,
                  {atoms.memory, atoms.heap, atoms.tables, atoms.stack, atoms.stacks, atoms.fuel,
                   atoms.timeout, atoms.imports, atoms.wasi}))
        return bad_argument(env, "the options of an instance are a map that has only memory, heap, tables, "
                                 "stack, stacks, fuel, timeout, imports and wasi");
    if (auto wrong = read_numbers(env, options,
                                  {{atoms.memory, "memory", limits.memory_bytes},
                                   {atoms.heap, "heap", limits.heap_bytes},
                                   {atoms.tables, "tables", limits.table_elements},
                                   {atoms.stack, "stack", limits.execution_bytes},
                                   {atoms.stacks, "stacks", call_limits.stacks},
                                   {atoms.fuel, "fuel", call_limits.fuel},
                                   {atoms.timeout, "timeout", call_limits.timeout}}))
        return wrong;
    return check_timeout(env, call_limits.timeout);
}

std::optional<Term> own(ErlNifEnv* env, InstanceResource* made) noexcept {
    if (made == nullptr)
        return make_error(env, atoms.out_of_memory, "out of memory for an instance");
    ErlNifPid self;
    if (enif_self(env, &self) == nullptr || enif_monitor_process(env, made, &self, &made->owner) != 0)
        return bad_argument(env, "only a process may own an instance");
    return std::nullopt;
}

Term try_again(ErlNifEnv* env, const char* name, Nif* nif, int argc, const Term argv[]) noexcept {
    enif_consume_timeslice(env, 10);
    const int thread = enif_thread_type();
    const int flags = thread == ERL_NIF_THR_DIRTY_CPU_SCHEDULER  ? ERL_NIF_DIRTY_JOB_CPU_BOUND
                      : thread == ERL_NIF_THR_DIRTY_IO_SCHEDULER ? ERL_NIF_DIRTY_JOB_IO_BOUND
                                                                 : 0;
    return enif_schedule_nif(env, name, flags, nif, argc, argv);
}

namespace {

/// How many versions of the Erlang module use this library. Its address says which library it is.
int users;

int load_library(ErlNifEnv* env, void** data, Term) {
    *data = &users;
    ++users;
    atoms.make(env);
    return open_resources(env, ERL_NIF_RT_CREATE) ? 0 : 1;
}

/// The module is loaded again. Modules and instances refer to the code of the library that made them, so it
/// must be the same one.
int upgrade_library(ErlNifEnv* env, void** data, void** old_data, Term) {
    if (*old_data != &users)
        return 1;
    *data = &users;
    ++users;
    return open_resources(env, ERL_NIF_RT_TAKEOVER) ? 0 : 1;
}

void unload_library(ErlNifEnv*, void*) {
    if (--users != 0)
        return;
    stop_slice_clock();
    stop_reaper();
}

ErlNifFunc functions[] = {
    {"load", 2, load, ERL_NIF_DIRTY_JOB_CPU_BOUND},
    {"imports", 1, imports, 0},
    {"exports", 1, exports, 0},
    {"instantiate", 2, instantiate, 0},
    {"start_call", 3, start_call, 0},
    {"start_call", 4, start_limited_call, 0},
    {"continue", 2, continue_call, 0},
    {"throw", 2, throw_call, 0},
    {"resume", 2, resume, 0},
    {"output", 2, output, 0},
    {"cancel", 1, cancel, 0},
    {"stop", 1, stop, 0},
    {"pause", 2, pause, 0},
    {"limit", 2, limit, 0},
    {"binary", 1, binary, ERL_NIF_DIRTY_JOB_CPU_BOUND},
    {"stats", 1, stats, 0},
    {"global_get", 2, global_get, 0},
    {"global_set", 3, global_set, 0},
    {"snapshot", 3, snapshot, ERL_NIF_DIRTY_JOB_CPU_BOUND},
    {"restore", 3, restore_snapshot, ERL_NIF_DIRTY_JOB_CPU_BOUND},
    {"fork", 2, fork_instance, ERL_NIF_DIRTY_JOB_CPU_BOUND},
    {"memory_size", 2, memory_size, 0},
    {"memory_grow", 3, memory_grow, 0},
    {"read", 4, read, 0},
    {"read_string", 4, read_string, 0},
    {"write", 4, write, 0},
    {"table_size", 2, table_size, 0},
    {"table_get", 3, table_get, 0},
    {"table_set", 4, table_set, 0},
    {"table_grow", 4, table_grow, 0},
};

} // namespace

} // namespace warpbeam::erlang

extern "C" {
using warpbeam::erlang::functions;
using warpbeam::erlang::load_library;
using warpbeam::erlang::unload_library;
using warpbeam::erlang::upgrade_library;
ERL_NIF_INIT(warpbeam_nif, functions, load_library, nullptr, upgrade_library, unload_library)
}
