#include "nif.hpp"

#include <algorithm>
#include <cstring>

/// The memories and globals of an instance.

namespace warpbeam::erlang {

namespace {

/// Whether these bytes are in the memory.
bool has(const Memory& memory, uint64_t offset, uint64_t size) noexcept {
    return size <= memory.size() && offset <= memory.size() - size;
}
Term outside(ErlNifEnv* env, const Memory& memory, uint64_t offset, uint64_t size) noexcept {
    return bad_argument(env, std::to_string(size) + (size == 1 ? " byte at " : " bytes at ") +
                                 std::to_string(offset) + (size == 1 ? " is" : " are") +
                                 " outside of the memory, which has " + std::to_string(memory.size()));
}

} // namespace

/// memory_size(Instance, Name)
Term memory_size(ErlNifEnv* env, int argc, const Term argv[]) {
    return with_object<Memory>(env, "memory_size", memory_size, argc, argv, [&](auto&, const Memory& memory) {
        return make_ok(env, enif_make_uint64(env, memory.size()));
    });
}

/// memory_grow(Instance, Name, Pages): the old number of pages.
Term memory_grow(ErlNifEnv* env, int argc, const Term argv[]) {
    ErlNifUInt64 pages;
    if (enif_get_uint64(env, argv[2], &pages) == 0)
        return bad_argument(env, "a memory grows by a natural number of pages");
    return with_object<Memory>(env, "memory_grow", memory_grow, argc, argv, [&](auto&, const Memory& memory) {
        const auto grown = memory.grow(pages);
        return grown ? make_ok(env, enif_make_uint64(env, *grown)) : make_error(env, grown.error());
    });
}

/// read(Instance, Name, Offset, Size); much is copied on a dirty scheduler.
Term read(ErlNifEnv* env, int argc, const Term argv[]) {
    ErlNifUInt64 offset;
    ErlNifUInt64 size;
    if (enif_get_uint64(env, argv[2], &offset) == 0 || enif_get_uint64(env, argv[3], &size) == 0)
        return bad_argument(env, "read needs an offset and a size");
    return with_object<Memory>(env, "read", read, argc, argv, [&](auto&, const Memory& memory) {
        if (!has(memory, offset, size))
            return outside(env, memory, offset, size);
        if (size > max_copy && enif_thread_type() == ERL_NIF_THR_NORMAL_SCHEDULER)
            return enif_schedule_nif(env, "read", ERL_NIF_DIRTY_JOB_CPU_BOUND, read, argc, argv);
        const auto* const bytes = reinterpret_cast<const char*>(memory.data().data());
        return make_ok(env, make_binary(env, {bytes + offset, static_cast<size_t>(size)}));
    });
}

/// read_string(Instance, Name, Offset, Limit): the bytes before the first zero, which are no more than the
/// limit.
Term read_string(ErlNifEnv* env, int argc, const Term argv[]) {
    ErlNifUInt64 offset;
    ErlNifUInt64 max_size;
    if (enif_get_uint64(env, argv[2], &offset) == 0 || enif_get_uint64(env, argv[3], &max_size) == 0)
        return bad_argument(env, "read_string needs an offset and a limit");
    return with_object<Memory>(env, "read_string", read_string, argc, argv, [&](auto&, const Memory& memory) {
        if (!has(memory, offset, 1))
            return outside(env, memory, offset, 1);
        const char* const begin = reinterpret_cast<const char*>(memory.data().data()) + offset;
        const bool is_ordinary = enif_thread_type() == ERL_NIF_THR_NORMAL_SCHEDULER;
        const uint64_t within = std::min<uint64_t>(memory.size() - offset - 1, max_size) + 1;
        const auto looked_at =
            static_cast<size_t>(std::min<uint64_t>(within, is_ordinary ? max_copy : within));
        const void* const end = std::memchr(begin, 0, looked_at);
        if (end != nullptr)
            return make_ok(env, make_binary(env, {begin, static_cast<const char*>(end)}));
        if (looked_at < within)
            return enif_schedule_nif(env, "read_string", ERL_NIF_DIRTY_JOB_CPU_BOUND, read_string, argc,
                                     argv);
        return make_error(env, atoms.limit,
                          "no zero byte within " + std::to_string(within) + " bytes at " +
                              std::to_string(offset));
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
    return with_object<Memory>(env, "write", write, argc, argv, [&](auto&, const Memory& memory) {
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
    return with_object<Global>(
        env, "global_get", global_get, argc, argv, [&](InstanceResource& instance, const Global& global) {
            const auto value = make_value(env, instance, global.get());
            return value ? make_ok(env, *value)
                         : make_error(env, atoms.out_of_memory, "out of memory for a reference");
        });
}

/// global_set(Instance, Name, Value)
Term global_set(ErlNifEnv* env, int argc, const Term argv[]) {
    return with_object<Global>(
        env, "global_set", global_set, argc, argv, [&](InstanceResource& instance, const Global& global) {
            std::string why;
            const auto value = read_value(env, instance, argv[2], global.type().content, why);
            if (!value)
                return bad_argument(env, "the value " + why);
            const auto set = global.set(*value);
            return set ? atoms.ok : make_error(env, set.error());
        });
}

} // namespace warpbeam::erlang
