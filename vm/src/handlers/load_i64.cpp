#include "handlers/load.hpp"

namespace warpbeam::vm {

constinit const HandlerGroups i64_load_groups{load_groups<Family::i64_load>};

} // namespace warpbeam::vm
