#include "nif.hpp"

#include <algorithm>
#include <utility>

/// Calls: slices of executions, and the answers to what they ask for.

namespace warpbeam::erlang {

namespace {

constexpr int64_t slice_time = 500'000; ///< nanoseconds

Term run(ErlNifEnv* env, int argc, const Term argv[]);

/// What has become of a call whose results are there.
Term finished(ErlNifEnv* env, CallResource& call) noexcept {
    if (call.instantiates) {
        call.instance.instance = call.execution.instance();
        call.execution = {};
        return make_ok(env, enif_make_resource(env, &call.instance));
    }
    Vec<Value> values;
    const size_t count = call.results;
    if (!values.resize(count))
        return make_error(env, atoms.out_of_memory, "out of memory for results");
    if (const auto copied = call.execution.results({values.data(), count}); !copied)
        return make_error(env, copied.error());
    Term list = enif_make_list(env, 0);
    for (size_t i = count; i-- != 0;) {
        const auto term = make_value(env, values[i]);
        if (!term)
            return make_error(env, atoms.unsupported, "a result is a reference that Erlang can't hold");
        list = enif_make_list_cell(env, *term, list);
    }
    call.execution = {};
    return make_ok(env, list);
}

Term ended(ErlNifEnv* env, CallResource& call, Term kind, std::string_view message) noexcept {
    call.execution = {};
    return make_error(env, kind, message);
}

/// The slice of fuel that takes about as long as it should.
void adapt(CallResource& call, int64_t took) noexcept {
    constexpr uint64_t min_slice = 1'000;
    constexpr uint64_t max_slice = 50'000'000;
    if (took > 2 * slice_time)
        call.slice = std::max(call.slice / 2, min_slice);
    else if (took < slice_time / 2)
        call.slice = std::min(call.slice * 2, max_slice);
}

/// run(Call): one slice, and then the next.
Term run(ErlNifEnv* env, int argc, const Term argv[]) {
    CallResource& call = *get_call(env, argv[0]);
    const Held held{call.instance};
    if (!held)
        return try_again(env, "run", run, argc, argv);
    if (call.instance.stopped)
        return ended(env, call, atoms.stopped, "the instance was stopped");
    const ErlNifTime before = enif_monotonic_time(ERL_NIF_NSEC);
    if (before > call.deadline)
        return ended(env, call, atoms.timeout, "the call took longer than it may");
    const uint64_t given = std::min(call.slice, call.fuel_left);
    const auto state = call.execution.resume({.fuel = given});
    if (!state)
        return make_error(env, state.error());
    const uint64_t left = call.execution.take_fuel();
    const uint64_t debt = call.execution.fuel_debt();
    if (call.fuel_left != UINT64_MAX)
        call.fuel_left -= std::min(call.fuel_left, given - std::min(given, left) + debt);
    const ErlNifTime took = enif_monotonic_time(ERL_NIF_NSEC) - before;
    // A process has some 4,000 reductions and a millisecond at a time.
    enif_consume_timeslice(env, static_cast<int>(std::clamp<int64_t>(took / 10'000, 1, 100)));
    switch (*state) {
    case ExecutionState::done:
        return finished(env, call);
    case ExecutionState::host_call:
        return request(env, call, argv[0]);
    case ExecutionState::trapped: {
        const Term error = make_error(env, *call.execution.trap());
        call.execution = {};
        return error;
    }
    case ExecutionState::out_of_fuel:
        if (call.fuel_left == 0)
            return ended(env, call, atoms.out_of_fuel, "the call used more fuel than it may");
        adapt(call, took);
        [[fallthrough]];
    case ExecutionState::ready:
    case ExecutionState::interrupted:
        break;
    }
    return enif_schedule_nif(env, "run", 0, run, argc, argv);
}

/// Makes a call of an execution and begins it. `options` has `fuel` and `timeout`.
Term begin(ErlNifEnv* env, InstanceResource& instance, Execution&& execution, size_t results, Term options,
           bool instantiates) noexcept {
    Term term;
    CallResource* const call = make_call(env, instance, std::move(execution), term);
    if (call == nullptr)
        return make_error(env, atoms.out_of_memory, "out of memory for a call");
    call->results = results;
    call->instantiates = instantiates;
    uint64_t timeout = UINT64_MAX;
    if (!read_option(env, options, atoms.fuel, call->fuel_left) ||
        !read_option(env, options, atoms.timeout, timeout))
        return bad_argument(env, "fuel and timeout are natural numbers");
    if (timeout != UINT64_MAX)
        call->deadline = enif_monotonic_time(ERL_NIF_NSEC) +
                         static_cast<ErlNifTime>(std::min<uint64_t>(timeout, INT32_MAX)) * 1'000'000;
    return enif_schedule_nif(env, "run", 0, run, 1, &term);
}

} // namespace

Term request(ErlNifEnv* env, CallResource& call, Term term) noexcept {
    const HostCall asked = call.execution.host_call();
    Term arguments = enif_make_list(env, 0);
    for (size_t i = asked.type.params.size(); i-- != 0;) {
        const auto value = make_value(env, call.execution.argument(i));
        arguments = enif_make_list_cell(env, value.value_or(atoms.reference), arguments);
    }
    return enif_make_tuple5(env, atoms.import, term, make_binary(env, asked.module),
                            make_binary(env, asked.name), arguments);
}

/// instantiate(Module, Limits): functions that it imports are answered by the caller.
Term instantiate(ErlNifEnv* env, int, const Term argv[]) {
    const ModuleResource* const resource = get_module(env, argv[0]);
    if (resource == nullptr || enif_is_map(env, argv[1]) == 0)
        return bad_argument(env, "instantiate needs a module and a map of options");
    const Module& module = resource->module;
    StoreLimits limits;
    if (!read_limits(env, argv[1], limits))
        return bad_argument(env, "memory and heap are natural numbers");
    Term term;
    InstanceResource* const made = make_instance(env, engine(), limits, term);
    if (made == nullptr)
        return make_error(env, atoms.out_of_memory, "out of memory for an instance");
    if (!monitor_owner(env, *made))
        return bad_argument(env, "only a process may own an instance");
    Linker linker{engine()};
    if (const auto defined = define_imports(linker, module); !defined)
        return make_error(env, defined.error());
    auto execution = Execution::instantiate(linker, made->store, module);
    if (!execution)
        return make_error(env, execution.error());
    return begin(env, *made, std::move(*execution), 0, argv[1], true);
}

/// start_call(Instance, Name, Arguments, Options)
Term start_call(ErlNifEnv* env, int argc, const Term argv[]) {
    ErlNifBinary name;
    if (enif_inspect_iolist_as_binary(env, argv[1], &name) == 0 || enif_is_map(env, argv[3]) == 0)
        return bad_argument(env, "a call needs an instance, a name, a list and a map of options");
    return with_instance(env, "start_call", start_call, argc, argv, [&](InstanceResource& instance) {
        if (instance.stopped)
            return make_error(env, atoms.stopped, "the instance was stopped");
        const auto func = instance.instance.func(text_of(name));
        if (!func)
            return make_error(env, func.error());
        const FuncType type = func->type();
        std::string why;
        const auto arguments = read_values(env, argv[2], type.params, why);
        if (!arguments)
            return bad_argument(env, why);
        auto execution = Execution::create(*func, *arguments);
        if (!execution)
            return make_error(env, execution.error());
        return begin(env, instance, std::move(*execution), type.results.size(), argv[3], false);
    });
}

namespace {

/// Lets `reply` answer what a call waits for, and goes on with it.
template <typename Reply>
Term answer(ErlNifEnv* env, const char* name, Nif* nif, int argc, const Term argv[], Reply reply) noexcept {
    return with_call(env, name, nif, argc, argv, [&](CallResource& call) {
        if (call.execution.state() != ExecutionState::host_call)
            return make_error(env, atoms.usage, "the call does not wait for an answer");
        const std::optional<Term> error = reply(call.execution);
        return error ? *error : enif_schedule_nif(env, "run", 0, run, 1, argv);
    });
}

} // namespace

/// continue(Call, Results)
Term continue_call(ErlNifEnv* env, int argc, const Term argv[]) {
    return answer(env, "continue", continue_call, argc, argv,
                  [&](Execution& execution) -> std::optional<Term> {
                      std::string why;
                      const auto values = read_values(env, argv[1], execution.host_call().type.results, why);
                      if (!values)
                          return bad_argument(env, why);
                      const auto answered = execution.answer(*values);
                      return answered ? std::nullopt : std::optional{make_error(env, answered.error())};
                  });
}

/// throw(Call, Message): the import fails, so the guest traps.
Term throw_call(ErlNifEnv* env, int argc, const Term argv[]) {
    ErlNifBinary message;
    if (enif_inspect_iolist_as_binary(env, argv[1], &message) == 0)
        return bad_argument(env, "throw needs a call and a text");
    return answer(env, "throw", throw_call, argc, argv, [&](Execution& execution) -> std::optional<Term> {
        constexpr size_t max_message = 4096;
        const std::string_view text = text_of(message).substr(0, max_message);
        const auto refused = execution.refuse(Trap::host("%.*s", static_cast<int>(text.size()), text.data()));
        return refused ? std::nullopt : std::optional{make_error(env, refused.error())};
    });
}

/// cancel(Call)
Term cancel(ErlNifEnv* env, int argc, const Term argv[]) {
    return with_call(env, "cancel", cancel, argc, argv, [](CallResource& call) {
        call.execution = {};
        return atoms.ok;
    });
}

/// stop(Instance)
Term stop(ErlNifEnv* env, int, const Term argv[]) {
    InstanceResource* const instance = get_instance(env, argv[0]);
    if (instance == nullptr)
        return bad_argument(env, "not an instance");
    instance->stopped = true;
    instance->interrupt.interrupt();
    return atoms.ok;
}

} // namespace warpbeam::erlang
