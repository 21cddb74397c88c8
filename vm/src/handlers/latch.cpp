#include "handlers/branch.hpp"

/// The ends of counting loops.
/// https://webassembly.github.io/spec/core/exec/instructions.html#control-instructions

namespace warpbeam::vm {

namespace {

constexpr HandlerGroup latch_group_list[] = {group<Form::latch, Family::i32_binary, LatchBody>(),
                                             group<Form::latch, Family::i64_binary, LatchBody>()};

} // namespace

constinit const HandlerGroups latch_groups{latch_group_list};

} // namespace warpbeam::vm
