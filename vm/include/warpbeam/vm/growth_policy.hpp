#pragma once

#include <warpbeam/loader/types.hpp>

#include <cstdint>

namespace warpbeam {

class Store;

/// Decides whether the memories and tables of a store may be created or grow. It is only asked if the type
/// and the store's limits allow it. If it refuses, memory.grow and table.grow return -1, and creating the
/// object, also by instantiation, fails with `limit`. What it allows may still fail for lack of memory.
/// https://webassembly.github.io/spec/core/exec/modules.html#growing-memories
///
/// Thread-safety: it is called in the middle of an operation, in the thread that uses the store; a policy
/// shared by stores in several threads must be thread-safe. It may read Store::usage, which does not yet
/// include the request, but must not use the store or its objects in any other way. (If it makes something
/// grow nevertheless, this happens within the limits, and may use up the space for the request.)
class GrowthPolicy {
public:
    virtual ~GrowthPolicy() = default;

    /// Whether a memory of `type` may grow from `from` to `to` bytes. For a new memory, `from` is 0. For a
    /// shared memory, `store` is the one through which it grows.
    [[nodiscard]] virtual bool allow_memory([[maybe_unused]] const Store& store,
                                            [[maybe_unused]] const MemoryType& type,
                                            [[maybe_unused]] uint64_t from,
                                            [[maybe_unused]] uint64_t to) noexcept {
        return true;
    }
    /// Whether a table of `type` may grow from `from` to `to` elements. For a new table, `from` is 0.
    [[nodiscard]] virtual bool allow_table([[maybe_unused]] const Store& store,
                                           [[maybe_unused]] const TableType& type,
                                           [[maybe_unused]] uint64_t from,
                                           [[maybe_unused]] uint64_t to) noexcept {
        return true;
    }
};

} // namespace warpbeam
