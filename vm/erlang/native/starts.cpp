#include "slices.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

/// How calls begin.

namespace warpbeam::erlang {

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
    Term list = rest; // which is empty now
    for (size_t i = callee.type.results.size(); i-- != 0;)
        list = enif_make_list_cell(env, make_number(env, callee.type.results[i], frame[i]), list);
    return make_ok(env, list);
}

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

} // namespace warpbeam::erlang
