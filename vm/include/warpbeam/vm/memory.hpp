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
/// A memory can move when it grows, and code of the store may grow it at any time. So a span into a memory is
/// valid only until the memory grows or code of the store runs. A shared memory never moves, and other
/// threads may use it at the same time (see SharedMemory).
///
/// Thread-safety: that of the store.
class WARPBEAM_API Memory : public detail::Handle<vm::MemoryInst> {
public:
    /// Makes a memory of `type.limits.min` pages of zeros. Errors: `limit` if the store's limits or the
    /// address space do not allow it, `out_of_memory`, `usage` if the type is invalid.
    [[nodiscard]] static std::expected<Memory, Error> create(Store& store, const MemoryType& type) noexcept;

    /// Adds a shared memory to a store, which becomes one of its owners. Errors: `limit` if the store's
    /// limits do not allow its maximum size, `out_of_memory`.
    [[nodiscard]] static std::expected<Memory, Error> create(Store& store,
                                                             const SharedMemory& memory) noexcept;
    /// The memory as one that other stores can use too; none if it is not shared.
    [[nodiscard]] std::optional<SharedMemory> shared() const noexcept;

    /// The type; its minimum is the current size, as linking requires.
    [[nodiscard]] MemoryType type() const noexcept;
    /// The current size in bytes.
    [[nodiscard]] uint64_t size() const noexcept;
    /// The current size in pages of the memory's type.
    [[nodiscard]] uint64_t pages() const noexcept;
    /// Adds `pages` pages of zeros; returns the old size in pages. Error: `limit` if the type's maximum, the
    /// store's limits or the available memory do not allow it.
    [[nodiscard]] std::expected<uint64_t, Error> grow(uint64_t pages) const noexcept;

    /// All bytes, without a copy. MemoryView has checked functions to read and write numbers, strings and
    /// ranges.
    [[nodiscard]] std::span<uint8_t> data() const noexcept;
};

} // namespace warpbeam
