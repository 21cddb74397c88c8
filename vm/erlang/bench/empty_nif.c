/* What a call of a native function costs that does nothing: the measure for those that do something. */

#include <erl_nif.h>

static ERL_NIF_TERM empty(ErlNifEnv* env, int argc, const ERL_NIF_TERM argv[]) {
    (void)env;
    (void)argc;
    return argv[0];
}

static ErlNifFunc functions[] = {{"empty", 1, empty, 0}};

ERL_NIF_INIT(empty_nif, functions, NULL, NULL, NULL, NULL)
