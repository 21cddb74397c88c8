#include "store/memory_type.hpp"

#include <algorithm>

namespace warpbeam::vm {

uint64_t max_pages(const MemoryType& type) noexcept {
    const unsigned address_bits = type.limits.is_64 ? 64 : 32;
    // With pages of one byte the size itself must be an address type's number.
    const uint64_t most = type.page_size_log2 == 0 ? UINT64_MAX >> (64 - address_bits)
                                                   : uint64_t{1} << (address_bits - type.page_size_log2);
    return type.limits.has_max ? std::min(type.limits.max, most) : most;
}

uint64_t max_elements(const TableType& type) noexcept {
    const uint64_t most = type.limits.is_64 ? UINT64_MAX : UINT32_MAX;
    return type.limits.has_max ? std::min(type.limits.max, most) : most;
}

std::expected<void, Error> check(const MemoryType& type) noexcept {
    if (type.page_size_log2 != 16 && type.page_size_log2 != 0)
        return std::unexpected{Error{ErrorCode::usage, "a memory's pages have 65536 bytes or 1"}};
    if (type.limits.has_max && type.limits.max < type.limits.min)
        return std::unexpected{Error{ErrorCode::usage, "a memory's minimum is above its maximum"}};
    if (type.shared && !type.limits.has_max)
        return std::unexpected{Error{ErrorCode::usage, "a shared memory has a maximum"}};
    return {};
}

} // namespace warpbeam::vm
