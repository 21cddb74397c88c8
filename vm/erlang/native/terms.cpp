#include "terms.hpp"

#include <cstring>

namespace warpbeam::erlang {

Atoms atoms;

void Atoms::make(ErlNifEnv* env) noexcept {
#define WARPBEAM_ERLANG_ATOM(name, text) this->name = enif_make_atom(env, text);
#include "atoms.inc"
#undef WARPBEAM_ERLANG_ATOM
    size_t next = 0;
#define WARPBEAM_TRAP_CODE(name, description) trap_codes[next++] = enif_make_atom(env, #name);
#include <warpbeam/vm/trap_codes.inc>
#undef WARPBEAM_TRAP_CODE
}

Term make_binary(ErlNifEnv* env, std::string_view text) noexcept {
    Term term;
    unsigned char* const bytes = enif_make_new_binary(env, text.size(), &term);
    if (!text.empty())
        std::memcpy(bytes, text.data(), text.size());
    return term;
}

// ---- Errors ----

Term add_to(ErlNifEnv* env, Term map, Term key, Term value) noexcept {
    Term more;
    return enif_make_map_put(env, map, key, value, &more) != 0 ? more : map;
}

namespace {

Term kind_of(ErrorCode code) noexcept {
    switch (code) {
    case ErrorCode::malformed:
        return atoms.malformed;
    case ErrorCode::invalid:
        return atoms.invalid;
    case ErrorCode::unsupported:
        return atoms.unsupported;
    case ErrorCode::limit:
        return atoms.limit;
    case ErrorCode::out_of_memory:
        return atoms.out_of_memory;
    case ErrorCode::unlinkable:
        return atoms.unlinkable;
    case ErrorCode::usage:
        break;
    }
    return atoms.usage;
}

Term kind_of(TrapCode code) noexcept {
    switch (code) {
    case TrapCode::out_of_fuel:
        return atoms.out_of_fuel;
    case TrapCode::exit:
        return atoms.exit;
    case TrapCode::out_of_memory:
        return atoms.out_of_memory;
    case TrapCode::uncaught_exception:
        return atoms.uncaught_exception;
    case TrapCode::interrupted:
        return atoms.stopped;
    default:
        return atoms.trap;
    }
}

Term make_map(ErlNifEnv* env, Term kind, std::string_view message) noexcept {
    return add_to(env, add_to(env, enif_make_new_map(env), atoms.kind, kind), atoms.message,
                  make_binary(env, message));
}

} // namespace

Term make_error(ErlNifEnv* env, Term kind, std::string_view message) noexcept {
    return enif_make_tuple2(env, atoms.error, make_map(env, kind, message));
}

Term make_error(ErlNifEnv* env, const Error& error) noexcept {
    Term map = make_map(env, kind_of(error.code()), error.message());
    if (error.offset() != Error::no_offset)
        map = add_to(env, map, atoms.offset, enif_make_uint64(env, error.offset()));
    return enif_make_tuple2(env, atoms.error, map);
}

Term make_error(ErlNifEnv* env, const InstantiationError& error) noexcept {
    if (const Trap* const trap = error.trap())
        return make_error(env, *trap);
    return make_error(env, error.code() ? kind_of(*error.code()) : atoms.trap, error.message());
}

Term make_error(ErlNifEnv* env, const Trap& trap) noexcept {
    Term map = make_map(env, kind_of(trap.code()), trap.message());
    map = add_to(env, map, atoms.code, atoms.trap_codes[static_cast<size_t>(trap.code())]);
    if (trap.code() == TrapCode::exit)
        map = add_to(env, map, atoms.status, enif_make_int(env, trap.exit_status()));
    Term frames = enif_make_list(env, 0);
    const std::span<const Frame> backtrace = trap.backtrace();
    for (size_t i = backtrace.size(); i-- != 0;) {
        const Frame& frame = backtrace[i];
        Term entry = add_to(env, enif_make_new_map(env), atoms.function, enif_make_uint(env, frame.func));
        if (!frame.func_name().empty())
            entry = add_to(env, entry, atoms.name, make_binary(env, frame.func_name()));
        if (frame.offset != Error::no_offset)
            entry = add_to(env, entry, atoms.offset, enif_make_uint64(env, frame.offset));
        frames = enif_make_list_cell(env, entry, frames);
    }
    return enif_make_tuple2(env, atoms.error, add_to(env, map, atoms.backtrace, frames));
}

} // namespace warpbeam::erlang
