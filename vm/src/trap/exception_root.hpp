#pragma once

#include "isa/instr.hpp"

#include <warpbeam/memory/allocator.hpp>
#include <warpbeam/memory/ref.hpp>

namespace warpbeam {

class StoreImpl;

namespace vm {

/// An exception that the host holds on to. Its owners are the host's handles, wherever they are, and the
/// store, which notices by itself when it is the last one.
struct ExceptionRoot {
    ExceptionRoot(Allocator& from, StoreImpl* in, Slot reference) noexcept
        : allocator{from}, store{in}, exception{reference} {}
    void retain() noexcept { owners.add(); }
    void release() noexcept {
        if (owners.drop())
            destroy(allocator, this);
    }

    RefCount owners;
    Allocator& allocator;
    StoreImpl* store; ///< null when that has ended
    Slot exception;
};

} // namespace vm
} // namespace warpbeam
