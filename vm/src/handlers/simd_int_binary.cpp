#include "handlers/numeric.hpp"
#include "handlers/simd_operators.hpp"

/// Operators on two vectors of integers,
/// https://webassembly.github.io/spec/core/exec/numerics.html#vector-operations

namespace warpbeam::vm::WARPBEAM_ISA {

#if WARPBEAM_SIMD

namespace {

template <Op op, Variant v>
using IntBinaryBody = Binary<Vector, Lanewise<op>, v>;
constexpr HandlerGroup int_binary_group_list[] = {
    group<Form::binary, Family::vector_int_binary, IntBinaryBody>()};

} // namespace

constinit const HandlerGroups int_binary_groups{int_binary_group_list};

#endif

} // namespace warpbeam::vm::WARPBEAM_ISA
