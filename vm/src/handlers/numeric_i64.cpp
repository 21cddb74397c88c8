#include "handlers/numeric.hpp"

/// Operators on two i64, https://webassembly.github.io/spec/core/exec/numerics.html#integer-operations

namespace warpbeam::vm {

namespace {
constexpr HandlerGroup i64_group_list[] = {group<Form::binary, Family::i64_binary, BinaryBody>()};
}
constinit const HandlerGroups i64_groups{i64_group_list};

} // namespace warpbeam::vm
