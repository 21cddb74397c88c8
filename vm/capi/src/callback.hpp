#pragma once

#include "trap.hpp"
#include "values.hpp"

#include <warpbeam/vm/host_func.hpp>

namespace warpbeam::capi {

/// A host function of C, and its environment: an untyped callback (host_func.hpp). It can be used in any
/// store for C.
class Callback {
public:
    Callback(wasm_func_callback_t plain, wasm_func_callback_with_env_t with_env, HostInfo env) noexcept
        : plain_{plain}, with_env_{with_env}, env_{std::move(env)} {}

    std::expected<void, Trap> operator()(Caller& caller, std::span<const Value> args,
                                         std::span<Value> results) noexcept;

private:
    wasm_func_callback_t plain_;
    wasm_func_callback_with_env_t with_env_;
    HostInfo env_;
};

} // namespace warpbeam::capi
