#pragma once

#include <warpbeam/loader/module.hpp>

namespace warpbeam::cli {

/// Prints a function that the module defines, in the text format with indices. Throws Failure if its text
/// would be too long.
void print_func(const Module& module, uint32_t func);

} // namespace warpbeam::cli
