#include "handlers/numeric.hpp"

/// Operators on two floats,
/// https://webassembly.github.io/spec/core/exec/numerics.html#floating-point-operations

namespace warpbeam::vm {

namespace {
constexpr HandlerGroup groups[] = {group<Form::binary, Family::float_binary, BinaryBody>()};
}
constinit const HandlerGroups float_groups{groups};

} // namespace warpbeam::vm
