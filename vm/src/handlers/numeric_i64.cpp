#include "handlers/numeric.hpp"

namespace warpbeam::vm {

namespace {
constexpr HandlerGroup groups[] = {group<Form::binary, Family::i64_binary, BinaryBody>()};
}
constinit const HandlerGroups i64_groups{groups};

} // namespace warpbeam::vm
