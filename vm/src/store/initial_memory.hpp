#pragma once

#include "store/objects.hpp"

#include <warpbeam/memory/memory_image.hpp>
#include <warpbeam/memory/vec.hpp>

#include <expected>

namespace warpbeam::vm {

/// Makes `pieces` what the instance's module puts into its memory with the index `memory`: active data
/// segments, in their order, up to the first that does not fit. All else is zeros at first. The bytes are the
/// module's. With this, `find_changed` and PageMark (warpbeam/memory/changed_pages.hpp) tell what a snapshot
/// must contain.
///
/// For an imported memory it is only what this instance puts there, so more pages differ. The error is
/// `out_of_memory`.
[[nodiscard]] std::expected<void, Error> list_initial_memory(const InstanceObject& instance, uint32_t memory,
                                                             Vec<MemoryImage::Piece>& pieces) noexcept;

} // namespace warpbeam::vm
