#include <atomic>
#include <cstring>
#include <erl_nif.h>

/// What native functions cost that execute nothing: one that does nothing, and some that read the same terms
/// and make the same terms as a call of a guest, an import and its answer.

namespace {

ErlNifResourceType* instance_type;
ErlNifResourceType* call_type;

ERL_NIF_TERM empty(ErlNifEnv*, int, const ERL_NIF_TERM argv[]) { return argv[0]; }

ERL_NIF_TERM make(ErlNifEnv* env, ErlNifResourceType* type) {
    void* const memory = enif_alloc_resource(type, 256);
    std::memset(memory, 0, 256);
    const ERL_NIF_TERM term = enif_make_resource(env, memory);
    enif_release_resource(memory);
    return term;
}

ERL_NIF_TERM make_binary(ErlNifEnv* env, const char* text) {
    ERL_NIF_TERM term;
    std::memcpy(enif_make_new_binary(env, std::strlen(text), &term), text, std::strlen(text));
    return term;
}

/// Reads a list of integers; returns their list.
ERL_NIF_TERM read_list(ErlNifEnv* env, ERL_NIF_TERM list) {
    int value = 0;
    ERL_NIF_TERM made = enif_make_list(env, 0);
    for (ERL_NIF_TERM head; enif_get_list_cell(env, list, &head, &list) != 0;)
        if (enif_get_int(env, head, &value) != 0)
            made = enif_make_list_cell(env, enif_make_int(env, value), made);
    return made;
}

ERL_NIF_TERM open(ErlNifEnv* env, int, const ERL_NIF_TERM[]) { return make(env, instance_type); }

/// Reads an instance, a name and options, as a call does.
bool reads_call(ErlNifEnv* env, const ERL_NIF_TERM argv[]) {
    void* instance;
    ErlNifBinary name;
    size_t options;
    return enif_get_resource(env, argv[0], instance_type, &instance) != 0 &&
           enif_inspect_iolist_as_binary(env, argv[1], &name) != 0 &&
           enif_get_map_size(env, argv[3], &options) != 0;
}

/// call(Instance, Name, Arguments, Options) -> {ok, Results}
ERL_NIF_TERM call(ErlNifEnv* env, int, const ERL_NIF_TERM argv[]) {
    if (!reads_call(env, argv))
        return enif_make_badarg(env);
    return enif_make_tuple2(env, argv[1], read_list(env, argv[2]));
}

/// locked_call(Instance, Name, Arguments, Options): the same with a lock, as each instance has one.
ERL_NIF_TERM locked_call(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
    static std::atomic<bool> lock;
    if (lock.exchange(true))
        return enif_make_badarg(env);
    const ERL_NIF_TERM result = call(env, argc, argv);
    (void)lock.exchange(false);
    return result;
}

/// ask(Instance, Name, Arguments, Options) -> {import, Call, Module, Name, Arguments}
ERL_NIF_TERM ask(ErlNifEnv* env, int, const ERL_NIF_TERM argv[]) {
    if (!reads_call(env, argv))
        return enif_make_badarg(env);
    return enif_make_tuple5(env, argv[1], make(env, call_type), make_binary(env, "env"),
                            make_binary(env, "f"), read_list(env, argv[2]));
}

/// answer(Call, Results) -> {ok, Results}
ERL_NIF_TERM answer(ErlNifEnv* env, int, const ERL_NIF_TERM argv[]) {
    void* found;
    if (enif_get_resource(env, argv[0], call_type, &found) == 0)
        return enif_make_badarg(env);
    return enif_make_tuple2(env, argv[0], read_list(env, argv[1]));
}

void destroy(ErlNifEnv*, void*) {}

int load(ErlNifEnv* env, void**, ERL_NIF_TERM) {
    constexpr auto flags = ERL_NIF_RT_CREATE;
    instance_type = enif_open_resource_type(env, nullptr, "instance", destroy, flags, nullptr);
    call_type = enif_open_resource_type(env, nullptr, "call", destroy, flags, nullptr);
    return instance_type != nullptr && call_type != nullptr ? 0 : 1;
}

ErlNifFunc functions[] = {{"empty", 1, empty, 0}, {"open", 0, open, 0},
                          {"call", 4, call, 0},   {"locked_call", 4, locked_call, 0},
                          {"ask", 4, ask, 0},     {"answer", 2, answer, 0}};

} // namespace

extern "C" {
ERL_NIF_INIT(empty_nif, functions, load, nullptr, nullptr, nullptr)
}
