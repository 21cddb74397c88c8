#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/vm/func.hpp>
#include <warpbeam/vm/global.hpp>
#include <warpbeam/vm/memory.hpp>
#include <warpbeam/vm/table.hpp>
#include <warpbeam/vm/tag.hpp>

#include <variant>

namespace warpbeam {

namespace vm {
struct InstanceData;
}
class Instance;

/// What can be imported and exported, in the order of ExternKind. `std::get_if<Memory>(&external)` picks one
/// kind. https://webassembly.github.io/spec/core/exec/runtime.html#external-addresses
using Extern = std::variant<Func, Table, Memory, Global, Tag>;

/// The kind of an external value.
[[nodiscard]] inline ExternKind kind_of(const Extern& external) noexcept {
    return static_cast<ExternKind>(external.index());
}
/// Its type as linking sees it: memories and tables have their present size as the minimum.
/// Precondition: not a null Func.
[[nodiscard]] WARPBEAM_API ExternType type_of(const Extern& external) noexcept;

} // namespace warpbeam
