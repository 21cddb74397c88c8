#include "guest/linear_memory_heap.hpp"

#include "store/store_impl.hpp"

#include <algorithm>
#include <cinttypes>

namespace warpbeam::vm {
namespace {

constexpr uint64_t granule = RangeAllocator::granule;

constexpr uint64_t round_up(uint64_t bytes, uint64_t to) noexcept { return (bytes + to - 1) / to * to; }

} // namespace

bool LinearMemoryHeap::add_heap_base(uint64_t begin, uint64_t end) noexcept {
    end = std::min(end, first_page_);
    if (has_base_ || begin >= end)
        return true;
    if (!ranges_.add_region(begin, end))
        return false;
    has_base_ = true;
    if (end > end_) {
        end_ = end;
        // There may be no whole granule.
        seam_ = std::max(round_up(begin, granule), end / granule * granule);
    }
    return true;
}

/// Adds pages with room for such a block, which may begin in what is free at the end already. Precondition:
/// no free range has room for it, the bookkeeping has, and both numbers are below 2^62.
bool LinearMemoryHeap::add_pages(uint64_t size, uint64_t alignment) noexcept {
    const uint8_t page_log2 = memory_.type().page_size_log2;
    const uint64_t present = memory_.size();
    // Bytes at the end that did not fill a granule do with those that follow.
    const bool continues = end_ != 0 && end_ == present;
    const uint64_t seam = continues ? seam_ : round_up(present, granule);
    // No block begins at 0, which is null for the guest.
    const uint64_t free = std::max(continues ? ranges_.free_tail(seam) : seam, granule);
    const uint64_t end = round_up(free, alignment) + round_up(std::max<uint64_t>(size, 1), granule);
    uint64_t refused = 0;
    // Small pages would come one by one otherwise.
    for (const uint64_t bytes : {std::max(end - present, uint64_t{1} << 16), end - present}) {
        const uint64_t pages = ((bytes - 1) >> page_log2) + 1;
        if (pages == refused)
            break;
        refused = pages;
        const auto old = memory_.grow(pages);
        if (!old)
            continue;
        // Another thread may have grown a shared memory meanwhile.
        const uint64_t begin = *old << page_log2;
        end_ = (*old + pages) << page_log2;
        seam_ = end_ / granule * granule;
        first_page_ = std::min(first_page_, begin);
        return ranges_.add_region(std::max(begin == present ? seam : begin, granule), end_);
    }
    return false;
}

std::expected<uint64_t, Trap> LinearMemoryHeap::allocate(uint64_t size, uint64_t alignment) noexcept {
    if (ended_)
        return std::unexpected{Trap::with_message(
            TrapCode::usage, "the memory was reset since this allocator was made, which has ended with it")};
    // Pages that are added and can't be entered would be lost.
    if (!ranges_.prepare())
        return std::unexpected{Trap{TrapCode::out_of_memory}};
    const uint64_t most = uint64_t{1} << 62;
    std::optional<uint64_t> address = ranges_.allocate(size, alignment);
    // Once, unless the memory is shared and grows under our hands.
    for (int tries = 0; !address && tries < 4 && size < most && alignment < most; ++tries) {
        if (!add_pages(size, alignment))
            break;
        address = ranges_.allocate(size, alignment);
        if (!ranges_.prepare())
            break;
    }
    if (!address)
        return std::unexpected{Trap::with_message(TrapCode::out_of_memory,
                                                  "the guest's memory of %" PRIu64
                                                  " bytes has no room for %" PRIu64 " more",
                                                  memory_.size(), size)};
    return *address;
}

std::expected<void, Trap> LinearMemoryHeap::free(uint64_t block) noexcept {
    if (!ranges_.deallocate(block))
        return std::unexpected{Trap::with_message(TrapCode::usage, "no block begins at %" PRIu64, block)};
    return {};
}

Ref<LinearMemoryHeap> LinearMemoryHeap::over(MemoryInst& memory) noexcept {
    Ref<MemoryAttachment>& heap = static_cast<MemoryObject&>(memory).attachment;
    // A store may have the same shared memory twice.
    for (const MemoryObject* other = memory.store->objects.memories();
         !heap && memory.shared != nullptr && other != nullptr; other = other->next)
        if (other->shared == memory.shared)
            heap = other->attachment;
    Allocator& allocator = memory.store->allocator();
    if (!heap)
        heap = Ref<MemoryAttachment>::adopt(
            create<LinearMemoryHeap>(allocator, allocator, make_handle<Memory>(&memory)));
    return Ref<LinearMemoryHeap>::share(static_cast<LinearMemoryHeap*>(heap.get()));
}

} // namespace warpbeam::vm
