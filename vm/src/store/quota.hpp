#pragma once

#include <warpbeam/vm/store.hpp>

#include <expected>

namespace warpbeam::vm {

/// The limits, the usage and the growth policy of a store.
class Quota {
public:
    /// The growth policy is passed the store that `store` points to at that time.
    Quota(Store* const& store, const StoreLimits& limits) noexcept : store_{store}, limits_{limits} {}

    /// Excludes the heap's bytes, which the heap counts itself.
    [[nodiscard]] const StoreUsage& usage() const noexcept { return usage_; }

    /// Counts a new memory with `taken` bytes, or a new table. The error says why it is not allowed.
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

    /// Counts the growth of a memory from `from` to `to` bytes, or of a table; false if the limits or the
    /// policy do not allow it.
    [[nodiscard]] bool take_memory(const MemoryType& type, uint64_t from, uint64_t to) noexcept;
    [[nodiscard]] bool take_elements(const TableType& type, uint64_t from, uint64_t to) noexcept;
    void return_memory(uint64_t bytes) noexcept { usage_.memory_bytes -= bytes; }
    void return_elements(uint64_t count) noexcept { usage_.table_elements -= count; }
    /// Whether the policy allows a memory to grow.
    [[nodiscard]] bool allows(const MemoryType& type, uint64_t from, uint64_t to) noexcept {
        return limits_.growth == nullptr || limits_.growth->allow_memory(*store_, type, from, to);
    }

    [[nodiscard]] bool has_executions() const noexcept { return usage_.executions < limits_.executions; }
    [[nodiscard]] std::expected<void, Error> check_executions() const noexcept;
    void add_execution() noexcept { ++usage_.executions; }
    void remove_execution(uint64_t bytes) noexcept {
        usage_.execution_bytes -= bytes;
        --usage_.executions;
    }
    /// Counts bytes of the stack of an execution; false if the limit does not allow them.
    [[nodiscard]] bool take_execution_bytes(uint64_t more) noexcept {
        if (!has_execution_bytes(more))
            return false;
        usage_.execution_bytes += more;
        return true;
    }
    void return_execution_bytes(uint64_t bytes) noexcept { usage_.execution_bytes -= bytes; }
    [[nodiscard]] bool has_execution_bytes(uint64_t more) const noexcept {
        return more <= execution_bytes_left();
    }
    [[nodiscard]] uint64_t execution_bytes_left() const noexcept {
        return limits_.execution_bytes - usage_.execution_bytes;
    }
    [[nodiscard]] uint64_t max_execution_bytes() const noexcept { return limits_.execution_bytes; }

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
