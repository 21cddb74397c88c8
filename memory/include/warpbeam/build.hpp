#pragma once

/// What is in the library. Each of these macros may be set to 0 (`WARPBEAM_SMALL` to 1) when the library is
/// compiled, for a build that takes less room: by the CMake option of the same name, or with -D for the one file
/// that `./dev amalgamate` makes. All files of a program must see the same values. docs/small.md has what each
/// saves.

/// 1: instructions come in few variants, and are hardly fused or joined. Everything still runs, but slower.
#ifndef WARPBEAM_SMALL
#define WARPBEAM_SMALL 0
#endif

namespace warpbeam {

/// WARPBEAM_SMALL as a value.
inline constexpr bool is_small = WARPBEAM_SMALL != 0;

} // namespace warpbeam
