#pragma once

#include <warpbeam/loader/error.hpp>
#include <warpbeam/loader/types.hpp>

#include <cstdint>
#include <expected>

/// What follows from the types of memories and tables.

namespace warpbeam::vm {

/// The most pages that a memory of this type can ever have, and the most elements of a table.
[[nodiscard]] uint64_t max_pages(const MemoryType& type) noexcept;
[[nodiscard]] uint64_t max_elements(const TableType& type) noexcept;
/// The bytes of so many pages; UINT64_MAX when they have no number.
[[nodiscard]] inline uint64_t bytes_of(uint64_t pages, const MemoryType& type) noexcept {
    return pages <= UINT64_MAX >> type.page_size_log2 ? pages << type.page_size_log2 : UINT64_MAX;
}
/// Whether guard-page mode guards memories of this type.
[[nodiscard]] inline bool is_guardable(const MemoryType& type) noexcept {
    return !type.limits.is_64 && type.page_size_log2 == 16;
}
/// Whether a module could declare a memory of this type; `usage` if not.
[[nodiscard]] std::expected<void, Error> check(const MemoryType& type) noexcept;

} // namespace warpbeam::vm
