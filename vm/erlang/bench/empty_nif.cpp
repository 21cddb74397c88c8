#include <erl_nif.h>

/// What a call of a native function costs that does nothing: the measure for those that do something.

namespace {

ERL_NIF_TERM empty(ErlNifEnv*, int, const ERL_NIF_TERM argv[]) { return argv[0]; }

ErlNifFunc functions[] = {{"empty", 1, empty, 0}};

} // namespace

extern "C" {
ERL_NIF_INIT(empty_nif, functions, nullptr, nullptr, nullptr, nullptr)
}
