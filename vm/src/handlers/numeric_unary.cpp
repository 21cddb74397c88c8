#include "handlers/numeric.hpp"

namespace warpbeam::vm {

namespace {

template <Op op>
struct Maker {
    template <Variant v>
    using Body = Unary<Operand<op, 0>, Numeric<op>, v>;
};
constexpr HandlerGroup groups[] = {group<Form::unary, Family::unary, Maker>()};

} // namespace

constinit const HandlerGroups unary_groups{groups};

} // namespace warpbeam::vm
