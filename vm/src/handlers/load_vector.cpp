#include "handlers/load.hpp"

namespace warpbeam::vm {

constinit const HandlerGroups vector_load_groups{load_groups<Family::vector_load>};

} // namespace warpbeam::vm
