#pragma once

#if __cplusplus < 202100L
#error "Warpbeam's headers need C++23: compile with -std=c++23"
#endif

/// Marks what a shared library of Warpbeam exports: classes with non-inline functions, and free functions.
/// Everything else is hidden (docs/decisions/0011). Static libraries export nothing, so a plug-in that
/// contains one does not export it either.
#ifdef WARPBEAM_SHARED
#define WARPBEAM_API __attribute__((visibility("default")))
#else
#define WARPBEAM_API
#endif
