#pragma once

#include <warpbeam/vm/execution.hpp>

#include <erl_nif.h>
#include <optional>
#include <string>
#include <string_view>

/// Erlang terms and what they stand for. Nothing that a guest says becomes an atom: the only atoms are those
/// of `atoms`.

namespace warpbeam::erlang {

using Term = ERL_NIF_TERM;

#define WARPBEAM_ERLANG_ATOMS(each)                                                                          \
    each(ok) each(error) each(import) each(kind) each(message) each(backtrace) each(function) each(name)     \
        each(offset) each(module) each(status) each(nan) each(null) each(none) each(i32) each(i64) each(f32) \
            each(f64) each(v128) each(funcref) each(externref) each(reference) each(func) each(memory)       \
                each(table) each(global) each(tag) each(malformed) each(invalid) each(unsupported)           \
                    each(limit) each(out_of_memory) each(unlinkable) each(usage) each(trap) each(exit)       \
                        each(out_of_fuel) each(stopped) each(timeout) each(bad_argument) each(fuel)          \
                            each(instances) each(stack) each(heap) each(uncaught_exception)

struct Atoms {
#define WARPBEAM_ERLANG_ATOM(name) Term name;
    WARPBEAM_ERLANG_ATOMS(WARPBEAM_ERLANG_ATOM)
#undef WARPBEAM_ERLANG_ATOM
    Term positive_infinity;
    Term negative_infinity;
    void make(ErlNifEnv* env) noexcept;
};
extern Atoms atoms;

[[nodiscard]] Term make_binary(ErlNifEnv* env, std::string_view text) noexcept;
[[nodiscard]] inline Term make_ok(ErlNifEnv* env, Term value) noexcept {
    return enif_make_tuple2(env, atoms.ok, value);
}

/// @{ `{error, #{kind, message, ...}}`.
[[nodiscard]] Term make_error(ErlNifEnv* env, Term kind, std::string_view message) noexcept;
[[nodiscard]] Term make_error(ErlNifEnv* env, const Error& error) noexcept;
[[nodiscard]] Term make_error(ErlNifEnv* env, const InstantiationError& error) noexcept;
[[nodiscard]] Term make_error(ErlNifEnv* env, const Trap& trap) noexcept;
/// @}

/// What a value is in Erlang: integers are signed; floats that Erlang doesn't have are `nan`, `'+inf'` and
/// `'-inf'`; a v128 is a binary of 16 bytes; a reference is `null`, or none if it can't be shown.
[[nodiscard]] std::optional<Term> make_value(ErlNifEnv* env, const Value& value) noexcept;
/// The value of a type; none if the term is none, and `why` then says what is wrong. Integers may be signed
/// or unsigned, and floats may be integers.
[[nodiscard]] std::optional<Value> read_value(ErlNifEnv* env, Term term, ValType type,
                                              std::string& why) noexcept;
/// The values of a list for these types; `why` says what is wrong if there are none.
[[nodiscard]] std::optional<Vec<Value>> read_values(ErlNifEnv* env, Term list, std::span<const ValType> types,
                                                    std::string& why) noexcept;
/// The atom of a type.
[[nodiscard]] Term make_type(ValType type) noexcept;
/// `{[Parameter], [Result]}`.
[[nodiscard]] Term make_func_type(ErlNifEnv* env, const FuncType& type) noexcept;

} // namespace warpbeam::erlang
