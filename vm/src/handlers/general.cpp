#include "handlers/array.hpp"
#include "handlers/bulk_memory.hpp"
#include "handlers/descriptor.hpp"
#include "handlers/generate.hpp"
#include "handlers/make_continuation.hpp"
#include "handlers/table.hpp"
#include "handlers/wait.hpp"
#include "handlers/wide.hpp"

/// The handlers of instructions that come in one variant.
/// Their bodies are in the headers, which name the sections of
/// https://webassembly.github.io/spec/core/exec/instructions.html

namespace warpbeam::vm {

namespace {

template <Op>
struct GeneralBodyOf;
#define WARPBEAM_OP(op, family, coverage, mirror, negation, ...)                                             \
    WARPBEAM_SEMANTICS(GeneralBodyOf, op, __VA_ARGS__)
#include "semantics/op_rows_general.inc"
#undef WARPBEAM_OP
template <Op op, Variant>
using GeneralBody = typename GeneralBodyOf<op>::type;

constexpr HandlerGroup general_group_list[] = {
    group<Form::general0, Family::general0, GeneralBody>(),
    group<Form::general1, Family::general1, GeneralBody>(),
    group<Form::general2, Family::general2, GeneralBody>(),
    group<Form::wide_sum, Family::wide_sum, GeneralBody>(),
    group<Form::wide_product, Family::wide_product, GeneralBody>()};

} // namespace

constinit const HandlerGroups general_groups{general_group_list};

} // namespace warpbeam::vm
