#include "handlers/numeric.hpp"

/// Operators on one number, and conversions,
/// https://webassembly.github.io/spec/core/exec/numerics.html#conversions

namespace warpbeam::vm {

namespace {

constexpr HandlerGroup unary_group_list[] = {group<Form::unary, Family::unary, UnaryBody>()};

} // namespace

constinit const HandlerGroups unary_groups{unary_group_list};

} // namespace warpbeam::vm
