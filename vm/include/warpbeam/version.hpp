#pragma once

#include <warpbeam/memory/export.hpp>

/// @file
/// The version of the library, by the rules of https://semver.org. Before 1.0, minor versions are not
/// compatible with each other. Everything here may be used in any thread.

/// @def WARPBEAM_VERSION_MAJOR
/// Increases when code written for the previous version may no longer compile or work.
/// @def WARPBEAM_VERSION_MINOR
/// Increases when something is added.
/// @def WARPBEAM_VERSION_PATCH
/// Increases when something is only corrected.
#define WARPBEAM_VERSION_MAJOR 0
#define WARPBEAM_VERSION_MINOR 1
#define WARPBEAM_VERSION_PATCH 0

namespace warpbeam {

/// Whether the library was built with WARPBEAM_CHECKS. It then detects use of a destroyed store, use of the
/// wrong store, and use of one store by two threads at once.
[[nodiscard]] WARPBEAM_API bool has_checks() noexcept;

} // namespace warpbeam
