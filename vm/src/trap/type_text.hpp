#pragma once

#include <warpbeam/loader/text.hpp>
#include <warpbeam/loader/type_registry.hpp>

namespace warpbeam {

/// Types in messages, written as in the text format: `i32`, `funcref`, `func (param i32) (result i64)`,
/// `memory i64 1 2`, `global (mut i32)`. A defined type has no name outside its module, so a reference to
/// one is spelled out to a small depth.
void add_type(Text& text, ValType type, const TypeRegistry& types) noexcept;
void add_type(Text& text, const FuncType& type, const TypeRegistry& types) noexcept;
void add_type(Text& text, const ExternType& type, const TypeRegistry& types) noexcept;

} // namespace warpbeam
