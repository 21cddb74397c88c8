#include "handlers/load.hpp"

/// Loads of i64, https://webassembly.github.io/spec/core/exec/instructions.html#memory-instructions

namespace warpbeam::vm {

constinit const HandlerGroups i64_load_groups{load_groups<Family::i64_load>};

} // namespace warpbeam::vm
