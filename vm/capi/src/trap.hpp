#pragma once

#include "refs.hpp"

#include <warpbeam/loader/error.hpp>

namespace warpbeam::capi {

/// A reference to a trap, never null: if memory runs out, it is one that lasts for ever. It is the trap that
/// a callback has returned, if that is why.
[[nodiscard]] wasm_trap_t* make_trap(wasm_store_t& store, Trap trap) noexcept;
/// That trap: the message is that of its code.
[[nodiscard]] wasm_trap_t* constant_trap(TrapCode code) noexcept;
/// What made no instance.
[[nodiscard]] Trap trap_of(const InstantiationError& error, Allocator& allocator) noexcept;

/// A trap for the engine, out of one that a callback has returned and handed over.
[[nodiscard]] Trap take_trap(wasm_trap_t* trap) noexcept;
/// The trap of a reference; null for null.
[[nodiscard]] const Trap* peek_trap(const wasm_trap_t* trap) noexcept;

} // namespace warpbeam::capi
