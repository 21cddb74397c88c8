#pragma once

#include <warpbeam/vm/store.hpp>

#include <expected>

namespace warpbeam::vm {

/// What the objects of a store take and may take: its limits, its usage, its growth policy.
class Quota {
public:
    /// The growth policy gets the store that `store` points to at the time.
    Quota(Store* const& store, const StoreLimits& limits) noexcept : store_{store}, limits_{limits} {}

    /// Without the heap's bytes, which the heap counts itself.
    [[nodiscard]] const StoreUsage& usage() const noexcept { return usage_; }

    /// Counts a new memory of which `taken` bytes count, or a new table; the error says why it may not be.
    [[nodiscard]] std::expected<void, Error> add_memory(const MemoryType& type, uint64_t taken) noexcept;
    [[nodiscard]] std::expected<void, Error> add_table(const TableType& type) noexcept;
    void remove_memory(uint64_t taken) noexcept {
        return_memory(taken);
        --usage_.memories;
    }
    void remove_table(uint64_t size) noexcept {
        return_elements(size);
        --usage_.tables;
    }

    /// Counts the growth of a memory from `from` to `to` bytes, or of a table; false when the limits or the
    /// policy forbid it.
    [[nodiscard]] bool take_memory(const MemoryType& type, uint64_t from, uint64_t to) noexcept;
    [[nodiscard]] bool take_elements(const TableType& type, uint64_t from, uint64_t to) noexcept;
    void return_memory(uint64_t bytes) noexcept { usage_.memory_bytes -= bytes; }
    void return_elements(uint64_t count) noexcept { usage_.table_elements -= count; }
    /// Whether the policy lets a memory grow.
    [[nodiscard]] bool allows(const MemoryType& type, uint64_t from, uint64_t to) noexcept {
        return limits_.growth == nullptr || limits_.growth->allow_memory(*store_, type, from, to);
    }

    [[nodiscard]] std::expected<void, Error> check_instances() const noexcept;
    void add_instance() noexcept { ++usage_.instances; }

private:
    [[nodiscard]] bool has_memory(uint64_t more) const noexcept {
        return more <= limits_.memory_bytes - usage_.memory_bytes;
    }
    [[nodiscard]] bool has_elements(uint64_t more) const noexcept {
        return more <= limits_.table_elements - usage_.table_elements;
    }

    Store* const& store_;
    StoreLimits limits_;
    StoreUsage usage_;
};

} // namespace warpbeam::vm
