#include "resources.hpp"

#include <warpbeam/text/parse.hpp>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

/// The functions of the Erlang module `warpbeam_nif`. A call runs slices of fuel of about half a millisecond,
/// and gives way to other processes between them; it returns the requests of the guest to the caller. So no
/// thread waits for anything.

namespace warpbeam::erlang {

namespace {

constexpr size_t max_copy = 64 * 1024;  ///< the bytes that are copied on an ordinary scheduler
constexpr int64_t slice_time = 500'000; ///< nanoseconds

const Engine& engine() noexcept {
    static const Engine instance{[] {
        Config config;
        config.features.enable(Feature::legacy_exceptions);
        config.fuel = config.interruption = config.patched_interruption = config.eager = true;
        return config;
    }()};
    return instance;
}

Term bad_argument(ErlNifEnv* env, std::string_view message) noexcept {
    return make_error(env, atoms.bad_argument, message);
}

/// An option of a map; none if it isn't there. False if it is no number.
bool read_option(ErlNifEnv* env, Term options, Term key, uint64_t& value) noexcept {
    Term found;
    if (enif_get_map_value(env, options, key, &found) == 0)
        return true;
    ErlNifUInt64 number;
    if (enif_get_uint64(env, found, &number) == 0)
        return false;
    value = number;
    return true;
}

using Nif = Term(ErlNifEnv* env, int argc, const Term argv[]);

/// Makes the call again as soon as others had their turn, because another process uses the instance.
Term try_again(ErlNifEnv* env, const char* name, Nif* nif, int argc, const Term argv[]) noexcept {
    enif_consume_timeslice(env, 10);
    return enif_schedule_nif(env, name, 0, nif, argc, argv);
}

// ---- Modules ----

/// load(Binary)
Term load(ErlNifEnv* env, int, const Term argv[]) {
    ErlNifBinary binary;
    if (enif_inspect_iolist_as_binary(env, argv[0], &binary) == 0)
        return bad_argument(env, "a module is a binary");
    std::span<const uint8_t> bytes{binary.data, binary.size};
    Vec<uint8_t> assembled;
    constexpr std::string_view magic{"\0asm", 4};
    if (binary.size < magic.size() || std::memcmp(binary.data, magic.data(), magic.size()) != 0) {
        auto parsed = parse_wat({reinterpret_cast<const char*>(binary.data), binary.size});
        if (!parsed)
            return make_error(env, parsed.error());
        assembled = std::move(*parsed);
        bytes = assembled;
    }
    auto module = engine().load(bytes);
    if (!module)
        return make_error(env, module.error());
    Term term;
    if (make_module(env, std::move(*module), term) == nullptr)
        return make_error(env, atoms.out_of_memory, "out of memory for a module");
    return make_ok(env, term);
}

Term kind_of(ExternKind kind) noexcept {
    switch (kind) {
    case ExternKind::func:
        return atoms.func;
    case ExternKind::table:
        return atoms.table;
    case ExternKind::memory:
        return atoms.memory;
    case ExternKind::global:
        return atoms.global;
    case ExternKind::tag:
        break;
    }
    return atoms.tag;
}

/// The type of a function, and `none` for others.
Term type_of(ErlNifEnv* env, const Module& module, const ExternType& type) noexcept {
    return type.kind == ExternKind::func ? make_func_type(env, module.type_registry().func(type.func))
                                         : atoms.none;
}

/// imports(Module)
Term imports(ErlNifEnv* env, int, const Term argv[]) {
    const ModuleResource* const resource = get_module(env, argv[0]);
    if (resource == nullptr)
        return bad_argument(env, "not a module");
    const Module& module = resource->module;
    Term list = enif_make_list(env, 0);
    const auto all = module.imports();
    for (size_t i = all.size(); i-- != 0;)
        list = enif_make_list_cell(
            env,
            enif_make_tuple4(env, kind_of(all[i].type.kind), make_binary(env, all[i].module),
                             make_binary(env, all[i].name), type_of(env, module, all[i].type)),
            list);
    return list;
}

/// exports(Module)
Term exports(ErlNifEnv* env, int, const Term argv[]) {
    const ModuleResource* const resource = get_module(env, argv[0]);
    if (resource == nullptr)
        return bad_argument(env, "not a module");
    const Module& module = resource->module;
    Term list = enif_make_list(env, 0);
    const auto all = module.exports();
    for (size_t i = all.size(); i-- != 0;) {
        const Term type = all[i].kind == ExternKind::func
                              ? make_func_type(env, module.type_registry().func(module.funcs()[all[i].index]))
                              : atoms.none;
        list = enif_make_list_cell(
            env, enif_make_tuple3(env, kind_of(all[i].kind), make_binary(env, all[i].name), type), list);
    }
    return list;
}

// ---- Calls ----

Term run(ErlNifEnv* env, int argc, const Term argv[]);

/// What has become of a call whose results are there.
Term finished(ErlNifEnv* env, CallResource& call, Term) noexcept {
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

/// `{import, Call, Module, Name, Arguments}`
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
    const Held held{call.instance.lock};
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
        return finished(env, call, argv[0]);
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

/// instantiate(Module, Limits): functions that it imports are answered by the caller.
Term instantiate(ErlNifEnv* env, int, const Term argv[]) {
    const ModuleResource* const resource = get_module(env, argv[0]);
    if (resource == nullptr || enif_is_map(env, argv[1]) == 0)
        return bad_argument(env, "instantiate needs a module and a map of options");
    const Module& module = resource->module;
    StoreLimits limits;
    if (!read_option(env, argv[1], atoms.memory, limits.memory_bytes) ||
        !read_option(env, argv[1], atoms.heap, limits.heap_bytes))
        return bad_argument(env, "memory and heap are natural numbers");
    Term term;
    InstanceResource* const made = make_instance(env, engine(), limits, term);
    if (made == nullptr)
        return make_error(env, atoms.out_of_memory, "out of memory for an instance");
    ErlNifPid self;
    if (enif_self(env, &self) == nullptr || enif_monitor_process(env, made, &self, &made->owner) != 0)
        return bad_argument(env, "only a process may own an instance");
    Linker linker{engine()};
    for (const Import& import : module.imports())
        if (import.type.kind == ExternKind::func && !linker.defines(import.module, import.name))
            if (const auto defined = linker.host_call(import.module, import.name, import.type.func); !defined)
                return make_error(env, defined.error());
    auto execution = Execution::instantiate(linker, made->store, module);
    if (!execution)
        return make_error(env, execution.error());
    return begin(env, *made, std::move(*execution), 0, argv[1], true);
}

/// start_call(Instance, Name, Arguments, Options)
Term start_call(ErlNifEnv* env, int argc, const Term argv[]) {
    InstanceResource* const instance = get_instance(env, argv[0]);
    ErlNifBinary name;
    if (instance == nullptr || enif_inspect_iolist_as_binary(env, argv[1], &name) == 0 ||
        enif_is_map(env, argv[3]) == 0)
        return bad_argument(env, "a call needs an instance, a name, a list and a map of options");
    const Held held{instance->lock};
    if (!held)
        return try_again(env, "start_call", start_call, argc, argv);
    if (instance->stopped)
        return make_error(env, atoms.stopped, "the instance was stopped");
    const auto func = instance->instance.func({reinterpret_cast<const char*>(name.data), name.size});
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
    return begin(env, *instance, std::move(*execution), type.results.size(), argv[3], false);
}

/// continue(Call, Results)
Term continue_call(ErlNifEnv* env, int argc, const Term argv[]) {
    CallResource* const call = get_call(env, argv[0]);
    if (call == nullptr)
        return bad_argument(env, "not a call");
    {
        const Held held{call->instance.lock};
        if (!held)
            return try_again(env, "continue", continue_call, argc, argv);
        if (call->execution.state() != ExecutionState::host_call)
            return make_error(env, atoms.usage, "the call does not wait for an answer");
        std::string why;
        const auto values = read_values(env, argv[1], call->execution.host_call().type.results, why);
        if (!values)
            return bad_argument(env, why);
        if (const auto answered = call->execution.answer(*values); !answered)
            return make_error(env, answered.error());
    }
    return enif_schedule_nif(env, "run", 0, run, 1, argv);
}

/// throw(Call, Message): the import fails, so the guest traps.
Term throw_call(ErlNifEnv* env, int argc, const Term argv[]) {
    CallResource* const call = get_call(env, argv[0]);
    ErlNifBinary message;
    if (call == nullptr || enif_inspect_iolist_as_binary(env, argv[1], &message) == 0)
        return bad_argument(env, "throw needs a call and a text");
    {
        const Held held{call->instance.lock};
        if (!held)
            return try_again(env, "throw", throw_call, argc, argv);
        if (call->execution.state() != ExecutionState::host_call)
            return make_error(env, atoms.usage, "the call does not wait for an answer");
        const auto refused =
            call->execution.refuse(Trap::host("%.*s", static_cast<int>(std::min<size_t>(message.size, 4096)),
                                              reinterpret_cast<const char*>(message.data)));
        if (!refused)
            return make_error(env, refused.error());
    }
    return enif_schedule_nif(env, "run", 0, run, 1, argv);
}

/// cancel(Call)
Term cancel(ErlNifEnv* env, int argc, const Term argv[]) {
    CallResource* const call = get_call(env, argv[0]);
    if (call == nullptr)
        return bad_argument(env, "not a call");
    const Held held{call->instance.lock};
    if (!held)
        return try_again(env, "cancel", cancel, argc, argv);
    call->execution = {};
    return atoms.ok;
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

// ---- Memory ----

/// The memory of that name; none if `error` says why.
std::optional<Memory> memory_of(ErlNifEnv* env, InstanceResource& instance, Term name, Term& error) noexcept {
    ErlNifBinary text;
    if (enif_inspect_iolist_as_binary(env, name, &text) == 0) {
        error = bad_argument(env, "a memory has a name");
        return std::nullopt;
    }
    auto memory = instance.instance.memory({reinterpret_cast<const char*>(text.data), text.size});
    if (!memory) {
        error = make_error(env, memory.error());
        return std::nullopt;
    }
    return *memory;
}

/// Whether these bytes are in the memory.
bool has(const Memory& memory, uint64_t offset, uint64_t size) noexcept {
    return size <= memory.size() && offset <= memory.size() - size;
}
Term outside(ErlNifEnv* env, const Memory& memory, uint64_t offset, uint64_t size) noexcept {
    return bad_argument(env, std::to_string(size) + " bytes at " + std::to_string(offset) +
                                 " are outside of the memory, which has " + std::to_string(memory.size()));
}

/// memory_size(Instance, Name)
Term memory_size(ErlNifEnv* env, int argc, const Term argv[]) {
    InstanceResource* const instance = get_instance(env, argv[0]);
    if (instance == nullptr)
        return bad_argument(env, "not an instance");
    const Held held{instance->lock};
    if (!held)
        return try_again(env, "memory_size", memory_size, argc, argv);
    Term error;
    const auto memory = memory_of(env, *instance, argv[1], error);
    return memory ? make_ok(env, enif_make_uint64(env, memory->size())) : error;
}

/// read(Instance, Name, Offset, Size); much is copied on a dirty scheduler.
Term read(ErlNifEnv* env, int argc, const Term argv[]) {
    InstanceResource* const instance = get_instance(env, argv[0]);
    ErlNifUInt64 offset;
    ErlNifUInt64 size;
    if (instance == nullptr || enif_get_uint64(env, argv[2], &offset) == 0 ||
        enif_get_uint64(env, argv[3], &size) == 0)
        return bad_argument(env, "read needs an instance, a name, an offset and a size");
    const Held held{instance->lock};
    if (!held)
        return try_again(env, "read", read, argc, argv);
    Term error;
    const auto memory = memory_of(env, *instance, argv[1], error);
    if (!memory)
        return error;
    if (!has(*memory, offset, size))
        return outside(env, *memory, offset, size);
    if (size > max_copy && enif_thread_type() == ERL_NIF_THR_NORMAL_SCHEDULER)
        return enif_schedule_nif(env, "read", ERL_NIF_DIRTY_JOB_CPU_BOUND, read, argc, argv);
    return make_ok(env,
                   make_binary(env, {reinterpret_cast<const char*>(memory->data().data()) + offset, size}));
}

/// write(Instance, Name, Offset, Bytes)
Term write(ErlNifEnv* env, int argc, const Term argv[]) {
    InstanceResource* const instance = get_instance(env, argv[0]);
    ErlNifUInt64 offset;
    ErlNifBinary bytes;
    if (instance == nullptr || enif_get_uint64(env, argv[2], &offset) == 0 ||
        enif_inspect_iolist_as_binary(env, argv[3], &bytes) == 0)
        return bad_argument(env, "write needs an instance, a name, an offset and bytes");
    if (bytes.size > max_copy && enif_thread_type() == ERL_NIF_THR_NORMAL_SCHEDULER)
        return enif_schedule_nif(env, "write", ERL_NIF_DIRTY_JOB_CPU_BOUND, write, argc, argv);
    const Held held{instance->lock};
    if (!held)
        return try_again(env, "write", write, argc, argv);
    Term error;
    const auto memory = memory_of(env, *instance, argv[1], error);
    if (!memory)
        return error;
    if (!has(*memory, offset, bytes.size))
        return outside(env, *memory, offset, bytes.size);
    if (bytes.size != 0)
        std::memcpy(memory->data().data() + offset, bytes.data, bytes.size);
    return atoms.ok;
}

// ---- The module ----

int load_library(ErlNifEnv* env, void**, Term) {
    atoms.make(env);
    return open_resources(env) ? 0 : 1;
}

ErlNifFunc functions[] = {
    {"load", 1, load, ERL_NIF_DIRTY_JOB_CPU_BOUND},
    {"imports", 1, imports, 0},
    {"exports", 1, exports, 0},
    {"instantiate", 2, instantiate, ERL_NIF_DIRTY_JOB_CPU_BOUND},
    {"start_call", 4, start_call, 0},
    {"continue", 2, continue_call, 0},
    {"throw", 2, throw_call, 0},
    {"cancel", 1, cancel, 0},
    {"stop", 1, stop, 0},
    {"memory_size", 2, memory_size, 0},
    {"read", 4, read, 0},
    {"write", 4, write, 0},
};

} // namespace

} // namespace warpbeam::erlang

extern "C" {
using warpbeam::erlang::functions;
using warpbeam::erlang::load_library;
ERL_NIF_INIT(warpbeam_nif, functions, load_library, nullptr, nullptr, nullptr)
}
