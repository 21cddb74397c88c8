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

/// An object that can be imported and exported; the alternatives are in the order of ExternKind.
/// `std::get_if<Memory>(&external)` gives the memory if it is one, otherwise null.
/// Thread-safety: that of the store.
/// https://webassembly.github.io/spec/core/exec/runtime.html#external-addresses
using Extern = std::variant<Func, Table, Memory, Global, Tag>;

/// The kind of an object.
[[nodiscard]] inline ExternKind kind_of(const Extern& external) noexcept {
    return static_cast<ExternKind>(external.index());
}
/// The type of an object as linking sees it: the minimum of a memory or table is its current size. The object
/// must not be a null Func.
[[nodiscard]] WARPBEAM_API ExternType type_of(const Extern& external) noexcept;

} // namespace warpbeam
