#pragma once

#include "isa/instr.hpp"

#include <warpbeam/memory/ref.hpp>

namespace warpbeam {

class StoreImpl;

namespace vm {

/// An exception that the host keeps alive. Its owners are the host's handles, wherever they are, and the
/// store, which detects when it is the last owner.
struct ExceptionRoot : RefCounted<ExceptionRoot> {
    ExceptionRoot(Allocator& from, StoreImpl* in, Slot reference) noexcept
        : RefCounted{from}, store{in}, exception{reference} {}

    StoreImpl* store; ///< null after the store was destroyed
    Slot exception;
};

} // namespace vm
} // namespace warpbeam
