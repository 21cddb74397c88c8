#include "nif.hpp"

#include <utility>

/// Instances: how they are made, and what they use.

namespace warpbeam::erlang {

namespace {

/// An execution that makes the instance.
std::expected<Execution, Term> prepare_instance(ErlNifEnv* env, const ModuleResource& from,
                                                InstanceResource& made, Term options,
                                                Term provided) noexcept {
    const auto result = [env](auto&& execution) -> std::expected<Execution, Term> {
        if (!execution)
            return std::unexpected{make_error(env, execution.error())};
        return std::move(*execution);
    };
    const Module& module = from.module;
    Term wasi;
    if (from.linked.module() && enif_get_map_value(env, options, atoms.wasi, &wasi) == 0)
        return result(Execution::instantiate(from.linked, made.store));
    Linker linker{from.engine};
    if (const auto error = make_world(env, made.world, linker, module, options))
        return std::unexpected{*error};
    if (const auto error = define_imports(env, linker, module))
        return std::unexpected{*error};
    if (const auto error = provide_imports(env, linker, made, module, provided))
        return std::unexpected{*error};
    return result(Execution::instantiate(linker, made.store, module));
}

Nif make_instance_of;

} // namespace

/// instantiate(Module, Options): functions that it imports are answered by the caller. A small instance is
/// made at once.
Term instantiate(ErlNifEnv* env, int argc, const Term argv[]) {
    const ModuleResource* const resource = get_module(env, argv[0]);
    Term wasi;
    if (resource != nullptr &&
        (!resource->is_small || enif_get_map_value(env, argv[1], atoms.wasi, &wasi) != 0))
        return enif_schedule_nif(env, "instantiate", ERL_NIF_DIRTY_JOB_CPU_BOUND, make_instance_of, argc,
                                 argv);
    return make_instance_of(env, argc, argv);
}

namespace {

Term make_instance_of(ErlNifEnv* env, int, const Term argv[]) {
    const ModuleResource* const resource = get_module(env, argv[0]);
    if (resource == nullptr || enif_is_map(env, argv[1]) == 0)
        return bad_argument(env, "instantiate needs a module and a map of options");
    StoreLimits limits;
    CallLimits call_limits;
    if (const auto error = read_limits(env, argv[1], limits, call_limits))
        return *error;
    Term provided = enif_make_new_map(env);
    if (enif_get_map_value(env, argv[1], atoms.imports, &provided) != 0 && enif_is_map(env, provided) == 0)
        return bad_argument(env, "imports is a map of {Module, Name}");
    Term term;
    InstanceResource* const made = make_instance(env, resource->engine, limits, call_limits, term);
    if (const auto error = own(env, made))
        return *error;
    const Held held{*made};
    if (!held || made->stopped)
        return make_stopped(env);
    auto execution = prepare_instance(env, *resource, *made, argv[1], provided);
    if (!execution)
        return execution.error();
    enif_consume_timeslice(env, 1); // a hundredth of it, some 10 us
    return begin(env, *made, std::move(*execution), {}, call_limits);
}

} // namespace

std::optional<Term> make_world(ErlNifEnv* env, std::unique_ptr<World>& world, Linker& linker,
                               const Module& module, Term options) noexcept {
    Term given;
    if (enif_get_map_value(env, options, atoms.wasi, &given) == 0)
        return std::nullopt;
    std::string why;
    world = World::make(env, given, why);
    if (world == nullptr)
        return bad_argument(env, why);
    const auto defined = wasi::define(linker, world->context(), wasi::pointers_of(module));
    return defined ? std::nullopt : std::optional{make_error(env, defined.error())};
}

/// output(Instance, stdout or stderr): what was collected since it was asked last.
Term output(ErlNifEnv* env, int argc, const Term argv[]) {
    const bool is_err = enif_is_identical(argv[1], atoms.err) != 0;
    if (!is_err && enif_is_identical(argv[1], atoms.out) == 0)
        return bad_argument(env, "the stream is stdout or stderr");
    return with_instance(env, "output", output, argc, argv, [&](InstanceResource& instance) {
        if (instance.world == nullptr)
            return make_error(env, atoms.usage, "the instance has no WASI");
        Output& stream = instance.world->output(is_err ? wasi::Stream::err : wasi::Stream::out);
        const Term bytes = make_binary(env, stream.text());
        stream.clear();
        return make_ok(env, bytes);
    });
}

/// stop(Instance)
Term stop(ErlNifEnv* env, int, const Term argv[]) {
    InstanceResource* const instance = get_instance(env, argv[0]);
    if (instance == nullptr)
        return bad_argument(env, "not an instance");
    instance->stop();
    return atoms.ok;
}

/// pause(Instance, true or false): whether its calls return `{paused, Call}` before their next slice.
Term pause(ErlNifEnv* env, int, const Term argv[]) {
    InstanceResource* const instance = get_instance(env, argv[0]);
    const bool is_paused = enif_is_identical(argv[1], atoms.true_) != 0;
    if (instance == nullptr || (!is_paused && enif_is_identical(argv[1], atoms.false_) == 0))
        return bad_argument(env, "pause needs an instance and a boolean");
    instance->paused = is_paused;
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
