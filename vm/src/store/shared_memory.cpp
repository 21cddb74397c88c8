#include "store/memory_type.hpp"

#include <warpbeam/vm/shared_memory.hpp>

#include <cinttypes>

namespace warpbeam {

std::expected<SharedMemory, Error> SharedMemory::create(const MemoryType& type,
                                                        Allocator* allocator) noexcept {
    if (auto checked = vm::check(type); !checked)
        return std::unexpected{checked.error()};
    if (!type.shared)
        return std::unexpected{Error{ErrorCode::usage, "the type is not that of a shared memory"}};
    Ref<SharedBytes> bytes = SharedBytes::create({.page_size_log2 = type.page_size_log2,
                                                  .initial_pages = type.limits.min,
                                                  .max_pages = vm::max_pages(type),
                                                  .guarded = vm::is_guardable(type),
                                                  .allocator = allocator});
    if (!bytes)
        return std::unexpected{Error{ErrorCode::out_of_memory,
                                     "no room for a shared memory of %" PRIu64 " to %" PRIu64 " pages",
                                     type.limits.min, type.limits.max}};
    return SharedMemory{std::move(bytes), type};
}

MemoryType SharedMemory::type() const noexcept {
    MemoryType type = type_;
    type.limits.min = bytes_->size() >> type.page_size_log2;
    return type;
}

std::expected<uint64_t, Error> SharedMemory::grow(uint64_t pages) const noexcept {
    const std::optional<uint64_t> old = bytes_->grow(pages);
    if (!old)
        return std::unexpected{Error{ErrorCode::limit,
                                     "a shared memory of %" PRIu64 " bytes can't grow by %" PRIu64 " pages",
                                     bytes_->size(), pages}};
    return *old;
}

} // namespace warpbeam
