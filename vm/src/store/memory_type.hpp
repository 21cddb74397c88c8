#pragma once

#include "isa/variants.hpp"

#include <warpbeam/loader/error.hpp>
#include <warpbeam/loader/types.hpp>

#include <cstdint>
#include <expected>

/// Properties of memory and table types.

namespace warpbeam::vm {

/// The maximum number of pages of a memory of this type, and of elements of a table.
[[nodiscard]] uint64_t max_pages(const MemoryType& type) noexcept;
[[nodiscard]] uint64_t max_elements(const TableType& type) noexcept;
/// The size of `pages` pages in bytes; UINT64_MAX on overflow.
[[nodiscard]] inline uint64_t bytes_of(uint64_t pages, const MemoryType& type) noexcept {
    return pages <= UINT64_MAX >> type.page_size_log2 ? pages << type.page_size_log2 : UINT64_MAX;
}
/// Whether guard pages can protect memories of this type. Where they can't, the address space isn't reserved
/// for them.
[[nodiscard]] inline bool is_guardable(const MemoryType& type) noexcept {
    return WARPBEAM_GUARD_PAGES != 0 && !type.limits.is_64 && type.page_size_log2 == 16;
}
/// Checks that the type is valid, or else the error is `usage`, and that this build has it (`unsupported`).
[[nodiscard]] std::expected<void, Error> check(const MemoryType& type, Allocator& allocator) noexcept;

} // namespace warpbeam::vm
