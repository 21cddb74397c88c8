#pragma once

#include "command.hpp"

#include <warpbeam/vm/engine.hpp>

#include <optional>

namespace warpbeam::cli {

/// `inspect --code`: prints the threaded code of functions next to the instructions it was made from. The
/// code is made by an engine with this configuration. `func` is the name or index of one function; none means
/// all that the module defines. Returns the exit status, which reports findings.
int inspect_code(std::span<const uint8_t> bytes, const Config& config, std::optional<std::string_view> func);

} // namespace warpbeam::cli
