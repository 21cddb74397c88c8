#include "handlers/load.hpp"

/// Loads of v128, https://webassembly.github.io/spec/core/exec/instructions.html#memory-instructions

namespace warpbeam::vm {

constinit const HandlerGroups vector_load_groups{load_groups<Family::vector_load>};

} // namespace warpbeam::vm
