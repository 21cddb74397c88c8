#pragma once

#include "store/objects.hpp"

#include <warpbeam/memory/range_allocator.hpp>
#include <warpbeam/memory/ref.hpp>
#include <warpbeam/vm/memory.hpp>
#include <warpbeam/vm/trap.hpp>

#include <expected>

namespace warpbeam::vm {

/// Our own allocator over a memory, for all GuestAllocators of a store that have none of the guest's: each
/// memory keeps one, so that none gives out what another has given out. It counts its owners, since a
/// GuestBuffer may end after its store. Thread-safety: that of the store, but for the counter.
class LinearMemoryHeap final : public MemoryAttachment {
public:
    /// The one of a memory; null when there is no memory for it.
    [[nodiscard]] static Ref<LinearMemoryHeap> over(MemoryInst& memory) noexcept;
    LinearMemoryHeap(Allocator& allocator, Memory memory) noexcept
        : allocator_{allocator}, memory_{memory}, ranges_{allocator} {}
    void retain() noexcept override { owners_.add(); }
    void release() noexcept override {
        if (owners_.drop())
            destroy(allocator_, this);
    }

    /// Lets it use the bytes [begin, end) that the guest leaves alone, unless others were handed to it in
    /// this way before: those of several instances may overlap. Pages that it has added itself are left out.
    /// False when there is no memory.
    [[nodiscard]] bool add_heap_base(uint64_t begin, uint64_t end) noexcept;
    /// A block, in pages that are added if need be. `alignment` is a power of two.
    [[nodiscard]] std::expected<uint64_t, Trap> allocate(uint64_t size, uint64_t alignment) noexcept;
    [[nodiscard]] std::expected<void, Trap> free(uint64_t block) noexcept;
    /// The memory is what it was at first, and the blocks are gone: from here on nothing is given out, and
    /// the memory gets another heap.
    void end() noexcept override { ended_ = true; }

private:
    [[nodiscard]] bool add_pages(uint64_t size, uint64_t alignment) noexcept;

    RefCount owners_;
    Allocator& allocator_;
    Memory memory_;
    RangeAllocator ranges_;
    uint64_t end_ = 0;                 ///< of what it has, exactly; 0: it has nothing
    uint64_t first_page_ = UINT64_MAX; ///< where the first pages begin that it has added
    uint64_t seam_ = 0;                ///< where what follows that is entered from
    bool has_base_ = false;
    bool ended_ = false;
};

} // namespace warpbeam::vm
