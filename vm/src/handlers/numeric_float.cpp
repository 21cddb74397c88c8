#include "handlers/numeric.hpp"

/// Operators on two floats,
/// https://webassembly.github.io/spec/core/exec/numerics.html#floating-point-operations

namespace warpbeam::vm {

namespace {
constexpr HandlerGroup float_group_list[] = {group<Form::binary, Family::float_binary, BinaryBody>()};
}
constinit const HandlerGroups float_groups{float_group_list};

} // namespace warpbeam::vm
