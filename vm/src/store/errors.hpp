#pragma once

#include "heap/heap.hpp"

#include <warpbeam/loader/error.hpp>

namespace warpbeam {

/// The error of every call for which memory ran out.
[[nodiscard]] inline Error no_memory() noexcept { return Error{ErrorCode::out_of_memory}; }

[[nodiscard]] inline Error no_module() noexcept {
    return Error{ErrorCode::usage, "no module to instantiate: the handle is empty"};
}
[[nodiscard]] inline Error other_engine() noexcept {
    return Error{ErrorCode::usage,
                 "the store, the linker and the module do not all belong to the same engine"};
}

/// The error of shared memories where Config::deterministic is set.
[[nodiscard]] inline Error not_deterministic() noexcept {
    return Error{ErrorCode::unsupported, "a shared memory is not deterministic"};
}

/// The error of the functions of snapshots in a build without them.
[[nodiscard]] inline Error no_snapshots(Allocator& allocator) noexcept {
    return Error{allocator, ErrorCode::unsupported, "this build is without snapshots (WARPBEAM_SNAPSHOTS=0)"};
}

/// The error of a call for which the heap has just run out of space.
[[nodiscard]] inline Error no_room(const vm::Heap& heap) noexcept {
    return heap.failure() == vm::Exit::out_of_memory
               ? no_memory()
               : Error{ErrorCode::limit, "the heap exceeds the store's limit"};
}

} // namespace warpbeam
