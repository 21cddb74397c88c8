#pragma once

#include <warpbeam/vm/linker.hpp>

#include <expected>

namespace warpbeam::spectest {

/// Defines the module `spectest` that scripts import. Its functions print nothing.
/// https://github.com/WebAssembly/spec/tree/main/interpreter#spectest-host-module
std::expected<void, Error> define_host_module(Linker& linker, Store& store);

} // namespace warpbeam::spectest
