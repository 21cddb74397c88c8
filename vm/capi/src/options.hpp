#pragma once

#include "error.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <expected>
#include <span>

/// Structs that begin with their size, and may be those of an older or newer version of the library.

namespace warpbeam::capi {

/// Copies what both versions have of a struct with the defaults `to`; whatever a newer version has beyond
/// that must be zero. Errors: `usage`.
template <typename T>
[[nodiscard]] std::expected<void, Error> read_options(T& to, const T* from) noexcept {
    if (from == nullptr || from->size < sizeof(size_t))
        return std::unexpected{Error{ErrorCode::usage, "the options are null, or have no size"}};
    const auto* const bytes = reinterpret_cast<const unsigned char*>(from);
    if (from->size > sizeof(T))
        for (const unsigned char byte : std::span{bytes + sizeof(T), from->size - sizeof(T)})
            if (byte != 0)
                return std::unexpected{Error{ErrorCode::usage,
                                             "the options have %zu bytes, of which this version of the "
                                             "library knows the first %zu",
                                             from->size, sizeof(T)}};
    std::memcpy(static_cast<void*>(&to), from, std::min(from->size, sizeof(T)));
    to.size = sizeof(T);
    return {};
}

/// Writes as much of the struct as the caller's version has; the rest of it becomes zeros.
template <typename T>
void write_options(T* out, size_t size, T from) noexcept {
    from.size = size;
    std::memset(static_cast<void*>(out), 0, size);
    std::memcpy(static_cast<void*>(out), &from, std::min(size, sizeof(T)));
}

} // namespace warpbeam::capi
