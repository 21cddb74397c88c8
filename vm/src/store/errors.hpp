#pragma once

#include "heap/heap.hpp"

#include <warpbeam/loader/error.hpp>

namespace warpbeam {

/// The error of every call that found no memory.
[[nodiscard]] inline Error no_memory() noexcept { return Error{ErrorCode::out_of_memory}; }

[[nodiscard]] inline Error no_module() noexcept {
    return Error{ErrorCode::usage, "there is no module to instantiate: the handle is empty"};
}
[[nodiscard]] inline Error other_engine() noexcept {
    return Error{ErrorCode::usage, "the store, the linker and the module are not all of the same engine"};
}

/// The error of a call for which the heap has just had no room.
[[nodiscard]] inline Error no_room(const vm::Heap& heap) noexcept {
    return heap.failure() == vm::Exit::out_of_memory
               ? no_memory()
               : Error{ErrorCode::limit, "the heap exceeds the store's limit"};
}

} // namespace warpbeam
