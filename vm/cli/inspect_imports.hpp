#pragma once

#include <warpbeam/loader/module.hpp>

#include <string>
#include <string_view>

namespace warpbeam::cli {

/// A C++ program that defines everything the module in the file `path` imports, instantiates it, and calls
/// its function _start if there is one. The functions trap until someone writes them.
[[nodiscard]] std::string host_program(const Module& module, std::string_view path);

} // namespace warpbeam::cli
