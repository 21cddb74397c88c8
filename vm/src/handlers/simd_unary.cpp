#include "handlers/numeric.hpp"
#include "handlers/simd_operators.hpp"

namespace warpbeam::vm::WARPBEAM_ISA {

namespace {

template <Op op>
struct Maker {
    template <Variant v>
    using Body = Unary<Operand<op, 0>, Lanewise<op>, v>;
};
constexpr HandlerGroup groups[] = {group<Form::unary, Family::vector_unary, Maker>()};

} // namespace

constinit const HandlerGroups unary_groups{groups};

} // namespace warpbeam::vm::WARPBEAM_ISA
