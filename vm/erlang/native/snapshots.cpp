#include "nif.hpp"

#include <warpbeam/vm/host_object.hpp>
#include <warpbeam/vm/snapshot.hpp>

#include <cstring>
#include <utility>
#include <vector>

/// Snapshots and forks of instances, with the calls that wait.

namespace warpbeam::erlang {

namespace {

/// What comes before a snapshot: how many calls it has, how many results each returns, and the size and bytes
/// of what World::save writes.
constexpr std::string_view snapshot_magic{"wberl\2", 6};

/// External references that were made of Erlang terms: the external term format is their name.
class TermNames final : public SnapshotHost {
public:
    bool name_extern(const Store& store, ExternRef reference, Vec<uint8_t>& name) noexcept override {
        const HeldTerm* const held = reference.object<HeldTerm>(store);
        ErlNifEnv* const env = held != nullptr ? enif_alloc_env() : nullptr;
        if (env == nullptr)
            return false;
        ErlNifBinary bytes;
        bool is_named = enif_term_to_binary(env, held->copy_to(env), &bytes) != 0;
        if (is_named) {
            is_named = name.append({bytes.data, bytes.size});
            enif_release_binary(&bytes);
        }
        enif_free_env(env);
        return is_named;
    }
    std::optional<ExternRef> find_extern(Store& store, std::span<const uint8_t> name) noexcept override {
        ErlNifEnv* const env = enif_alloc_env();
        Term term;
        std::optional<ExternRef> found;
        const size_t read = enif_binary_to_term(env, name.data(), name.size(), &term, ERL_NIF_BIN2TERM_SAFE);
        if (read != 0 && read == name.size()) // 0 is an error
            found = hold(store, term);
        enif_free_env(env);
        return found;
    }
    std::optional<ExternRef> clone_extern(Store& to, const Store& from,
                                          ExternRef reference) noexcept override {
        const HeldTerm* const held = reference.object<HeldTerm>(from);
        if (held == nullptr)
            return std::nullopt;
        ErlNifEnv* const env = enif_alloc_env();
        const std::optional<ExternRef> copy = hold(to, held->copy_to(env));
        enif_free_env(env);
        return copy;
    }

private:
    static std::optional<ExternRef> hold(Store& store, Term term) noexcept {
        const auto made = ExternRef::create(store, HeldTerm{term});
        return made ? std::optional{*made} : std::nullopt;
    }
};

/// Whether a call waits for Erlang: for an answer, or for what WASI asked.
bool waits(const InstanceResource& instance, const Execution& execution) noexcept {
    const ExecutionState state = execution.state();
    return state == ExecutionState::host_call ||
           (state == ExecutionState::interrupted && instance.world != nullptr);
}

/// Calls of an instance that wait for an answer.
struct Waiting {
    std::vector<const Execution*> executions;
    std::vector<uint32_t> results; ///< how many each returns
};

/// Calls `body` with the instance that is the first argument and its calls of the list that is the second
/// one.
template <typename Body>
Term with_calls(ErlNifEnv* env, const char* name, Nif* nif, int argc, const Term argv[], Body body) noexcept {
    return with_instance(env, name, nif, argc, argv, [&](InstanceResource& instance) {
        Waiting calls;
        Term list = argv[1];
        Term first;
        for (Term rest; enif_get_list_cell(env, list, &first, &rest) != 0; list = rest) {
            const CallResource* const call = get_call(env, first);
            if (call == nullptr || &call->instance != &instance || !waits(instance, call->execution))
                break;
            calls.executions.push_back(&call->execution);
            calls.results.push_back(static_cast<uint32_t>(call->results));
        }
        return enif_is_empty_list(env, list) != 0
                   ? body(instance, calls)
                   : bad_argument(env,
                                  "the calls are no list of calls of this instance that wait for an answer");
    });
}

} // namespace

namespace {

/// Writes an instance with its calls.
std::expected<void, Error> write_snapshot(InstanceResource& instance, const Waiting& calls,
                                          SnapshotSink& sink) noexcept {
    SnapshotBuffer world;
    if (instance.world != nullptr)
        if (auto saved = instance.world->save(world); !saved)
            return saved;
    const auto put = [&sink](uint32_t number) {
        const uint8_t bytes[] = {static_cast<uint8_t>(number), static_cast<uint8_t>(number >> 8),
                                 static_cast<uint8_t>(number >> 16), static_cast<uint8_t>(number >> 24)};
        return sink.write(bytes);
    };
    bool ok = world.bytes().size() <= UINT32_MAX &&
              sink.write({reinterpret_cast<const uint8_t*>(snapshot_magic.data()), snapshot_magic.size()}) &&
              put(static_cast<uint32_t>(calls.results.size()));
    for (const uint32_t count : calls.results)
        ok = ok && put(count);
    ok = ok && put(static_cast<uint32_t>(world.bytes().size())) && sink.write(world.bytes());
    if (!ok)
        return std::unexpected{Error{ErrorCode::out_of_memory, "out of memory for a snapshot"}};
    TermNames names;
    const auto saved =
        save(instance.store, {.instances = {&instance.instance, 1}, .executions = calls.executions}, sink,
             {.host = &names});
    return saved ? std::expected<void, Error>{} : std::unexpected{saved.error()};
}

} // namespace

/// snapshot(Instance, Calls)
Term snapshot(ErlNifEnv* env, int argc, const Term argv[]) {
    return with_calls(
        env, "snapshot", snapshot, argc, argv, [&](InstanceResource& instance, const Waiting& calls) {
            SnapshotBuffer sink;
            if (const auto written = write_snapshot(instance, calls, sink); !written)
                return make_error(env, written.error());
            const auto bytes = sink.bytes();
            return make_ok(env,
                           make_binary(env, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
        });
}

namespace {

/// The instance of a restored or forked store and its calls: `{ok, Instance, [Request]}`.
Term adopt(ErlNifEnv* env, Restored&& restored, std::span<const uint32_t> results, const StoreLimits& limits,
           const CallLimits& call_limits, std::unique_ptr<World> world) noexcept {
    if (restored.instances.size() != 1 || restored.executions.size() != results.size())
        return make_error(env, atoms.invalid, "it is not the snapshot of one instance with its calls");
    const Instance instance = restored.instances[0];
    Vec<Execution> executions = std::move(restored.executions);
    Term term;
    InstanceResource* const made = make_instance(env, std::move(restored.store), limits, call_limits, term);
    if (made == nullptr)
        return make_error(env, atoms.out_of_memory, "out of memory for an instance");
    if (!monitor_owner(env, *made))
        return bad_argument(env, "only a process may own an instance");
    const Held held{*made};
    if (!held || made->stopped)
        return make_stopped(env);
    made->instance = instance;
    made->world = std::move(world);
    Term list = enif_make_list(env, 0);
    for (size_t i = executions.size(); i-- != 0;) {
        if (!waits(*made, executions[i]))
            return make_error(env, atoms.invalid, "a call in the snapshot does not wait for an answer");
        if (executions[i].host_call().type.params.size() > max_values || results[i] > max_values)
            return make_error(env, atoms.invalid, "a call in the snapshot has too many values");
        Term call_term;
        CallResource* const call = make_call(env, *made, {.execution = std::move(executions[i])}, call_term);
        if (call == nullptr)
            return make_error(env, atoms.out_of_memory, "out of memory for a call");
        call->results = results[i];
        call->fuel_left = call_limits.fuel;
        list = enif_make_list_cell(env, request_again(env, *call, call_term), list);
    }
    return enif_make_tuple3(env, atoms.ok, term, list);
}

} // namespace

namespace {

/// Restores what `write_snapshot` wrote.
Term read_snapshot(ErlNifEnv* env, const ModuleResource& module, std::span<const uint8_t> bytes,
                   const StoreLimits& limits, const CallLimits& call_limits, Term options) noexcept {
    const auto number = [&bytes]() -> std::optional<uint32_t> {
        if (bytes.size() < 4)
            return std::nullopt;
        const uint32_t value =
            bytes[0] | uint32_t{bytes[1]} << 8 | uint32_t{bytes[2]} << 16 | uint32_t{bytes[3]} << 24;
        bytes = bytes.subspan(4);
        return value;
    };
    const bool is_ours = bytes.size() > snapshot_magic.size() &&
                         std::memcmp(bytes.data(), snapshot_magic.data(), snapshot_magic.size()) == 0;
    if (!is_ours)
        return make_error(env, atoms.malformed, "the binary is no snapshot");
    bytes = bytes.subspan(snapshot_magic.size());
    std::vector<uint32_t> results;
    const std::optional<uint32_t> count = number();
    for (uint32_t i = 0; i < count.value_or(0) && bytes.size() >= 4; ++i)
        results.push_back(*number());
    const std::optional<uint32_t> world_size = number();
    if (!count || results.size() != *count || !world_size || *world_size > bytes.size())
        return make_error(env, atoms.malformed, "the snapshot ends too early");
    Linker linker{module.engine};
    std::unique_ptr<World> world;
    if (const auto error = make_world(env, world, linker, module.module, options))
        return *error;
    if ((world != nullptr) != (*world_size != 0))
        return bad_argument(env, world != nullptr ? "the snapshot is of an instance without WASI"
                                                  : "the instance had WASI, which the options lack");
    if (world != nullptr)
        if (const auto restored = world->restore(bytes.first(*world_size)); !restored)
            return make_error(env, restored.error());
    if (const auto error = define_imports(env, linker, module.module))
        return *error;
    TermNames names;
    SnapshotBytes source{bytes.subspan(*world_size)};
    SnapshotSource* const sources[] = {&source};
    auto restored = restore(
        module.engine, sources,
        {.modules = {&module.module, 1}, .linker = &linker, .host = &names, .limits = limits, .max_fuel = 0});
    return restored ? adopt(env, std::move(*restored), results, limits, call_limits, std::move(world))
                    : make_error(env, restored.error());
}

} // namespace

/// restore(Module, Binary, Options)
Term restore_snapshot(ErlNifEnv* env, int, const Term argv[]) {
    const ModuleResource* const resource = get_module(env, argv[0]);
    ErlNifBinary binary;
    StoreLimits limits;
    CallLimits call_limits;
    if (resource == nullptr || enif_inspect_binary(env, argv[1], &binary) == 0 ||
        enif_is_map(env, argv[2]) == 0)
        return bad_argument(env, "restore needs a module, a binary and a map of options");
    if (!read_limits(env, argv[2], limits, call_limits))
        return bad_argument(env, "memory, heap, tables, stack, fuel and timeout are natural numbers");
    return read_snapshot(env, *resource, {binary.data, binary.size}, limits, call_limits, argv[2]);
}

/// fork(Instance, Calls)
Term fork_instance(ErlNifEnv* env, int argc, const Term argv[]) {
    return with_calls(
        env, "fork", fork_instance, argc, argv, [&](InstanceResource& instance, const Waiting& calls) {
            if (instance.world != nullptr) { // its functions are bound to it, so the copy needs others
                SnapshotBuffer sink;
                if (const auto written = write_snapshot(instance, calls, sink); !written)
                    return make_error(env, written.error());
                const ModuleResource module{instance.instance.module(), instance.store.engine()};
                const Term options =
                    add_to(env, enif_make_new_map(env), atoms.wasi, instance.world->made_of(env));
                return read_snapshot(env, module, sink.bytes(), instance.limits, instance.call_limits,
                                     options);
            }
            TermNames names;
            auto made =
                fork(instance.store, {.instances = {&instance.instance, 1}, .executions = calls.executions},
                     {.host = &names, .limits = instance.limits});
            return made ? adopt(env, std::move(*made), calls.results, instance.limits, instance.call_limits,
                                nullptr)
                        : make_error(env, made.error());
        });
}

} // namespace warpbeam::erlang
