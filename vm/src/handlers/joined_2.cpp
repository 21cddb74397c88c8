#include "handlers/joined_part.hpp"

namespace warpbeam::vm {

constinit const std::span<const Handler> joined_2{joined_of_part<2>};

} // namespace warpbeam::vm
