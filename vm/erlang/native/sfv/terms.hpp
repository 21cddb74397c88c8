#pragma once

#include <warpbeam/sfv/error.hpp>

#include <cstdint>
#include <erl_nif.h>
#include <string_view>

/// What the functions of the Structured Fields NIF have in common. It needs nothing but warpbeam::sfv: a
/// program that only wants fields loads no WebAssembly.

namespace warpbeam::sfv::erlang {

using Term = ERL_NIF_TERM;

// clang-format off
#define WARPBEAM_SFV_ATOMS(X) \
    X(ok) X(error) X(kind) X(message) X(offset) X(path) \
    X(malformed) X(invalid) X(usage) X(limit) X(out_of_memory) \
    X(item) X(list) X(dictionary) \
    X(decimal) X(string) X(token) X(binary) X(date) X(display_string)
// clang-format on

/// Made once: no atom is ever made of what a field or a caller says.
struct Atoms {
#define WARPBEAM_SFV_ATOM(name) Term name;
    WARPBEAM_SFV_ATOMS(WARPBEAM_SFV_ATOM)
#undef WARPBEAM_SFV_ATOM
    Term true_, false_;

    void make(ErlNifEnv* env) noexcept;
};
extern Atoms atoms;

[[nodiscard]] Term make_binary(ErlNifEnv* env, std::string_view text) noexcept;
/// The bytes of a binary, valid until the native function returns; false for any other term.
[[nodiscard]] bool read_binary(ErlNifEnv* env, Term term, std::string_view& bytes) noexcept;

/// A map with what went wrong.
[[nodiscard]] Term make_reason(ErlNifEnv* env, Term kind, std::string_view message) noexcept;
/// The same of an error of the library, with its offset.
[[nodiscard]] Term make_reason(ErlNifEnv* env, const Error& error) noexcept;
[[nodiscard]] Term add(ErlNifEnv* env, Term map, Term key, Term value) noexcept;

/// Counts the bytes that a call handles, and terms as so many bytes. Beyond what a scheduler of the emulator
/// may spend on one call, the call must go on on a dirty scheduler.
class Work {
public:
    static constexpr uint64_t limit = 64 * 1024; ///< in bytes
    static constexpr uint64_t per_term = 16;     ///< what handling a term costs, as bytes

    /// Whether the call may go on here.
    [[nodiscard]] bool take(uint64_t bytes) noexcept {
        done_ += bytes;
        return done_ <= limit || is_dirty_;
    }
    /// Tells the scheduler how much of the caller's time slice is used up.
    void account(ErlNifEnv* env) const noexcept {
        if (!is_dirty_)
            enif_consume_timeslice(env, static_cast<int>(1 + done_ * 99 / limit));
    }

private:
    uint64_t done_ = 0;
    bool is_dirty_ = enif_thread_type() == ERL_NIF_THR_DIRTY_CPU_SCHEDULER;
};

using Nif = Term(ErlNifEnv*, int, const Term*) noexcept;
// The functions of warpbeam_sfv_nif.erl.
Nif parse, parse_bare_item, serialize, serialize_bare_item;

} // namespace warpbeam::sfv::erlang
