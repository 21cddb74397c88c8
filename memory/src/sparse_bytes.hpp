#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

/// Bytes that are mostly zeros: pages that were never written take no memory, and reading them leaves it so.

namespace warpbeam {

inline constexpr size_t sparse_page = 4096;

/// Whether all `count` bytes are zero.
[[nodiscard]] inline bool is_zero(const uint8_t* bytes, size_t count) noexcept {
    return count == 0 || (bytes[0] == 0 && std::memcmp(bytes, bytes + 1, count - 1) == 0);
}

/// Copies `count` bytes over zeros.
inline void copy_sparse(uint8_t* to, const uint8_t* from, size_t count) noexcept {
    for (size_t at = 0; at < count; at += sparse_page)
        if (const size_t length = std::min(sparse_page, count - at); !is_zero(from + at, length))
            std::memcpy(to + at, from + at, length);
}

/// Makes `count` bytes zeros.
inline void clear_sparse(uint8_t* bytes, size_t count) noexcept {
    for (size_t at = 0; at < count; at += sparse_page)
        if (const size_t length = std::min(sparse_page, count - at); !is_zero(bytes + at, length))
            std::memset(bytes + at, 0, length);
}

} // namespace warpbeam
