#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/vm/shared_memory.hpp>
#include <warpbeam/vm/store.hpp>

#include <expected>
#include <optional>
#include <span>

namespace warpbeam {

namespace vm {
struct MemoryInst;
}

/// A linear memory: a handle, valid as long as its store.
/// https://webassembly.github.io/spec/core/exec/runtime.html#memory-instances
///
/// Code of the store may grow a memory whenever it runs, which can move it; so spans into a memory are valid
/// only until the next call into WebAssembly or growth. A shared memory never moves, and other threads may
/// use it at the same time (see SharedMemory).
///
/// Thread-safety: that of the store.
class WARPBEAM_API Memory : public detail::Handle<vm::MemoryInst> {
public:
    /// Makes a memory of `type.limits.min` pages of zeros. Errors: `limit` when the store's limits or the
    /// address space do not allow it, `out_of_memory`, `usage` for a type that no module could declare.
    [[nodiscard]] static std::expected<Memory, Error> create(Store& store, const MemoryType& type) noexcept;

    /// Puts a shared memory into a store, which then shares its ownership. Errors: `limit` when the store's
    /// limits do not allow its largest size, `out_of_memory`.
    [[nodiscard]] static std::expected<Memory, Error> create(Store& store,
                                                             const SharedMemory& memory) noexcept;
    /// The memory for other stores; none when it is not shared.
    [[nodiscard]] std::optional<SharedMemory> shared() const noexcept;

    /// The type; its minimum is the present size, as linking demands.
    [[nodiscard]] MemoryType type() const noexcept;
    /// The present size in bytes.
    [[nodiscard]] uint64_t size() const noexcept;
    /// The present size in pages of the memory's type.
    [[nodiscard]] uint64_t pages() const noexcept;
    /// Grows by `pages`, filled with zeros; returns the old size in pages. Error: `limit`, when the type's
    /// maximum, the store's limits or the available memory do not allow it.
    [[nodiscard]] std::expected<uint64_t, Error> grow(uint64_t pages) const noexcept;

    /// All bytes in place. MemoryView reads and writes numbers, strings and ranges, each checked.
    [[nodiscard]] std::span<uint8_t> data() const noexcept;
};

} // namespace warpbeam
