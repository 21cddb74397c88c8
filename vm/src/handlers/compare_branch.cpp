#include "handlers/branch.hpp"

/// Branches with comparisons.
/// https://webassembly.github.io/spec/core/exec/instructions.html#control-instructions

namespace warpbeam::vm {

namespace {

constexpr HandlerGroup branch_group_list[] = {
    group<Form::compare_branch, Family::i32_binary, CompareBranchBody>(),
    group<Form::compare_branch, Family::i64_binary, CompareBranchBody>(),
    group<Form::compare_branch, Family::float_binary, CompareBranchBody>()};

} // namespace

constinit const HandlerGroups branch_groups{branch_group_list};

} // namespace warpbeam::vm
