#include "handlers/numeric.hpp"
#include "handlers/simd_operators.hpp"

/// Operators on one vector, https://webassembly.github.io/spec/core/exec/numerics.html#vector-operations

namespace warpbeam::vm::WARPBEAM_ISA {

namespace {

template <Op op, Variant v>
using Body = Unary<OperandOf<op, 0>, Lanewise<op>, v>;
constexpr HandlerGroup groups[] = {group<Form::unary, Family::vector_unary, Body>()};

} // namespace

constinit const HandlerGroups unary_groups{groups};

} // namespace warpbeam::vm::WARPBEAM_ISA
