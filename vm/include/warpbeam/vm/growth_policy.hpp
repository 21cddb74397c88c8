#pragma once

#include <warpbeam/loader/types.hpp>

#include <cstdint>

namespace warpbeam {

class Store;

/// Asked before a memory or table of a store is made or grows, when the type and the store's limits allow it.
/// To refuse makes memory.grow and table.grow return -1, and creating the object, also by an instantiation,
/// an error `limit`. What was allowed may still fail for lack of memory.
///
/// Thread-safety: called on the thread that uses the store, in the middle of what that does; a policy that is
/// shared by stores used on several threads must be thread-safe. It may read the store's `usage`, which does
/// not count yet what is asked for, and must not call anything else of the store or its objects. (One that
/// grows something all the same gets what the limits allow, and what it was asked about may then fail.)
class GrowthPolicy {
public:
    virtual ~GrowthPolicy() = default;

    /// Whether a memory of `type` may grow from `from` to `to` bytes. `from` is 0 for a new memory, whose
    /// first bytes are asked for too. For a shared memory, the store is that whose code or host grows it.
    [[nodiscard]] virtual bool allow_memory([[maybe_unused]] const Store& store,
                                            [[maybe_unused]] const MemoryType& type,
                                            [[maybe_unused]] uint64_t from,
                                            [[maybe_unused]] uint64_t to) noexcept {
        return true;
    }
    /// Whether a table of `type` may grow from `from` to `to` elements; the same rules.
    [[nodiscard]] virtual bool allow_table([[maybe_unused]] const Store& store,
                                           [[maybe_unused]] const TableType& type,
                                           [[maybe_unused]] uint64_t from,
                                           [[maybe_unused]] uint64_t to) noexcept {
        return true;
    }
};

} // namespace warpbeam
