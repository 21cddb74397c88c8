#pragma once

#include "refs.hpp"

#include <warpbeam/loader/error.hpp>

namespace warpbeam::capi {

/// A reference to a trap, never null: if memory runs out, it is one that lasts for ever. It is the trap that
/// a callback has returned, if that is why.
[[nodiscard]] wasm_trap_t* make_trap(wasm_store_t& store, Trap trap) noexcept;
/// That trap: the message is that of its code.
[[nodiscard]] wasm_trap_t* constant_trap(TrapCode code) noexcept;

/// The trap of a reference for the engine, which gives the same one back to make_trap.
[[nodiscard]] Trap passed_trap(const wasm_trap_t* trap) noexcept;
/// The trap of a reference; null for null.
[[nodiscard]] const Trap* peek_trap(const wasm_trap_t* trap) noexcept;
/// Why argument or result `index` can't be passed.
[[nodiscard]] Trap trap_of(const char* what, size_t index, const Error& error, Allocator& allocator) noexcept;
/// What a frame is for the engine.
[[nodiscard]] const Frame& frame_of(const wasm_frame_t& frame) noexcept;

} // namespace warpbeam::capi
