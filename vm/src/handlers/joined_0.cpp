#include "handlers/joined_part.hpp"

namespace warpbeam::vm {

constinit const std::span<const Handler> joined_0{joined_of_part<0>};

} // namespace warpbeam::vm
