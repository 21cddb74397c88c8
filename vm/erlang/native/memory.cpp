#include "nif.hpp"

#include <cstring>

/// The memories and globals that an instance exports.

namespace warpbeam::erlang {

namespace {

/// The memory of that name; none if `error` says why.
std::optional<Memory> memory_of(ErlNifEnv* env, InstanceResource& instance, Term name, Term& error) noexcept {
    ErlNifBinary text;
    if (enif_inspect_iolist_as_binary(env, name, &text) == 0) {
        error = bad_argument(env, "a memory has a name");
        return std::nullopt;
    }
    auto memory = instance.instance.memory(text_of(text));
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

} // namespace

/// memory_size(Instance, Name)
Term memory_size(ErlNifEnv* env, int argc, const Term argv[]) {
    InstanceResource* const instance = get_instance(env, argv[0]);
    if (instance == nullptr)
        return bad_argument(env, "not an instance");
    const Held held{*instance};
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
    const Held held{*instance};
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
    const Held held{*instance};
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

// ---- Globals ----

/// global_get(Instance, Name)
Term global_get(ErlNifEnv* env, int argc, const Term argv[]) {
    InstanceResource* const instance = get_instance(env, argv[0]);
    ErlNifBinary name;
    if (instance == nullptr || enif_inspect_iolist_as_binary(env, argv[1], &name) == 0)
        return bad_argument(env, "a global needs an instance and a name");
    const Held held{*instance};
    if (!held)
        return try_again(env, "global_get", global_get, argc, argv);
    const auto global = instance->instance.global(text_of(name));
    if (!global)
        return make_error(env, global.error());
    const auto value = make_value(env, global->get());
    return value ? make_ok(env, *value)
                 : make_error(env, atoms.unsupported, "the value is a reference that Erlang can't hold");
}

/// global_set(Instance, Name, Value)
Term global_set(ErlNifEnv* env, int argc, const Term argv[]) {
    InstanceResource* const instance = get_instance(env, argv[0]);
    ErlNifBinary name;
    if (instance == nullptr || enif_inspect_iolist_as_binary(env, argv[1], &name) == 0)
        return bad_argument(env, "a global needs an instance and a name");
    const Held held{*instance};
    if (!held)
        return try_again(env, "global_set", global_set, argc, argv);
    const auto global = instance->instance.global(text_of(name));
    if (!global)
        return make_error(env, global.error());
    std::string why;
    const auto value = read_value(env, argv[2], global->type().content, why);
    if (!value)
        return bad_argument(env, "the value " + why);
    const auto set = global->set(*value);
    return set ? atoms.ok : make_error(env, set.error());
}

} // namespace warpbeam::erlang
