#include "handlers/store.hpp"

/// Stores, https://webassembly.github.io/spec/core/exec/instructions.html#memory-instructions

namespace warpbeam::vm {

namespace {

constexpr HandlerGroup store_group_list[] = {
    group<Form::store, Family::store, StoreBody>(), group<Form::store_at, Family::store, StoreAtBody>(),
    group<Form::store_sum, Family::store, StoreSumBody>(),
    group<Form::store_displaced, Family::store, StoreDisplacedBody>()};

} // namespace

constinit const HandlerGroups store_groups{store_group_list};

} // namespace warpbeam::vm
