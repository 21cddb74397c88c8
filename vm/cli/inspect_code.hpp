#pragma once

#include "command.hpp"

#include <warpbeam/vm/engine.hpp>

#include <optional>

namespace warpbeam::cli {

/// `inspect --code`: prints the threaded code of functions beside the instructions that it was made from.
/// An engine of that configuration makes it. `func` is the name or index of one; none: all that the module
/// defines. Returns the exit status, which tells of findings.
int inspect_code(std::span<const uint8_t> bytes, const Config& config, std::optional<std::string_view> func);

} // namespace warpbeam::cli
