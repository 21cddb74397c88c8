#pragma once

#include <warpbeam/loader/module.hpp>

#include <string_view>

namespace warpbeam::cli {

/// The function that the module defines with this index or name: that of the name section, where a `$` may
/// come first, or that of an export. Throws Failure.
[[nodiscard]] uint32_t find_func(const Module& module, std::string_view func);

} // namespace warpbeam::cli
