#pragma once

#include <warpbeam/loader/error.hpp>

#include <warpbeam.h>

namespace warpbeam::capi {

/// An error for C, never null: if memory runs out, it is one that lasts for ever.
[[nodiscard]] warpbeam_error_t* make_error(const Error& error) noexcept;
/// That something is null, of another store, or of one that was deleted.
[[nodiscard]] warpbeam_error_t* misuse(const char* what) noexcept;
/// Null if there is none.
template <typename Result>
[[nodiscard]] warpbeam_error_t* error_of(const Result& result) noexcept {
    return result ? nullptr : make_error(result.error());
}

} // namespace warpbeam::capi
