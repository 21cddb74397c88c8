#include "handlers/array.hpp"
#include "handlers/bulk_memory.hpp"
#include "handlers/descriptor.hpp"
#include "handlers/generate.hpp"
#include "handlers/table.hpp"
#include "handlers/wait.hpp"

/// The handlers of instructions that come in one variant.

namespace warpbeam::vm {

namespace {

template <Op>
struct Maker;
#define WARPBEAM_OP(op, family, coverage, mirror, negation, ...)                                             \
    template <>                                                                                              \
    struct Maker<Op::op> {                                                                                   \
        template <Variant>                                                                                   \
        using Body = __VA_ARGS__;                                                                            \
    };
#include "semantics/op_rows_general.inc"
#undef WARPBEAM_OP

constexpr HandlerGroup groups[] = {group<Form::general0, Family::general0, Maker>(),
                                   group<Form::general1, Family::general1, Maker>(),
                                   group<Form::general2, Family::general2, Maker>()};

} // namespace

constinit const HandlerGroups general_groups{groups};

} // namespace warpbeam::vm
