#pragma once

#include <warpbeam/memory/export.hpp>

#include <cstddef>

/// @file
/// Memory that is about to be freed. Thread-safety: as for the memory.

namespace warpbeam {

/// Gives the pages that lie wholly within these bytes back to the system, if they are private memory: what
/// they contain is lost. Freeing a large block takes the system long, and may be done in parts like that.
/// Does nothing where the system has no such call.
WARPBEAM_API void discard_pages(void* begin, size_t bytes) noexcept;

} // namespace warpbeam
