#include "handlers/move.hpp"

/// Moves, https://webassembly.github.io/spec/core/exec/instructions.html#variable-instructions

namespace warpbeam::vm {

namespace {

constexpr HandlerGroup move_group_list[] = {group<Form::move, Move>(),
                                            group<Form::select, Select>(),
                                            group<Form::copy, Copy>(),
                                            group<Form::copy_pair, CopyPair>(),
                                            group<Form::copy_constant, CopyConstant>(),
                                            group<Form::copy_wide_constant, CopyWideConstant>(),
                                            group<Form::copy_vector, CopyVector>(),
                                            group<Form::copy_vector_constant, CopyVectorConstant>(),
                                            group<Form::copy_range, CopyRange>(),
                                            group<Form::copy_register, CopyRegister>(),
                                            group<Form::set_pins, SetPins>(),
                                            group<Form::global_get, GlobalGet>(),
                                            group<Form::global_set, GlobalSet>()};

} // namespace

constinit const HandlerGroups move_groups{move_group_list};

} // namespace warpbeam::vm
