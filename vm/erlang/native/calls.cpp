#include "slices.hpp"

#include <warpbeam/vm/exception.hpp>

#include <utility>

/// Calls that have begun: the answers to what they ask for, and their limits.

namespace warpbeam::erlang {

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
