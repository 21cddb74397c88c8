#include "handlers/numeric.hpp"

namespace warpbeam::vm {

namespace {
constexpr HandlerGroup groups[] = {group<Form::binary, Family::i32_binary, BinaryMaker>()};
}
constinit const HandlerGroups i32_groups{groups};

} // namespace warpbeam::vm
