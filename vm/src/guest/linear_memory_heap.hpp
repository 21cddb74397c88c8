#pragma once

#include "store/objects.hpp"

#include <warpbeam/memory/range_allocator.hpp>
#include <warpbeam/memory/ref.hpp>
#include <warpbeam/vm/memory.hpp>
#include <warpbeam/vm/trap.hpp>

#include <expected>

namespace warpbeam::vm {

/// Our own allocator for a memory, shared by all GuestAllocators of a store that do not use the guest's: each
/// memory has only one, so that blocks never overlap. It counts its owners, since a GuestBuffer may outlive
/// its store. Thread-safety: that of the store, except for the counter.
class LinearMemoryHeap final : public MemoryAttachment {
public:
    /// The allocator of a memory; null if memory runs out.
    [[nodiscard]] static Ref<LinearMemoryHeap> over(MemoryInst& memory) noexcept;
    LinearMemoryHeap(Allocator& allocator, Memory memory) noexcept
        : allocator_{allocator}, memory_{memory}, ranges_{allocator} {}
    void retain() noexcept override { owners_.add(); }
    void release() noexcept override {
        if (owners_.drop())
            destroy(allocator_, this);
    }

    /// Allows the use of the bytes [begin, end), which the guest does not use, unless an earlier call has
    /// done so, since the ranges of several instances may overlap. Pages that it has added itself are
    /// excluded. False if memory runs out.
    [[nodiscard]] bool add_heap_base(uint64_t begin, uint64_t end) noexcept;
    /// Allocates a block; adds pages if necessary. `alignment` is a power of two.
    [[nodiscard]] std::expected<uint64_t, Trap> allocate(uint64_t size, uint64_t alignment) noexcept;
    [[nodiscard]] std::expected<void, Trap> free(uint64_t block) noexcept;
    /// All that it knows, for copies.
    struct State {
        explicit State(Allocator& allocator) noexcept : ranges{allocator} {}
        uint64_t end = 0;
        uint64_t first_page = UINT64_MAX;
        uint64_t seam = 0;
        bool has_base = false;
        Vec<RangeAllocator::Piece> ranges;
    };
    /// That of a memory's allocator. True if it has one; `kept` is false if memory runs out.
    [[nodiscard]] static bool state_of(const MemoryObject& memory, State& state, bool& kept) noexcept;
    /// Gives a memory that has no allocator one with this state. False if it is impossible for that memory,
    /// or memory runs out.
    [[nodiscard]] static bool restore(MemoryObject& memory, const State& state) noexcept;

    /// The memory was reset, and all blocks are gone: this object allocates nothing any more, and the memory
    /// will get a new one.
    void end() noexcept override { ended_ = true; }

private:
    [[nodiscard]] bool add_pages(uint64_t size, uint64_t alignment) noexcept;

    RefCount owners_;
    Allocator& allocator_;
    Memory memory_;
    RangeAllocator ranges_;
    uint64_t end_ = 0;                 ///< the exact end of its bytes; 0 if it has none
    uint64_t first_page_ = UINT64_MAX; ///< the beginning of the first pages that it has added
    uint64_t seam_ = 0;                ///< the beginning of the bytes that are not entered yet
    bool has_base_ = false;
    bool ended_ = false;
};

} // namespace warpbeam::vm
