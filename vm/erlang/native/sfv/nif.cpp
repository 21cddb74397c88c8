#include "terms.hpp"

#include <cstring>

/// The table of the functions, errors as terms.

namespace warpbeam::sfv::erlang {

Atoms atoms;

void Atoms::make(ErlNifEnv* env) noexcept {
#define WARPBEAM_SFV_ATOM(name) this->name = enif_make_atom(env, #name);
    WARPBEAM_SFV_ATOMS(WARPBEAM_SFV_ATOM)
#undef WARPBEAM_SFV_ATOM
    true_ = enif_make_atom(env, "true");
    false_ = enif_make_atom(env, "false");
}

Term make_binary(ErlNifEnv* env, std::string_view text) noexcept {
    Term term;
    unsigned char* const bytes = enif_make_new_binary(env, text.size(), &term);
    if (!text.empty())
        std::memcpy(bytes, text.data(), text.size());
    return term;
}

bool read_binary(ErlNifEnv* env, Term term, std::string_view& bytes) noexcept {
    ErlNifBinary binary;
    if (enif_inspect_binary(env, term, &binary) == 0)
        return false;
    bytes = {reinterpret_cast<const char*>(binary.data), binary.size};
    return true;
}

Term add(ErlNifEnv* env, Term map, Term key, Term value) noexcept {
    Term more;
    return enif_make_map_put(env, map, key, value, &more) != 0 ? more : map;
}

Term make_reason(ErlNifEnv* env, Term kind, std::string_view message) noexcept {
    return add(env, add(env, enif_make_new_map(env), atoms.kind, kind), atoms.message,
               make_binary(env, message));
}

Term make_reason(ErlNifEnv* env, const Error& error) noexcept {
    const Term kind = error.reason == Reason::out_of_memory ? atoms.out_of_memory
                      : error.reason == Reason::too_long    ? atoms.limit
                      : error.found != Error::found_nothing ? atoms.malformed
                                                            : atoms.invalid;
    return add(env, make_reason(env, kind, error.message().view()), atoms.offset,
               enif_make_uint64(env, error.offset));
}

namespace {

int load_library(ErlNifEnv* env, void**, Term) {
    atoms.make(env);
    return 0;
}

// There is no state between calls, so that a new version of the code may take over at any time.
int upgrade_library(ErlNifEnv* env, void**, void**, Term) {
    atoms.make(env);
    return 0;
}

ErlNifFunc functions[] = {
    {"parse", 4, parse, 0},
    {"parse_bare_item", 2, parse_bare_item, 0},
    {"serialize", 3, serialize, 0},
    {"serialize_bare_item", 1, serialize_bare_item, 0},
};

} // namespace

} // namespace warpbeam::sfv::erlang

extern "C" {
using warpbeam::sfv::erlang::functions;
using warpbeam::sfv::erlang::load_library;
using warpbeam::sfv::erlang::upgrade_library;
ERL_NIF_INIT(warpbeam_sfv_nif, functions, load_library, nullptr, upgrade_library, nullptr)
}
