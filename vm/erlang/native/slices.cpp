#include "slices.hpp"

#include "slice_timer.hpp"

#include <utility>

namespace warpbeam::erlang {

namespace {

constexpr int64_t slice_time = 500'000; ///< nanoseconds

/// The bytes of a heap that is collected about as fast as a short slice runs.
constexpr uint64_t max_quick_heap = 1 << 20;

Nif run;

Term ended(ErlNifEnv* env, CallState& call, Term kind, std::string_view message) noexcept {
    call.execution = {};
    return make_error(env, kind, message);
}

/// The slice of fuel that takes about as long as it should.
void adapt(CallState& call, int64_t took) noexcept {
    constexpr uint64_t min_slice = 1'000;
    constexpr uint64_t max_slice = 50'000'000;
    if (took > 2 * slice_time)
        call.slice = std::max(call.slice / 2, min_slice);
    else if (took < slice_time / 2)
        call.slice = std::min(call.slice * 2, max_slice);
}

/// What the process that calls is to do for WASI: `{wasi, Call, Streams, Output, Error, Wait, Left}`, where
/// Wait is `none` or `{ForInput, Nanoseconds or infinity}`, and Left the nanoseconds that the call has left,
/// or `infinity`. It goes on with `resume`.
Term ask(ErlNifEnv* env, CallResource& call, Term term, const std::optional<World::Wait>& wait) noexcept {
    World& world = *call.instance.world;
    const auto take = [&](wasi::Stream stream) {
        Output& output = world.output(stream);
        if (!output.is_taken())
            return make_binary(env, {});
        const Term bytes = make_binary(env, output.text());
        output.clear();
        return bytes;
    };
    const auto make_time = [env](uint64_t time) {
        return time == UINT64_MAX ? atoms.infinity : enif_make_uint64(env, time);
    };
    const uint64_t left = call.deadline == INT64_MAX
                              ? UINT64_MAX
                              : static_cast<uint64_t>(std::max<ErlNifTime>(
                                    call.deadline - enif_monotonic_time(ERL_NIF_NSEC) + 1, 0));
    const Term waits = wait ? enif_make_tuple2(env, wait->for_input ? atoms.true_ : atoms.false_,
                                               make_time(std::min(wait->nanoseconds, left)))
                            : atoms.none;
    const Term out = take(wasi::Stream::out);
    const Term parts[] = {atoms.wasi, term,           world.streams(env), out, take(wasi::Stream::err),
                          waits,      make_time(left)};
    return enif_make_tuple_from_array(env, parts, std::size(parts));
}

/// Runs with this fuel; returns the fuel that was used.
std::expected<uint64_t, Error> run_with(InstanceResource& instance, CallState& call, uint64_t given,
                                        ExecutionState& state) noexcept {
    const auto stopped = call.execution.resume({.fuel = given});
    if (!stopped)
        return std::unexpected{stopped.error()};
    state = *stopped;
    const uint64_t left = call.execution.take_fuel();
    const uint64_t debt = left == 0 ? call.execution.fuel_debt() : 0;
    const uint64_t used = given - std::min(given, left) + debt;
    instance.fuel_used += used;
    if (call.fuel_left != UINT64_MAX)
        call.fuel_left -= std::min(call.fuel_left, used);
    return used;
}

/// What has become of a call whose results are there.
Term finished(ErlNifEnv* env, InstanceResource& instance, CallState& call) noexcept {
    const Execution execution = std::move(call.execution);
    if (call.instantiates) {
        instance.instance = execution.instance();
        return make_ok(env, enif_make_resource(env, &instance));
    }
    Values values;
    if (!values.resize(call.results))
        return make_error(env, atoms.out_of_memory, "out of memory for results");
    if (const auto copied = execution.results(values.all()); !copied)
        return make_error(env, copied.error());
    return make_results(env, instance, values.all());
}

} // namespace

Term run_next(ErlNifEnv* env, CallResource& call, const Term argv[]) noexcept {
    World* const world = call.instance.world.get();
    const bool is_long = world != nullptr && world->take_is_long();
    const int flags = is_blocking(call.instance) ? ERL_NIF_DIRTY_JOB_IO_BOUND
                      : is_long                  ? ERL_NIF_DIRTY_JOB_CPU_BOUND
                                                 : 0;
    return enif_schedule_nif(env, "run", flags, run, 1, argv);
}

Term make_results(ErlNifEnv* env, InstanceResource& instance, std::span<const Value> values) noexcept {
    const auto list = make_values(env, instance, values.size(), [&](size_t i) { return values[i]; });
    return list ? make_ok(env, *list) : make_error(env, atoms.out_of_memory, "out of memory for a reference");
}

std::optional<Term> end_of(ErlNifEnv* env, InstanceResource& instance, CallState& call,
                           ExecutionState state) noexcept {
    if (instance.world != nullptr && instance.world->has_output())
        return std::nullopt;
    if (state == ExecutionState::done)
        return finished(env, instance, call);
    if (state == ExecutionState::trapped) {
        const Term error = make_trap(env, instance, *call.execution.trap());
        call.execution = {};
        return error;
    }
    if (state == ExecutionState::out_of_fuel && call.fuel_left == 0)
        return ended(env, call, atoms.out_of_fuel, "the call used more fuel than it may");
    return std::nullopt;
}

Term go_on(ErlNifEnv* env, CallResource& call, ExecutionState state, const Term argv[]) noexcept {
    World* const world = call.instance.world.get();
    if (world != nullptr && world->has_output())
        return ask(env, call, argv[0], std::nullopt);
    if (state == ExecutionState::host_call)
        return request(env, call, argv[0]);
    if (state == ExecutionState::interrupted && world != nullptr)
        if (const auto wait = world->take_wait(); wait && wait->nanoseconds != 0)
            return ask(env, call, argv[0], wait);
    return run_next(env, call, argv);
}

void pay(ErlNifEnv* env, InstanceResource& instance) noexcept {
    enif_consume_timeslice(env, static_cast<int>(std::min<int64_t>(instance.unpaid / hundredth, 100)));
    instance.unpaid = 0;
}

std::optional<Term> run_slice(ErlNifEnv* env, InstanceResource& instance, CallState& call,
                              ExecutionState& state) noexcept {
    if (call.deadline == INT64_MAX && instance.world == nullptr && !instance.has_large_heap &&
        state != ExecutionState::out_of_fuel) {
        const auto used = run_with(instance, call, std::min(short_slice, call.fuel_left), state);
        if (!used)
            return make_error(env, used.error());
        charge_short(env, instance, *used);
        if (const auto end = end_of(env, instance, call, state))
            return end;
        if (state != ExecutionState::out_of_fuel)
            return std::nullopt;
    }
    const ErlNifTime before = enif_monotonic_time(ERL_NIF_NSEC);
    if (before > call.deadline)
        return ended(env, call, atoms.timeout, "the call took longer than it may");
    {
        std::optional<SliceTimer> timer;
        if (enif_thread_type() == ERL_NIF_THR_NORMAL_SCHEDULER)
            timer.emplace(instance.store);
        if (const auto used = run_with(instance, call, std::min(call.slice, call.fuel_left), state); !used)
            return make_error(env, used.error());
    }
    const ErlNifTime took = enif_monotonic_time(ERL_NIF_NSEC) - before;
    charge(env, instance, took + shortest);
    instance.has_large_heap = instance.store.heap().bytes > max_quick_heap;
    if (state == ExecutionState::out_of_fuel)
        adapt(call, took);
    return end_of(env, instance, call, state);
}

namespace {

/// Runs a slice, unless the instance is paused, and tells what comes then.
Term run_slice(ErlNifEnv* env, CallResource& call, const Term argv[]) noexcept {
    if (call.instance.paused)
        return enif_make_tuple2(env, atoms.paused, argv[0]);
    ExecutionState state{};
    const auto end = run_slice(env, call.instance, call, state);
    return end ? *end : go_on(env, call, state, argv);
}

/// run(Call): one slice, and then the next.
Term run(ErlNifEnv* env, int argc, const Term argv[]) {
    CallResource& call = *get_call(env, argv[0]);
    const Held held{call.instance};
    if (!held)
        return try_again(env, "run", run, argc, argv);
    return call.instance.stopped ? make_stopped(env) : run_slice(env, call, argv);
}

} // namespace

Term run_first(ErlNifEnv* env, CallResource& call, const Term argv[]) noexcept {
    return is_blocking(call.instance) ? run_next(env, call, argv) : run_slice(env, call, argv);
}

void set_limits(CallState& call, const CallLimits& limits) noexcept {
    call.fuel_left = limits.fuel;
    call.deadline =
        limits.timeout == UINT64_MAX
            ? INT64_MAX
            : enif_monotonic_time(ERL_NIF_NSEC) +
                  static_cast<ErlNifTime>(std::min<uint64_t>(limits.timeout, INT32_MAX)) * 1'000'000;
}

namespace {

/// The names of the imported function that is called itself, as the element of a table or an export. Empty if
/// it was imported by another instance.
std::pair<std::string_view, std::string_view> import_names(const CallResource& call) noexcept {
    const Instance& instance = call.instance.instance;
    const Module module = instance.module();
    uint32_t index = 0;
    for (const Import& import : module.imports())
        if (import.type.kind == ExternKind::func && instance.func_at(index++) == call.function)
            return {import.module, import.name};
    return {};
}

} // namespace

Term request(ErlNifEnv* env, CallResource& call, Term term) noexcept {
    const HostCall asked = call.execution.host_call();
    const auto arguments = make_values(env, call.instance, asked.type.params.size(),
                                       [&](size_t i) { return call.execution.argument(i); });
    if (!arguments) {
        call.execution = {};
        return make_error(env, atoms.out_of_memory, "out of memory for a reference");
    }
    const bool is_import_itself = !asked.instance && call.function;
    const auto [module, name] = is_import_itself ? import_names(call) : std::pair{asked.module, asked.name};
    return enif_make_tuple5(env, atoms.import, term, make_binary(env, module), make_binary(env, name),
                            *arguments);
}

Term request_again(ErlNifEnv* env, CallResource& call, Term term) noexcept {
    return call.execution.state() == ExecutionState::host_call ? request(env, call, term)
                                                               : enif_make_tuple2(env, atoms.paused, term);
}

} // namespace warpbeam::erlang
