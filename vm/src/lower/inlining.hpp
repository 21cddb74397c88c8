#pragma once

#include <warpbeam/build.hpp>

#if WARPBEAM_SMALL
/// What the lowering does for nearly every instruction is inline, except in small builds.
#define WARPBEAM_LOWER_INLINE
#else
#define WARPBEAM_LOWER_INLINE [[gnu::always_inline]]
#endif
