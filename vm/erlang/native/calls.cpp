#include "nif.hpp"
#include "slice_timer.hpp"

#include <warpbeam/vm/exception.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

/// Calls: slices of executions, and the answers to what they ask for.

namespace warpbeam::erlang {

namespace {

constexpr int64_t slice_time = 500'000; ///< nanoseconds

Nif run;

/// Whether slices need a dirty scheduler, since they may use files.
bool is_blocking(const InstanceResource& instance) noexcept {
    return instance.world != nullptr && instance.world->is_blocking();
}

/// Runs the next slice as soon as others had their turn; on a dirty scheduler if it may use files, or takes
/// long.
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

/// What the process that calls is to do for WASI: `{wasi, Call, Streams, Output, Error, Wait}`, where Wait is
/// `none` or `{ForInput, Nanoseconds or infinity}`. It goes on with `resume`.
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
    Term waits = atoms.none;
    if (wait) {
        uint64_t time = wait->nanoseconds;
        if (call.deadline != INT64_MAX)
            time = std::min(time, static_cast<uint64_t>(std::max<ErlNifTime>(
                                      call.deadline - enif_monotonic_time(ERL_NIF_NSEC) + 1, 0)));
        waits = enif_make_tuple2(env, wait->for_input ? atoms.true_ : atoms.false_,
                                 time == UINT64_MAX ? atoms.infinity : enif_make_uint64(env, time));
    }
    const Term out = take(wasi::Stream::out);
    return enif_make_tuple6(env, atoms.wasi, term, world.streams(env), out, take(wasi::Stream::err), waits);
}

/// What the call has ended with; none if it goes on, or its output is to be written first.
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

/// What comes after a slice of a call that has not ended.
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

constexpr int64_t hundredth = 10'000; ///< nanoseconds, of a process's turn
[[gnu::noinline]] void pay(ErlNifEnv* env, InstanceResource& instance) noexcept {
    enif_consume_timeslice(env, static_cast<int>(std::min<int64_t>(instance.unpaid / hundredth, 100)));
    instance.unpaid = 0;
}
/// Charges the process for this time. It has some 4,000 reductions and a millisecond at a time, of which the
/// runtime system counts hundredths; an instance collects what is less.
void charge(ErlNifEnv* env, InstanceResource& instance, int64_t nanoseconds) noexcept {
    instance.unpaid += nanoseconds;
    if (instance.unpaid >= hundredth) [[unlikely]]
        pay(env, instance);
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

/// The fuel of a slice for which the clock is not read, since most calls are so short that this would take
/// longer; and what it is charged for.
constexpr uint64_t short_slice = 2'000;
/// The bytes of a heap that is collected about as fast as such a slice runs.
constexpr uint64_t max_quick_heap = 1 << 20;
constexpr int64_t shortest = 200; ///< nanoseconds; of what is around the call
void charge_short(ErlNifEnv* env, InstanceResource& instance, uint64_t fuel_used) noexcept {
    charge(env, instance, shortest + static_cast<int64_t>(fuel_used) * 4);
}

/// Runs a slice, with the lock, and tells its state. What the call has ended with, if it has.
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

/// The first slice of a call that goes on, with the lock: at once if that may be.
Term run_first(ErlNifEnv* env, CallResource& call, const Term argv[]) noexcept {
    return is_blocking(call.instance) ? run_next(env, call, argv) : run_slice(env, call, argv);
}

} // namespace

void set_limits(CallState& call, const CallLimits& limits) noexcept {
    call.fuel_left = limits.fuel;
    call.deadline =
        limits.timeout == UINT64_MAX
            ? INT64_MAX
            : enif_monotonic_time(ERL_NIF_NSEC) +
                  static_cast<ErlNifTime>(std::min<uint64_t>(limits.timeout, INT32_MAX)) * 1'000'000;
}

namespace {

/// What comes after the first slice of a call that has not ended.
Term keep(ErlNifEnv* env, InstanceResource& instance, CallState&& call, ExecutionState state) noexcept {
    Term term;
    CallResource* const kept = make_call(env, instance, std::move(call), term);
    return kept != nullptr ? go_on(env, *kept, state, &term)
                           : make_error(env, atoms.out_of_memory, "out of memory for a call");
}

} // namespace

Term begin(ErlNifEnv* env, InstanceResource& instance, Execution&& execution, Func function,
           const CallLimits& limits) noexcept {
    CallState call{.execution = std::move(execution), .function = function};
    call.results = function ? function.type().results.size() : 0;
    call.instantiates = !function;
    set_limits(call, limits);
    ++instance.calls;
    if (is_blocking(instance) || instance.paused) {
        Term term;
        CallResource* const kept = make_call(env, instance, std::move(call), term);
        return kept != nullptr ? run_next(env, *kept, &term)
                               : make_error(env, atoms.out_of_memory, "out of memory for a call");
    }
    ExecutionState state{};
    const auto end = run_slice(env, instance, call, state);
    return end ? *end : keep(env, instance, std::move(call), state);
}

namespace {

/// Whether a call can begin with a short slice, for which nothing needs to be prepared.
bool starts_at_once(const InstanceResource& instance, const CallLimits& limits) noexcept {
    return limits.timeout == UINT64_MAX && limits.stacks == 0 && instance.world == nullptr &&
           !instance.has_large_heap && !instance.paused;
}

/// Counts a call that has begun so.
[[gnu::always_inline]] inline void count(ErlNifEnv* env, InstanceResource& instance,
                                         uint64_t fuel_used) noexcept {
    ++instance.calls;
    instance.fuel_used += fuel_used;
    charge_short(env, instance, fuel_used);
}

/// Goes on with a call that has begun so and did not end.
[[gnu::noinline]] Term go_on_from_start(ErlNifEnv* env, InstanceResource& instance, const Callee& callee,
                                        const CallLimits& limits, StartedCall&& started) noexcept {
    CallState call{.execution = std::move(started.execution), .function = callee.func};
    call.results = callee.type.results.size();
    set_limits(call, limits);
    if (call.fuel_left != UINT64_MAX)
        call.fuel_left -= std::min(call.fuel_left, started.fuel_used);
    (void)call.execution.take_fuel();
    ExecutionState state = started.state;
    if (const auto end = end_of(env, instance, call, state))
        return *end;
    if (state == ExecutionState::out_of_fuel)
        if (const auto end = run_slice(env, instance, call, state))
            return *end;
    return keep(env, instance, std::move(call), state);
}

/// Begins a call so. Most calls end in that slice, and need no Execution and no resource then.
Term start_at_once(ErlNifEnv* env, InstanceResource& instance, const Callee& callee,
                   std::span<const Value> arguments, const CallLimits& limits) noexcept {
    Values results;
    if (!results.resize(callee.type.results.size()))
        return make_error(env, atoms.out_of_memory, "out of memory for results");
    auto started =
        Execution::start(callee.func, arguments, results.all(), {.fuel = std::min(short_slice, limits.fuel)});
    if (!started)
        return make_error(env, started.error());
    count(env, instance, started->fuel_used);
    return started->state == ExecutionState::done
               ? make_results(env, instance, results.all())
               : go_on_from_start(env, instance, callee, limits, std::move(*started));
}

/// Whether two texts are the same; those that are as long as most names are compared without a call.
bool is_same(std::string_view a, std::string_view b) noexcept {
    const auto ends = [&](auto part) {
        return std::memcmp(a.data(), b.data(), part) == 0 &&
               std::memcmp(a.data() + a.size() - part, b.data() + b.size() - part, part) == 0;
    };
    if (a.size() != b.size())
        return false;
    return a.size() - 8 <= 8   ? ends(std::integral_constant<size_t, 8>{})
           : a.size() - 4 <= 4 ? ends(std::integral_constant<size_t, 4>{})
                               : a == b;
}

constexpr size_t max_usual_name = 64; ///< in bytes: longer ones are not worth comparing twice

/// The same for what most calls are: another one of a function with a few numbers, without options. None if
/// it is no such call, or has an error.
std::optional<Term> start_with_numbers(ErlNifEnv* env, InstanceResource& instance,
                                       const Term argv[]) noexcept {
    const Callee& callee = instance.callee;
    ErlNifBinary name;
    if (!callee.has_few_numbers || !starts_at_once(instance, instance.call_limits) ||
        enif_inspect_binary(env, argv[1], &name) == 0 || name.size > max_usual_name ||
        !is_same(callee.name, text_of(name)))
        return std::nullopt;
    uint64_t frame[Callee::few];
    Term rest = argv[2];
    for (size_t i = 0; i < callee.type.params.size(); ++i) {
        Term number;
        const bool is_there = enif_get_list_cell(env, rest, &number, &rest) != 0;
        const auto slot = is_there ? read_number(env, number, callee.type.params[i]) : std::nullopt;
        if (!slot)
            return std::nullopt;
        frame[i] = *slot;
    }
    if (enif_is_empty_list(env, rest) == 0)
        return std::nullopt;
    uint64_t fuel_used = 0;
    std::optional<StartedCall> stopped;
    if (!detail::start_slots(callee.func, frame, callee.type.params.size(), callee.type.results.size(),
                             {.fuel = std::min(short_slice, instance.call_limits.fuel)}, fuel_used, stopped))
        return std::nullopt;
    count(env, instance, fuel_used);
    if (stopped) [[unlikely]] {
        const RootScope scope{instance.store};
        return go_on_from_start(env, instance, callee, instance.call_limits, std::move(*stopped));
    }
    Term list = enif_make_list(env, 0);
    for (size_t i = callee.type.results.size(); i-- != 0;)
        list = enif_make_list_cell(env, make_number(env, callee.type.results[i], frame[i]), list);
    return make_ok(env, list);
}

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

namespace {

constexpr size_t max_name = 1 << 20; ///< in bytes, since names are looked up at once

/// The function that a call names: the name of an export, `{table, Name, Index}`, or a reference. `other` is
/// where one is put that has no name.
std::expected<const Callee*, Term> find_callee(ErlNifEnv* env, InstanceResource& instance, Term target,
                                               Callee& other) noexcept {
    const auto from = [&](const Value& value) -> std::expected<const Callee*, Term> {
        if (!value.is<Func>() || value.is_null())
            return std::unexpected{make_error(env, atoms.usage, "the reference is to no function")};
        other.func = value.as<Func>();
        other.type = other.func.type();
        return &other;
    };
    ErlNifBinary name;
    if (enif_inspect_iolist_as_binary(env, target, &name) != 0) {
        if (name.size > max_name)
            return std::unexpected{bad_argument(env, "a name has at most " + std::to_string(max_name) +
                                                         " bytes, and this one " +
                                                         std::to_string(name.size))};
        Callee& last = instance.callee;
        if (last.name == text_of(name) && last.func)
            return &last;
        const auto found = instance.instance.func(text_of(name));
        if (!found)
            return std::unexpected{make_error(env, found.error())};
        last = {std::string{text_of(name)}, *found, found->type()};
        const auto has_few_numbers = [](std::span<const ValType> types) {
            return types.size() <= Callee::few &&
                   std::ranges::none_of(types, [](ValType type) { return type.is_ref() || type.is_vec(); });
        };
        last.has_few_numbers = has_few_numbers(last.type.params) && has_few_numbers(last.type.results);
        return &last;
    }
    if (const ReferenceResource* const reference = get_reference(env, target)) {
        if (&reference->instance != &instance)
            return std::unexpected{bad_argument(env, "the function belongs to another instance")};
        return from(reference->root->value());
    }
    int arity;
    const Term* elements;
    ErlNifUInt64 index;
    if (enif_get_tuple(env, target, &arity, &elements) == 0 || arity != 3 ||
        enif_is_identical(elements[0], atoms.table) == 0 || enif_get_uint64(env, elements[2], &index) == 0)
        return std::unexpected{
            bad_argument(env, "a function is the name of an export, {table, Name, Index}, or a reference")};
    const auto table = find_object<Table>(env, instance.instance, elements[1]);
    if (!table)
        return std::unexpected{table.error()};
    const auto element = table->get(index);
    if (!element)
        return std::unexpected{make_error(env, element.error())};
    return from(*element);
}

/// start_call of any function, with the lock.
[[gnu::noinline]] Term start_any(ErlNifEnv* env, InstanceResource& instance, const Term argv[],
                                 const CallLimits& limits) noexcept {
    Callee other;
    const auto callee = find_callee(env, instance, argv[1], other);
    if (!callee)
        return callee.error();
    Values arguments;
    std::string why;
    if (!read_values(env, instance, argv[2], (*callee)->type.params, arguments, why))
        return bad_argument(env, why);
    if (starts_at_once(instance, limits))
        return start_at_once(env, instance, **callee, arguments.all(), limits);
    auto execution = prepare_call(env, instance, (*callee)->func, arguments.all());
    if (!execution)
        return execution.error();
    return begin(env, instance, std::move(*execution), (*callee)->func, limits);
}

} // namespace

/// start_call(Instance, Function, Arguments), and the same with Options
Term start_call(ErlNifEnv* env, int argc, const Term argv[]) {
    InstanceResource* const instance = get_instance(env, argv[0]);
    if (instance == nullptr)
        return bad_argument(env, "not an instance");
    const Locked locked{*instance};
    if (!locked)
        return try_again(env, "start_call", start_call, argc, argv);
    if (instance->stopped)
        return make_stopped(env);
    if (const auto started = start_with_numbers(env, *instance, argv))
        return *started;
    const RootScope scope{instance->store};
    return start_any(env, *instance, argv, instance->call_limits);
}
Term start_limited_call(ErlNifEnv* env, int argc, const Term argv[]) {
    size_t options;
    if (enif_get_map_size(env, argv[3], &options) == 0)
        return bad_argument(env, "the options of a call are a map");
    if (options == 0)
        return start_call(env, 3, argv);
    return with_instance(env, "start_call", start_limited_call, argc, argv, [&](InstanceResource& instance) {
        CallLimits limits = instance.call_limits;
        const auto error = read_limits(env, argv[3], limits);
        return error ? *error : start_any(env, instance, argv, limits);
    });
}

namespace {

/// Lets `reply` answer what a call waits for, and goes on with it. It returns an error, or none.
template <typename Reply>
Term answer(ErlNifEnv* env, const char* name, Nif* nif, int argc, const Term argv[], Reply reply) noexcept {
    return with_call(env, name, nif, argc, argv, [&](CallResource& call) {
        if (call.execution.state() != ExecutionState::host_call)
            return make_error(env, atoms.usage, "the call does not wait for an answer");
        const std::optional<Term> error = reply(call);
        return error ? *error : run_first(env, call, argv);
    });
}

} // namespace

/// continue(Call, Results)
Term continue_call(ErlNifEnv* env, int argc, const Term argv[]) {
    return answer(env, "continue", continue_call, argc, argv, [&](CallResource& call) -> std::optional<Term> {
        Values values;
        std::string why;
        if (!read_values(env, call.instance, argv[1], call.execution.host_call().type.results, values, why))
            return bad_argument(env, why);
        const auto answered = call.execution.answer(values.all());
        return answered ? std::nullopt : std::optional{make_error(env, answered.error())};
    });
}

namespace {

/// The trap of an exception `{Tag, Values}`.
std::expected<Trap, Term> exception_of(ErlNifEnv* env, InstanceResource& instance, Term term) noexcept {
    int arity;
    const Term* elements;
    if (enif_get_tuple(env, term, &arity, &elements) == 0 || arity != 2)
        return std::unexpected{bad_argument(env, "throw needs a call, and a text or {Tag, Values}")};
    const auto tag = find_object<Tag>(env, instance.instance, elements[0]);
    if (!tag)
        return std::unexpected{tag.error()};
    Values values;
    std::string why;
    if (!read_values(env, instance, elements[1], tag->params(), values, why))
        return std::unexpected{bad_argument(env, why)};
    const auto made = Exception::create(*tag, values.all());
    if (!made)
        return std::unexpected{make_error(env, made.error())};
    return Trap::thrown(*made);
}

} // namespace

/// throw(Call, Message or {Tag, Values}): the guest traps, or catches the exception.
Term throw_call(ErlNifEnv* env, int argc, const Term argv[]) {
    return answer(env, "throw", throw_call, argc, argv, [&](CallResource& call) -> std::optional<Term> {
        std::expected<void, Error> refused;
        if (ErlNifBinary message; enif_inspect_iolist_as_binary(env, argv[1], &message) != 0) {
            constexpr size_t max_message = 4096;
            const std::string_view text = text_of(message).substr(0, max_message);
            refused = call.execution.refuse(Trap::host("%.*s", static_cast<int>(text.size()), text.data()));
        } else {
            auto trap = exception_of(env, call.instance, argv[1]);
            if (!trap)
                return trap.error();
            refused = call.execution.refuse(std::move(*trap));
        }
        return refused ? std::nullopt : std::optional{make_error(env, refused.error())};
    });
}

/// resume(Call, Input): goes on after a pause, or after what WASI asked for. Input is `none`, bytes, or
/// `eof`.
Term resume(ErlNifEnv* env, int argc, const Term argv[]) {
    return with_call(env, "resume", resume, argc, argv, [&](CallResource& call) {
        World* const world = call.instance.world.get();
        if (!call.execution)
            return make_error(env, atoms.usage, "the call has ended");
        ErlNifBinary input;
        const bool is_eof = enif_is_identical(argv[1], atoms.eof) != 0;
        const bool is_bytes = !is_eof && enif_inspect_iolist_as_binary(env, argv[1], &input) != 0;
        if (!is_eof && !is_bytes && enif_is_identical(argv[1], atoms.none) == 0)
            return bad_argument(env, "input is none, bytes, or eof");
        if ((is_eof || is_bytes) && world == nullptr)
            return make_error(env, atoms.usage, "the instance has no WASI");
        if (is_eof)
            world->input().close();
        if (is_bytes && !world->input().add({input.data, input.size}))
            return make_error(env, atoms.out_of_memory, "out of memory for input");
        const ExecutionState state = call.execution.state();
        const bool goes_on = state == ExecutionState::interrupted || state == ExecutionState::ready ||
                             (state == ExecutionState::out_of_fuel && call.fuel_left != 0);
        if (goes_on)
            return run_first(env, call, argv);
        const auto end = end_of(env, call.instance, call, state);
        return end ? *end : go_on(env, call, state, argv);
    });
}

/// limit(Call, Options): what it may use from now on.
Term limit(ErlNifEnv* env, int argc, const Term argv[]) {
    CallLimits limits;
    if (const auto error = read_limits(env, argv[1], limits))
        return *error;
    return with_call(env, "limit", limit, argc, argv, [&](CallResource& call) {
        set_limits(call, limits);
        return atoms.ok;
    });
}

/// cancel(Call)
Term cancel(ErlNifEnv* env, int argc, const Term argv[]) {
    return with_call(env, "cancel", cancel, argc, argv, [](CallResource& call) {
        call.execution = {};
        return atoms.ok;
    });
}

} // namespace warpbeam::erlang
