#include "nif.hpp"

#include <cstring>

/// The memories and globals that an instance exports.

namespace warpbeam::erlang {

namespace {

/// Whether these bytes are in the memory.
bool has(const Memory& memory, uint64_t offset, uint64_t size) noexcept {
    return size <= memory.size() && offset <= memory.size() - size;
}
Term outside(ErlNifEnv* env, const Memory& memory, uint64_t offset, uint64_t size) noexcept {
    return bad_argument(env, std::to_string(size) + " bytes at " + std::to_string(offset) +
                                 " are outside of the memory, which has " + std::to_string(memory.size()));
}

/// Calls `body` with what the instance exports under the name that is the second argument; `find` looks it
/// up.
template <typename Find, typename Body>
Term with_export(ErlNifEnv* env, const char* name, Nif* nif, int argc, const Term argv[], Find find,
                 Body body) noexcept {
    ErlNifBinary text;
    if (enif_inspect_iolist_as_binary(env, argv[1], &text) == 0)
        return bad_argument(env, "the name of an export is a text");
    return with_instance(env, name, nif, argc, argv, [&](InstanceResource& resource) {
        const auto found = find(resource.instance, text_of(text));
        return found ? body(*found) : make_error(env, found.error());
    });
}
template <typename Body>
Term with_memory(ErlNifEnv* env, const char* name, Nif* nif, int argc, const Term argv[],
                 Body body) noexcept {
    const auto find = [](const Instance& instance, std::string_view as) { return instance.memory(as); };
    return with_export(env, name, nif, argc, argv, find, body);
}
template <typename Body>
Term with_global(ErlNifEnv* env, const char* name, Nif* nif, int argc, const Term argv[],
                 Body body) noexcept {
    const auto find = [](const Instance& instance, std::string_view as) { return instance.global(as); };
    return with_export(env, name, nif, argc, argv, find, body);
}

} // namespace

/// memory_size(Instance, Name)
Term memory_size(ErlNifEnv* env, int argc, const Term argv[]) {
    return with_memory(env, "memory_size", memory_size, argc, argv, [&](const Memory& memory) {
        return make_ok(env, enif_make_uint64(env, memory.size()));
    });
}

/// read(Instance, Name, Offset, Size); much is copied on a dirty scheduler.
Term read(ErlNifEnv* env, int argc, const Term argv[]) {
    ErlNifUInt64 offset;
    ErlNifUInt64 size;
    if (enif_get_uint64(env, argv[2], &offset) == 0 || enif_get_uint64(env, argv[3], &size) == 0)
        return bad_argument(env, "read needs an offset and a size");
    return with_memory(env, "read", read, argc, argv, [&](const Memory& memory) {
        if (!has(memory, offset, size))
            return outside(env, memory, offset, size);
        if (size > max_copy && enif_thread_type() == ERL_NIF_THR_NORMAL_SCHEDULER)
            return enif_schedule_nif(env, "read", ERL_NIF_DIRTY_JOB_CPU_BOUND, read, argc, argv);
        const auto* const bytes = reinterpret_cast<const char*>(memory.data().data());
        return make_ok(env, make_binary(env, {bytes + offset, size}));
    });
}

/// write(Instance, Name, Offset, Bytes)
Term write(ErlNifEnv* env, int argc, const Term argv[]) {
    ErlNifUInt64 offset;
    ErlNifBinary bytes;
    if (enif_get_uint64(env, argv[2], &offset) == 0 ||
        enif_inspect_iolist_as_binary(env, argv[3], &bytes) == 0)
        return bad_argument(env, "write needs an offset and bytes");
    if (bytes.size > max_copy && enif_thread_type() == ERL_NIF_THR_NORMAL_SCHEDULER)
        return enif_schedule_nif(env, "write", ERL_NIF_DIRTY_JOB_CPU_BOUND, write, argc, argv);
    return with_memory(env, "write", write, argc, argv, [&](const Memory& memory) {
        if (!has(memory, offset, bytes.size))
            return outside(env, memory, offset, bytes.size);
        if (bytes.size != 0)
            std::memcpy(memory.data().data() + offset, bytes.data, bytes.size);
        return atoms.ok;
    });
}

// ---- Globals ----

/// global_get(Instance, Name)
Term global_get(ErlNifEnv* env, int argc, const Term argv[]) {
    return with_global(env, "global_get", global_get, argc, argv, [&](const Global& global) {
        const auto value = make_value(env, global.get());
        return value ? make_ok(env, *value)
                     : make_error(env, atoms.unsupported, "the value is a reference that Erlang can't hold");
    });
}

/// global_set(Instance, Name, Value)
Term global_set(ErlNifEnv* env, int argc, const Term argv[]) {
    return with_global(env, "global_set", global_set, argc, argv, [&](const Global& global) {
        std::string why;
        const auto value = read_value(env, argv[2], global.type().content, why);
        if (!value)
            return bad_argument(env, "the value " + why);
        const auto set = global.set(*value);
        return set ? atoms.ok : make_error(env, set.error());
    });
}

} // namespace warpbeam::erlang
