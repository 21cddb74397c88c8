#include "handlers/load.hpp"

/// Loads of i32, https://webassembly.github.io/spec/core/exec/instructions.html#memory-instructions

namespace warpbeam::vm {

constinit const HandlerGroups i32_load_groups{load_groups<Family::i32_load>};

} // namespace warpbeam::vm
