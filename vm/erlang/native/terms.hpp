#pragma once

#include <warpbeam/vm/execution.hpp>

#include <erl_nif.h>
#include <string_view>

/// Erlang terms and what they stand for. Nothing that a guest says becomes an atom: the only atoms are those
/// of atoms.inc, and the codes of traps.

namespace warpbeam::erlang {

using Term = ERL_NIF_TERM;

/// All atoms, made once.
struct Atoms {
#define WARPBEAM_ERLANG_ATOM(name, text) Term name;
#include "atoms.inc"
#undef WARPBEAM_ERLANG_ATOM
    Term trap_codes[256]; ///< by TrapCode
    void make(ErlNifEnv* env) noexcept;
};
extern Atoms atoms;

[[nodiscard]] Term make_binary(ErlNifEnv* env, std::string_view text) noexcept;
[[nodiscard]] inline Term make_ok(ErlNifEnv* env, Term value) noexcept {
    const Term pair[] = {atoms.ok, value};
    return enif_make_tuple_from_array(env, pair, 2); // quicker than variadic arguments
}

/// The map with one more entry.
[[nodiscard]] Term add_to(ErlNifEnv* env, Term map, Term key, Term value) noexcept;

/// @{ `{error, #{kind, message, ...}}`.
[[nodiscard]] Term make_error(ErlNifEnv* env, Term kind, std::string_view message) noexcept;
[[nodiscard]] Term make_error(ErlNifEnv* env, const Error& error) noexcept;
[[nodiscard]] Term make_error(ErlNifEnv* env, const InstantiationError& error) noexcept;
[[nodiscard]] Term make_error(ErlNifEnv* env, const Trap& trap) noexcept;
/// @}

} // namespace warpbeam::erlang
