#pragma once

/// @file
/// Everything that an embedder of the virtual machine needs. The text format and WASI are separate libraries
/// with their own headers: <warpbeam/text/parse.hpp>, <warpbeam/wasi/wasi.hpp>. Thread-safety: see each
/// class; in short, an Engine, Module or SharedMemory may be used by any thread, a Store and its objects by
/// one thread at a time.
/// https://webassembly.github.io/spec/core/

#include <warpbeam/version.hpp>
#include <warpbeam/vm/active_stack.hpp>
#include <warpbeam/vm/answer.hpp>
#include <warpbeam/vm/disassembly.hpp>
#include <warpbeam/vm/exception.hpp>
#include <warpbeam/vm/execution.hpp>
#include <warpbeam/vm/gc.hpp>
#include <warpbeam/vm/growth_policy.hpp>
#include <warpbeam/vm/guest_allocator.hpp>
#include <warpbeam/vm/host_object.hpp>
#include <warpbeam/vm/linker.hpp>
#include <warpbeam/vm/memory_view.hpp>
#include <warpbeam/vm/observer.hpp>
#include <warpbeam/vm/print.hpp>
#include <warpbeam/vm/root.hpp>
#include <warpbeam/vm/shared_memory.hpp>
