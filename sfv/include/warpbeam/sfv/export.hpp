#pragma once

/// Marks what the shared library exports: classes with non-inline functions, and free functions. Everything
/// else is hidden.
#ifdef WARPBEAM_SFV_SHARED
#define WARPBEAM_SFV_API __attribute__((visibility("default")))
#else
#define WARPBEAM_SFV_API
#endif
