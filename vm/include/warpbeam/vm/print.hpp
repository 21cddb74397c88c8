#pragma once

#include <warpbeam/loader/text.hpp>
#include <warpbeam/loader/types.hpp>
#include <warpbeam/memory/export.hpp>
#include <warpbeam/vm/trap.hpp>

#include <span>

/// @file
/// Types, traps and backtraces as text for people. Everything is escaped so that it is safe to print. If
/// memory runs out, the end of the text is missing.

namespace warpbeam {

class TypeRegistry;

/// @{ A type as the text format writes it: `i32`, `func (param i32) (result i64)`, `memory i64 1 2`. A
/// defined type has no name outside of its module, so a reference to one is spelled out to a small depth.
/// `types` is where it comes from: Engine::types, Module::type_registry.
[[nodiscard]] WARPBEAM_API Text to_text(ValType type, const TypeRegistry& types) noexcept;
[[nodiscard]] WARPBEAM_API Text to_text(const FuncType& type, const TypeRegistry& types) noexcept;
[[nodiscard]] WARPBEAM_API Text to_text(const ExternType& type, const TypeRegistry& types) noexcept;
/// @}

/// A line for each function: `    at module!name (function 3), offset 0x1f`. Repeated ones are counted.
[[nodiscard]] WARPBEAM_API Text to_text(std::span<const Frame> backtrace) noexcept;

/// The message, the backtrace, and the same of the traps that led to it.
[[nodiscard]] WARPBEAM_API Text to_text(const Trap& trap) noexcept;

} // namespace warpbeam
