#include "handlers/numeric.hpp"

namespace warpbeam::vm {

namespace {
constexpr HandlerGroup groups[] = {group<Form::binary, Family::float_binary, BinaryBody>()};
}
constinit const HandlerGroups float_groups{groups};

} // namespace warpbeam::vm
