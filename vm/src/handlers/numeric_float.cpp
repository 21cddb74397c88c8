#include "handlers/numeric.hpp"

namespace warpbeam::vm {

namespace {
constexpr HandlerGroup groups[] = {group<Form::binary, Family::float_binary, BinaryMaker>()};
}
constinit const HandlerGroups float_groups{groups};

} // namespace warpbeam::vm
