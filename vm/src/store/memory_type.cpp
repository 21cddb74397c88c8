#include "store/memory_type.hpp"

#include <warpbeam/loader/built_features.hpp>

#include <algorithm>

namespace warpbeam::vm {

uint64_t max_pages(const MemoryType& type) noexcept {
    const uint64_t max = type.addressable_pages();
    return type.limits.has_max ? std::min(type.limits.max, max) : max;
}

uint64_t max_elements(const TableType& type) noexcept {
    const uint64_t max = type.limits.max_address();
    return type.limits.has_max ? std::min(type.limits.max, max) : max;
}

std::expected<void, Error> check(const MemoryType& type, Allocator& allocator) noexcept {
    if (type.page_size_log2 != 16 && type.page_size_log2 != 0)
        return std::unexpected{Error{allocator, ErrorCode::usage, "invalid page size: use 65536 or 1"}};
    if (type.limits.has_max && type.limits.max < type.limits.min)
        return std::unexpected{
            Error{allocator, ErrorCode::usage, "the memory's minimum is greater than its maximum"}};
    if (type.shared && !type.limits.has_max)
        return std::unexpected{Error{allocator, ErrorCode::usage, "a shared memory needs a maximum"}};
    if (type.shared && !is_built(Feature::threads))
        return std::unexpected{Error{allocator, ErrorCode::unsupported,
                                     "a shared memory needs the feature threads: this build is "
                                     "without it (WARPBEAM_THREADS=0)"}};
    return {};
}

} // namespace warpbeam::vm
