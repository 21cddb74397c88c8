#include "handlers/numeric.hpp"
#include "handlers/simd_operators.hpp"

/// Operators on two vectors of floats,
/// https://webassembly.github.io/spec/core/exec/numerics.html#vector-operations

namespace warpbeam::vm::WARPBEAM_ISA {

#if WARPBEAM_SIMD

namespace {

template <Op op, Variant v>
using FloatBinaryBody = Binary<Vector, Lanewise<op>, v>;
constexpr HandlerGroup float_binary_group_list[] = {
    group<Form::binary, Family::vector_float_binary, FloatBinaryBody>()};

} // namespace

constinit const HandlerGroups float_binary_groups{float_binary_group_list};

#endif

} // namespace warpbeam::vm::WARPBEAM_ISA
