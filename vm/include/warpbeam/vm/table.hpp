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
/// Thread-safety: that of the store.
/// https://webassembly.github.io/spec/core/exec/runtime.html#table-instances
class WARPBEAM_API Table : public detail::Handle<vm::TableInst> {
public:
    /// Makes a table of `type.limits.min` elements equal to `init`. Errors: `usage` if `init` does not match
    /// the element type, `limit` if the store's limits do not allow it, `out_of_memory`.
    [[nodiscard]] static std::expected<Table, Error> create(Store& store, const TableType& type,
                                                            const Value& init) noexcept;

    /// The type; its minimum is the current size, as linking requires.
    [[nodiscard]] TableType type() const noexcept;
    /// The current number of elements.
    [[nodiscard]] uint64_t size() const noexcept;
    /// The element at `index`. Errors: `usage` if `index` is not less than the size; `out_of_memory`.
    [[nodiscard]] std::expected<Value, Error> get(uint64_t index) const noexcept;
    /// Sets the element at `index`. Errors: `usage` if `index` is not less than the size, or `value` does not
    /// match the element type.
    [[nodiscard]] std::expected<void, Error> set(uint64_t index, const Value& value) const noexcept;
    /// Adds `count` elements equal to `value`; returns the old size. Errors: `usage` if `value` does not
    /// match the element type; `limit` if the type's maximum, the store's limits or the available memory do
    /// not allow it.
    [[nodiscard]] std::expected<uint64_t, Error> grow(uint64_t count, const Value& value) const noexcept;
};

} // namespace warpbeam
