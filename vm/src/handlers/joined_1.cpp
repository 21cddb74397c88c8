#include "handlers/joined_part.hpp"

namespace warpbeam::vm {

constinit const std::span<const Handler> joined_1{joined_of_part<1>};

} // namespace warpbeam::vm
