#include "nif.hpp"

/// The tables of an instance.

namespace warpbeam::erlang {

namespace {

Term out_of_memory(ErlNifEnv* env) noexcept {
    return make_error(env, atoms.out_of_memory, "out of memory for a reference");
}

} // namespace

/// table_size(Instance, Name)
Term table_size(ErlNifEnv* env, int argc, const Term argv[]) {
    return with_object<Table>(env, "table_size", table_size, argc, argv, [&](auto&, const Table& table) {
        return make_ok(env, enif_make_uint64(env, table.size()));
    });
}

/// table_get(Instance, Name, Index)
Term table_get(ErlNifEnv* env, int argc, const Term argv[]) {
    ErlNifUInt64 index;
    if (enif_get_uint64(env, argv[2], &index) == 0)
        return bad_argument(env, "the index of an element is a natural number");
    return with_object<Table>(env, "table_get", table_get, argc, argv,
                              [&](InstanceResource& instance, const Table& table) {
                                  const auto element = table.get(index);
                                  if (!element)
                                      return make_error(env, element.error());
                                  const auto term = make_value(env, instance, *element);
                                  return term ? make_ok(env, *term) : out_of_memory(env);
                              });
}

/// table_set(Instance, Name, Index, Value)
Term table_set(ErlNifEnv* env, int argc, const Term argv[]) {
    ErlNifUInt64 index;
    if (enif_get_uint64(env, argv[2], &index) == 0)
        return bad_argument(env, "the index of an element is a natural number");
    return with_object<Table>(
        env, "table_set", table_set, argc, argv, [&](InstanceResource& instance, const Table& table) {
            std::string why;
            const auto value = read_value(env, instance, argv[3], table.type().element, why);
            if (!value)
                return bad_argument(env, "the element " + why);
            const auto set = table.set(index, *value);
            return set ? atoms.ok : make_error(env, set.error());
        });
}

/// table_grow(Instance, Name, Count, Value): the old size.
Term table_grow(ErlNifEnv* env, int argc, const Term argv[]) {
    ErlNifUInt64 count;
    if (enif_get_uint64(env, argv[2], &count) == 0)
        return bad_argument(env, "a table grows by a natural number");
    if (count > max_copy / sizeof(uint64_t) && enif_thread_type() == ERL_NIF_THR_NORMAL_SCHEDULER)
        return enif_schedule_nif(env, "table_grow", ERL_NIF_DIRTY_JOB_CPU_BOUND, table_grow, argc, argv);
    return with_object<Table>(
        env, "table_grow", table_grow, argc, argv, [&](InstanceResource& instance, const Table& table) {
            std::string why;
            const auto value = read_value(env, instance, argv[3], table.type().element, why);
            if (!value)
                return bad_argument(env, "the element " + why);
            const auto grown = table.grow(count, *value);
            return grown ? make_ok(env, enif_make_uint64(env, *grown)) : make_error(env, grown.error());
        });
}

} // namespace warpbeam::erlang
