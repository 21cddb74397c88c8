#pragma once

#include <warpbeam/memory/export.hpp>

/// @file
/// The version, by the rules of https://semver.org. Before 1.0 minor versions are not compatible.

/// @def WARPBEAM_VERSION_MAJOR
/// Changes when what was written for the version before may not compile or work.
/// @def WARPBEAM_VERSION_MINOR
/// Changes when something is added.
/// @def WARPBEAM_VERSION_PATCH
/// Changes when something is only corrected.
#define WARPBEAM_VERSION_MAJOR 0
#define WARPBEAM_VERSION_MINOR 1
#define WARPBEAM_VERSION_PATCH 0

namespace warpbeam {

/// Whether the library was built with WARPBEAM_CHECKS, and finds uses of stores that have ended, of the wrong
/// store, or by two threads at once.
[[nodiscard]] WARPBEAM_API bool has_checks() noexcept;

} // namespace warpbeam
