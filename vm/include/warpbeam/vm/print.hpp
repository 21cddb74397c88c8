#pragma once

#include <warpbeam/loader/text.hpp>
#include <warpbeam/loader/types.hpp>
#include <warpbeam/memory/export.hpp>
#include <warpbeam/vm/trap.hpp>

#include <span>

/// @file
/// Types, traps and backtraces as readable text. Everything is escaped, so that it is safe to print. If
/// memory runs out, the end of the text is missing.
/// Thread-safety: any thread may call any of these functions.
/// https://webassembly.github.io/spec/core/text/types.html

namespace warpbeam {

class TypeRegistry;

/// @{ A type in the text format: `i32`, `func (param i32) (result i64)`, `memory i64 1 2`. A defined type has
/// no name outside its module, so a reference to one is spelled out to a small depth. `types` is the
/// registry of the type: Engine::types or Module::type_registry.
[[nodiscard]] WARPBEAM_API Text to_text(ValType type, const TypeRegistry& types) noexcept;
[[nodiscard]] WARPBEAM_API Text to_text(const FuncType& type, const TypeRegistry& types) noexcept;
[[nodiscard]] WARPBEAM_API Text to_text(const ExternType& type, const TypeRegistry& types) noexcept;
/// @}

/// A line for each function: `    at module!name (function 3), offset 0x1f`. Repeated lines are counted
/// instead.
[[nodiscard]] WARPBEAM_API Text to_text(std::span<const Frame> backtrace) noexcept;

/// The message and the backtrace, followed by those of the traps that caused it.
[[nodiscard]] WARPBEAM_API Text to_text(const Trap& trap) noexcept;

} // namespace warpbeam
