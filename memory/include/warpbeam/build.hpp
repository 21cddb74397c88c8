#pragma once

/// What is in the library. Each of these macros may be set to 0 (`WARPBEAM_SMALL` to 1) when the library is
/// compiled, for a build that takes less room: by the CMake option of the same name, or with -D for the one
/// file that `./dev amalgamate` makes. All files of a program must see the same values. docs/small.md has
/// what each saves.

/// 1: instructions come in few variants, and are hardly fused or joined. Everything still runs, but slower.
#ifndef WARPBEAM_SMALL
#define WARPBEAM_SMALL 0
#endif

/// @{ 1: this is in the library. A module that needs what is not is refused, and the error names the macro.
#ifndef WARPBEAM_SIMD
#define WARPBEAM_SIMD 1 ///< vectors of 128 bits, also the relaxed operators
#endif
#ifndef WARPBEAM_GC
#define WARPBEAM_GC 1 ///< structures, arrays and casts, also custom descriptors
#endif
#ifndef WARPBEAM_EXCEPTIONS
#define WARPBEAM_EXCEPTIONS 1 ///< exceptions, also the legacy ones
#endif
#ifndef WARPBEAM_THREADS
#define WARPBEAM_THREADS 1 ///< shared memories and atomic instructions
#endif
#ifndef WARPBEAM_MEMORY64
#define WARPBEAM_MEMORY64 1 ///< memories and tables with 64-bit addresses
#endif
#ifndef WARPBEAM_MULTI_MEMORY
#define WARPBEAM_MULTI_MEMORY 1 ///< more than one memory
#endif
#ifndef WARPBEAM_STACK_SWITCHING
#define WARPBEAM_STACK_SWITCHING 1 ///< continuations
#endif
#ifndef WARPBEAM_REPLAY
#define WARPBEAM_REPLAY 1 ///< what recordings need: Config::deterministic and Config::observer
#endif
#ifndef WARPBEAM_SNAPSHOTS
#define WARPBEAM_SNAPSHOTS 1 ///< saving, restoring and forking stores
#endif
#ifndef WARPBEAM_TEXT
#define WARPBEAM_TEXT 1 ///< the text format, a part of its own; here only for what errors say
#endif
#ifndef WARPBEAM_WASI
#define WARPBEAM_WASI 1 ///< WASI, likewise
#endif
#ifndef WARPBEAM_NAMES
#define WARPBEAM_NAMES 1 ///< names of instructions and functions in errors
#endif
/// @}

/// 0: the host uses the library in one thread only (and signal or interrupt handlers, as the functions say),
/// so there are no locks. For platforms without threads.
#ifndef WARPBEAM_HOST_THREADS
#define WARPBEAM_HOST_THREADS 1
#endif
#if WARPBEAM_THREADS && !WARPBEAM_HOST_THREADS
#error "WARPBEAM_HOST_THREADS=0 needs WARPBEAM_THREADS=0"
#endif

namespace warpbeam {

/// WARPBEAM_SMALL as a value.
inline constexpr bool is_small = WARPBEAM_SMALL != 0;

} // namespace warpbeam
