#include "handlers/numeric.hpp"
#include "handlers/simd_operators.hpp"

/// Operators on two vectors of floats,
/// https://webassembly.github.io/spec/core/exec/numerics.html#vector-operations

namespace warpbeam::vm::WARPBEAM_ISA {

namespace {

template <Op op, Variant v>
using Body = Binary<Vector, Lanewise<op>, v>;
constexpr HandlerGroup groups[] = {group<Form::binary, Family::vector_float_binary, Body>()};

} // namespace

constinit const HandlerGroups float_binary_groups{groups};

} // namespace warpbeam::vm::WARPBEAM_ISA
