#include "handlers/joined_part.hpp"

namespace warpbeam::vm {

constinit const std::span<const Handler> joined_3{joined_of_part<3>};

} // namespace warpbeam::vm
