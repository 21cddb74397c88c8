#include "handlers/load.hpp"

namespace warpbeam::vm {

constinit const HandlerGroups i32_load_groups{load_groups<Family::i32_load>};

} // namespace warpbeam::vm
