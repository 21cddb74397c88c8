#pragma once

#include "trap.hpp"

namespace warpbeam::capi {

/// An instance for C, as `instantiate`, which gets the store, makes it: null, and a trap, if it can't.
template <typename Instantiate>
[[nodiscard]] wasm_instance_t* make_instance(wasm_store_t* store, wasm_trap_t** trap,
                                             Instantiate&& instantiate) noexcept {
    wasm_trap_t* ignored = nullptr;
    wasm_trap_t*& why = trap != nullptr ? *trap : ignored;
    why = nullptr;
    wasm_instance_t* made = nullptr;
    if (store == nullptr || !store->store) {
        why = constant_trap(TrapCode::usage);
    } else if (std::expected<Instance, Trap> instance = instantiate(*store); !instance) {
        why = make_trap(*store, std::move(instance.error()));
    } else {
        made = make_ref<wasm_instance_t>(*store, *instance);
        if (made == nullptr)
            why = constant_trap(TrapCode::out_of_memory);
    }
    if (trap == nullptr)
        wasm_trap_delete(ignored);
    return made;
}

/// What made no instance.
[[nodiscard]] Trap trap_of(const InstantiationError& error, Allocator& allocator) noexcept;

} // namespace warpbeam::capi
