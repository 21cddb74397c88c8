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

/// Whether a call can go on; with the lock, it does not run.
bool can_go_on(const Execution& execution) noexcept {
    return execution && execution.state() != ExecutionState::done &&
           execution.state() != ExecutionState::trapped;
}

/// Calls of an instance that have not ended.
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
            if (call == nullptr || &call->instance != &instance || !can_go_on(call->execution))
                break;
            calls.executions.push_back(&call->execution);
            calls.results.push_back(static_cast<uint32_t>(call->results));
        }
        if (enif_is_empty_list(env, list) == 0)
            return bad_argument(env, "the calls are no list of calls of this instance that have not ended");
        const auto error = trim_stacks(env, instance);
        return error ? *error : body(instance, calls);
    });
}

} // namespace

namespace {

/// Writes an instance with its calls.
std::expected<void, Error> write_snapshot(InstanceResource& instance, const Waiting& calls,
                                          SnapshotSink& sink, SnapshotSeries* series) noexcept {
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
             {.host = &names, .series = series});
    return saved ? std::expected<void, Error>{} : std::unexpected{saved.error()};
}

} // namespace

/// snapshot(Instance, Calls, Options): with `series => true`, only what has changed since the last one with
/// it; with `series => complete`, the first of a new series.
Term snapshot(ErlNifEnv* env, int argc, const Term argv[]) {
    Term option;
    const bool in_series = enif_get_map_value(env, argv[2], atoms.series, &option) != 0;
    const bool is_new = in_series && enif_is_identical(option, atoms.complete) != 0;
    if (in_series && !is_new && enif_is_identical(option, atoms.true_) == 0)
        return bad_argument(env, "series is true or complete");
    return with_calls(
        env, "snapshot", snapshot, argc, argv, [&](InstanceResource& instance, const Waiting& calls) {
            SnapshotBuffer sink;
            if (is_new || (in_series && !instance.series))
                instance.series.emplace();
            SnapshotSeries* const series = in_series ? &*instance.series : nullptr;
            if (const auto written = write_snapshot(instance, calls, sink, series); !written)
                return make_error(env, written.error());
            const auto bytes = sink.bytes();
            const Term binary = make_binary(env, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
            if (series == nullptr)
                return make_ok(env, binary);
            return enif_make_tuple3(env, atoms.ok, series->is_complete() ? atoms.complete : atoms.increment,
                                    binary);
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
    if (const auto error = own(env, made))
        return *error;
    const Held held{*made};
    if (!held || made->stopped)
        return make_stopped(env);
    made->instance = instance;
    made->world = std::move(world);
    if (const auto error = adopt_stacks(env, *made, executions))
        return *error;
    Term list = enif_make_list(env, 0);
    for (size_t i = executions.size(); i-- != 0;) {
        if (!can_go_on(executions[i]))
            return make_error(env, atoms.invalid, "a call in the snapshot has ended");
        // An execution that waits for no import has none.
        if (executions[i].host_call().type.params.size() > max_values || results[i] > max_values)
            return make_error(env, atoms.invalid, "a call in the snapshot has too many values");
        Term call_term;
        CallResource* const call = make_call(env, *made, {.execution = std::move(executions[i])}, call_term);
        if (call == nullptr)
            return make_error(env, atoms.out_of_memory, "out of memory for a call");
        call->results = results[i];
        set_limits(*call, call_limits);
        list = enif_make_list_cell(env, request_again(env, *call, call_term), list);
    }
    return enif_make_tuple3(env, atoms.ok, term, list);
}

} // namespace

namespace {

/// What `write_snapshot` writes.
struct Parts {
    std::vector<uint32_t> results;  ///< of each call
    std::span<const uint8_t> world; ///< empty without WASI
    std::span<const uint8_t> store;
};

/// None if the bytes are damaged; `why` says how.
std::optional<Parts> take_apart(std::span<const uint8_t> bytes, const char*& why) noexcept {
    const auto number = [&bytes]() -> std::optional<uint32_t> {
        if (bytes.size() < 4)
            return std::nullopt;
        const uint32_t value =
            bytes[0] | uint32_t{bytes[1]} << 8 | uint32_t{bytes[2]} << 16 | uint32_t{bytes[3]} << 24;
        bytes = bytes.subspan(4);
        return value;
    };
    why = "the binary is no snapshot";
    if (bytes.size() <= snapshot_magic.size() ||
        std::memcmp(bytes.data(), snapshot_magic.data(), snapshot_magic.size()) != 0)
        return std::nullopt;
    bytes = bytes.subspan(snapshot_magic.size());
    why = "the snapshot ends too early";
    Parts parts;
    const std::optional<uint32_t> count = number();
    for (uint32_t i = 0; i < count.value_or(0) && bytes.size() >= 4; ++i)
        parts.results.push_back(*number());
    const std::optional<uint32_t> world_size = number();
    if (!count || parts.results.size() != *count || !world_size || *world_size > bytes.size())
        return std::nullopt;
    parts.world = bytes.first(*world_size);
    parts.store = bytes.subspan(*world_size);
    return parts;
}

/// Restores the last of these, of which the first is complete, and each other one contains what has changed
/// since the one before.
Term read_snapshots(ErlNifEnv* env, const ModuleResource& module,
                    std::span<const std::span<const uint8_t>> all, const StoreLimits& limits,
                    const CallLimits& call_limits, Term options) noexcept {
    std::vector<SnapshotBytes> bytes;
    std::vector<SnapshotSource*> sources;
    Parts last;
    bytes.reserve(all.size());
    for (const std::span<const uint8_t> each : all) {
        const char* why = "";
        const auto parts = take_apart(each, why);
        if (!parts)
            return make_error(env, atoms.malformed, why);
        bytes.emplace_back(parts->store);
        sources.push_back(&bytes.back());
        last = *parts;
    }
    Linker linker{module.engine};
    std::unique_ptr<World> world;
    if (const auto error = make_world(env, world, linker, module.module, options))
        return *error;
    if ((world != nullptr) != !last.world.empty())
        return bad_argument(env, world != nullptr ? "the snapshot is of an instance without WASI"
                                                  : "the instance had WASI, which the options lack");
    if (world != nullptr)
        if (const auto restored = world->restore(last.world); !restored)
            return make_error(env, restored.error());
    if (const auto error = define_imports(env, linker, module.module))
        return *error;
    TermNames names;
    auto restored = restore(
        module.engine, sources,
        {.modules = {&module.module, 1}, .linker = &linker, .host = &names, .limits = limits, .max_fuel = 0});
    return restored ? adopt(env, std::move(*restored), last.results, limits, call_limits, std::move(world))
                    : make_error(env, restored.error());
}

} // namespace

/// restore(Module, [Binary], Options)
Term restore_snapshot(ErlNifEnv* env, int, const Term argv[]) {
    const ModuleResource* const resource = get_module(env, argv[0]);
    StoreLimits limits;
    CallLimits call_limits;
    if (resource == nullptr || enif_is_list(env, argv[1]) == 0 || enif_is_map(env, argv[2]) == 0)
        return bad_argument(env, "restore needs a module, a list of snapshots, and a map of options");
    if (const auto error = read_limits(env, argv[2], limits, call_limits))
        return *error;
    std::vector<std::span<const uint8_t>> snapshots;
    Term list = argv[1];
    ErlNifBinary binary;
    for (Term head; enif_get_list_cell(env, list, &head, &list) != 0;) {
        if (enif_inspect_binary(env, head, &binary) == 0)
            return bad_argument(env, "a snapshot is a binary");
        snapshots.emplace_back(binary.data, binary.size);
    }
    if (snapshots.empty() || enif_is_empty_list(env, list) == 0)
        return bad_argument(env, "the snapshots are no list of binaries");
    return read_snapshots(env, *resource, snapshots, limits, call_limits, argv[2]);
}

/// fork(Instance, Calls)
Term fork_instance(ErlNifEnv* env, int argc, const Term argv[]) {
    return with_calls(
        env, "fork", fork_instance, argc, argv, [&](InstanceResource& instance, const Waiting& calls) {
            if (instance.world != nullptr) { // its functions are bound to it, so the copy needs others
                SnapshotBuffer sink;
                if (const auto written = write_snapshot(instance, calls, sink, nullptr); !written)
                    return make_error(env, written.error());
                const ModuleResource module{instance.instance.module(), instance.store.engine()};
                const Term options =
                    add_to(env, enif_make_new_map(env), atoms.wasi, instance.world->made_of(env));
                const std::span<const uint8_t> bytes = sink.bytes();
                return read_snapshots(env, module, {&bytes, 1}, instance.limits, instance.call_limits,
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
