#pragma once

#include "options.hpp"

#include <warpbeam/wasi/wasi.hpp>

#include <string>
#include <vector>

/// Directories that a program is given with `--dir`.

namespace warpbeam::cli {

struct MappedDirectory {
    std::string host;  ///< where it is
    std::string guest; ///< the name under which the program finds it
    wasi::Access access = wasi::Access::read_write;
    bool is_scratch = false; ///< changes are kept in memory
};

/// Adds `--dir`, which may be repeated.
void add_directory_option(Options& options, std::vector<MappedDirectory>& directories);
/// Opens them for a program. Throws Failure.
void open_directories(wasi::Context& context, const std::vector<MappedDirectory>& directories);

} // namespace warpbeam::cli
