#pragma once

#include "isa/instr.hpp"

#include <warpbeam/memory/ref.hpp>

namespace warpbeam {

class StoreImpl;

namespace vm {

/// An exception that the host holds on to. Its owners are the host's handles, wherever they are, and the
/// store, which notices by itself when it is the last one.
struct ExceptionRoot : RefCounted<ExceptionRoot> {
    ExceptionRoot(Allocator& from, StoreImpl* in, Slot reference) noexcept
        : RefCounted{from}, store{in}, exception{reference} {}

    StoreImpl* store; ///< null when that has ended
    Slot exception;
};

} // namespace vm
} // namespace warpbeam
