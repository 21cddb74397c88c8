#include "handlers/numeric.hpp"
#include "handlers/simd_operators.hpp"

/// Operators on one vector, https://webassembly.github.io/spec/core/exec/numerics.html#vector-operations

namespace warpbeam::vm::WARPBEAM_ISA {

#if WARPBEAM_SIMD

namespace {

template <Op op, Variant v>
using VectorUnaryBody = Unary<OperandOf<op, 0>, Lanewise<op>, v>;
constexpr HandlerGroup unary_group_list[] = {group<Form::unary, Family::vector_unary, VectorUnaryBody>()};

} // namespace

constinit const HandlerGroups unary_groups{unary_group_list};

#endif

} // namespace warpbeam::vm::WARPBEAM_ISA
