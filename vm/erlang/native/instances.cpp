#include "nif.hpp"

#include <utility>

/// Instances: how they are made, and what they use.

namespace warpbeam::erlang {

/// instantiate(Module, Options): functions that it imports are answered by the caller.
Term instantiate(ErlNifEnv* env, int, const Term argv[]) {
    const ModuleResource* const resource = get_module(env, argv[0]);
    if (resource == nullptr || enif_is_map(env, argv[1]) == 0)
        return bad_argument(env, "instantiate needs a module and a map of options");
    const Module& module = resource->module;
    StoreLimits limits;
    CallLimits call_limits;
    if (!read_limits(env, argv[1], limits, call_limits))
        return bad_argument(env, "memory, heap, tables, stack, fuel and timeout are natural numbers");
    Term provided = enif_make_new_map(env);
    if (enif_get_map_value(env, argv[1], atoms.imports, &provided) != 0 && enif_is_map(env, provided) == 0)
        return bad_argument(env, "imports is a map of {Module, Name}");
    Term term;
    InstanceResource* const made = make_instance(env, resource->engine, limits, call_limits, term);
    if (made == nullptr)
        return make_error(env, atoms.out_of_memory, "out of memory for an instance");
    if (!monitor_owner(env, *made))
        return bad_argument(env, "only a process may own an instance");
    const Held held{*made};
    if (!held || made->stopped)
        return make_stopped(env);
    Linker linker{resource->engine};
    if (const auto error = define_imports(env, linker, module))
        return *error;
    if (const auto error = provide_imports(env, linker, *made, module, provided))
        return *error;
    auto execution = Execution::instantiate(linker, made->store, module);
    if (!execution)
        return make_error(env, execution.error());
    return begin(env, *made, std::move(*execution), {}, enif_make_new_map(env));
}

/// stop(Instance)
Term stop(ErlNifEnv* env, int, const Term argv[]) {
    InstanceResource* const instance = get_instance(env, argv[0]);
    if (instance == nullptr)
        return bad_argument(env, "not an instance");
    instance->stop();
    return atoms.ok;
}

/// stats(Instance)
Term stats(ErlNifEnv* env, int argc, const Term argv[]) {
    return with_instance(env, "stats", stats, argc, argv, [&](InstanceResource& instance) {
        const StoreUsage usage = instance.store.usage();
        const std::pair<Term, uint64_t> entries[] = {
            {atoms.memory, usage.memory_bytes},   {atoms.heap, usage.heap_bytes},
            {atoms.tables, usage.table_elements}, {atoms.stack, usage.execution_bytes},
            {atoms.executions, usage.executions}, {atoms.calls, instance.calls},
            {atoms.fuel, instance.fuel_used},     {atoms.collections, instance.store.heap().collections},
        };
        Term map = enif_make_new_map(env);
        for (const auto& [key, value] : entries)
            map = add_to(env, map, key, enif_make_uint64(env, value));
        return make_ok(env, map);
    });
}

} // namespace warpbeam::erlang
