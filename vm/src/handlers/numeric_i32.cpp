#include "handlers/numeric.hpp"

/// Operators on two i32, https://webassembly.github.io/spec/core/exec/numerics.html#integer-operations

namespace warpbeam::vm {

namespace {

constexpr HandlerGroup i32_group_list[] = {group<Form::binary, Family::i32_binary, BinaryBody>(),
                                           group<Form::add_shl, AddShl>()};

} // namespace

constinit const HandlerGroups i32_groups{i32_group_list};

} // namespace warpbeam::vm
