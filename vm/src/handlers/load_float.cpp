#include "handlers/load.hpp"

namespace warpbeam::vm {

constinit const HandlerGroups float_load_groups{load_groups<Family::float_load>};

} // namespace warpbeam::vm
