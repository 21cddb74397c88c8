#pragma once

#include "handlers/instance_data.hpp"

namespace warpbeam::vm {

/// Shows the collector the references in the frames of an execution: exactly those that WebAssembly code can
/// still use.
void mark_frames(const Execution& execution, Heap& heap) noexcept;
/// The same for a suspended continuation, and those that wait for it. `last` is the code of the last frame,
/// which the next continuation often has, too; null at first.
void mark_frames(const Continuation& inner, const TypeRegistry& types, Heap& heap,
                 const Code*& last) noexcept;

} // namespace warpbeam::vm
