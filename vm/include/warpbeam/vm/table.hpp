#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/vm/store.hpp>
#include <warpbeam/vm/value.hpp>

#include <expected>

namespace warpbeam {

namespace vm {
struct TableInst;
}

/// A table of references: a handle, valid as long as its store.
/// https://webassembly.github.io/spec/core/exec/runtime.html#table-instances
class WARPBEAM_API Table : public detail::Handle<vm::TableInst> {
public:
    /// Makes a table of `type.limits.min` elements that are `init`. Errors: `usage` when `init` is no value
    /// of the element type, `limit` when the store's limits do not allow it, `out_of_memory`.
    [[nodiscard]] static std::expected<Table, Error> create(Store& store, const TableType& type,
                                                            const Value& init) noexcept;

    /// The type; its minimum is the present size, as linking demands.
    [[nodiscard]] TableType type() const noexcept;
    /// The current number of elements.
    [[nodiscard]] uint64_t size() const noexcept;
    /// Errors: `usage` when `index` is not below the size; `out_of_memory`.
    [[nodiscard]] std::expected<Value, Error> get(uint64_t index) const noexcept;
    /// Errors: `usage` when `index` is not below the size, or `value` no value of the element type.
    [[nodiscard]] std::expected<void, Error> set(uint64_t index, const Value& value) const noexcept;
    /// Grows by `count` elements that are `value`; returns the old size. Errors: `usage` when `value` is no
    /// value of the element type; `limit` when the type's maximum, the store's limits or the memory do not
    /// allow it.
    [[nodiscard]] std::expected<uint64_t, Error> grow(uint64_t count, const Value& value) const noexcept;
};

} // namespace warpbeam
