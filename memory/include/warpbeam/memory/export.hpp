#pragma once

/// Marks what a shared library of Warpbeam exports: classes with functions that are not inline, and free
/// functions. Everything else is hidden (docs/decisions/0011). In static libraries nothing is exported, so
/// that a plug-in which contains one does not export it either.
#ifdef WARPBEAM_SHARED
#define WARPBEAM_API __attribute__((visibility("default")))
#else
#define WARPBEAM_API
#endif
