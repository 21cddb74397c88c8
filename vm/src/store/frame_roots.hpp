#pragma once

#include "handlers/instance_data.hpp"

namespace warpbeam::vm {

/// Shows the collector the references in the frames of an execution: exactly those that WebAssembly code can
/// still use.
void mark_frames(const Execution& execution, Heap& heap) noexcept;

} // namespace warpbeam::vm
