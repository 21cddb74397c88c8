#pragma once

#include "terms.hpp"

#include <utility>

namespace warpbeam::erlang {

/// An Erlang term that outlives the call in which it came.
class HeldTerm {
public:
    explicit HeldTerm(Term term) noexcept : env_{enif_alloc_env()}, term_{enif_make_copy(env_, term)} {}
    HeldTerm(HeldTerm&& other) noexcept : env_{std::exchange(other.env_, nullptr)}, term_{other.term_} {}
    HeldTerm& operator=(HeldTerm&& other) = delete;
    ~HeldTerm() {
        if (env_ != nullptr)
            enif_free_env(env_);
    }
    [[nodiscard]] Term copy_to(ErlNifEnv* env) const noexcept { return enif_make_copy(env, term_); }

private:
    ErlNifEnv* env_;
    Term term_;
};

} // namespace warpbeam::erlang
