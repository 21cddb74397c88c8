#pragma once

#include "isa/instr.hpp"

#include <warpbeam/memory/ref.hpp>
#include <warpbeam/memory/vec.hpp>

namespace warpbeam {

class StoreImpl;

namespace vm {

class Heap;

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

/// All of a store.
class ExceptionRoots {
public:
    explicit ExceptionRoots(Allocator& allocator) noexcept : roots_{allocator} {}
    ExceptionRoots(const ExceptionRoots&) = delete;
    ExceptionRoots& operator=(const ExceptionRoots&) = delete;
    ~ExceptionRoots();

    /// Null when there is no memory.
    [[nodiscard]] Ref<ExceptionRoot> add(StoreImpl& store, Slot exception) noexcept;
    /// Marks what the host holds.
    void mark(Heap& heap) noexcept;

private:
    void drop_unused() noexcept;

    Vec<ExceptionRoot*> roots_;
};

} // namespace vm
} // namespace warpbeam
