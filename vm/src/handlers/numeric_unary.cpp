#include "handlers/numeric.hpp"

/// Operators on one number, and conversions,
/// https://webassembly.github.io/spec/core/exec/numerics.html#conversions

namespace warpbeam::vm {

namespace {

template <Op op, Variant v>
using Body = Unary<OperandOf<op, 0>, Numeric<op>, v>;
constexpr HandlerGroup groups[] = {group<Form::unary, Family::unary, Body>()};

} // namespace

constinit const HandlerGroups unary_groups{groups};

} // namespace warpbeam::vm
