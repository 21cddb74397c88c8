#pragma once

#include "store.hpp"

#include <warpbeam/vm/linker.hpp>

struct warpbeam_linker_t {
    warpbeam::Linker linker;
};
