#include "handlers/load.hpp"

/// Loads of f32 and f64, https://webassembly.github.io/spec/core/exec/instructions.html#memory-instructions

namespace warpbeam::vm {

constinit const HandlerGroups float_load_groups{load_groups<Family::float_load>};

} // namespace warpbeam::vm
