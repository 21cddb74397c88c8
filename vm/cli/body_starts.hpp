#pragma once

#include <warpbeam/loader/module.hpp>

#include <cstdint>
#include <vector>

namespace warpbeam::cli {

/// The offsets in the module's bytes at which the bodies of its functions begin, with the declarations of
/// their locals: core dumps count from there. One for each of Module::bodies.
[[nodiscard]] std::vector<size_t> body_starts(const Module& module);

} // namespace warpbeam::cli
