#pragma once

#include "store.hpp"

#include <warpbeam/vm/execution.hpp>

/// It has a part in its store, as references have.
struct warpbeam_execution_t {
    warpbeam::Ref<wasm_store_t> store;
    warpbeam::Execution execution;
};
