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
        // It may contain no whole granule.
        seam_ = std::max(round_up(begin, granule), end / granule * granule);
    }
    return true;
}

/// Adds enough pages for such a block, which may begin in the free range at the end. Preconditions: it fits
/// in no free range, the bookkeeping has memory for it, and both numbers are below 2^62.
bool LinearMemoryHeap::add_pages(uint64_t size, uint64_t alignment) noexcept {
    const uint8_t page_log2 = memory_.type().page_size_log2;
    const uint64_t present = memory_.size();
    // Bytes at the end that did not fill a granule may now do so together with the new ones.
    const bool continues = end_ != 0 && end_ == present;
    const uint64_t seam = continues ? seam_ : round_up(present, granule);
    // No block may begin at 0, which is null for the guest.
    const uint64_t free = std::max(continues ? ranges_.free_tail(seam) : seam, granule);
    const uint64_t end = round_up(free, alignment) + round_up(std::max<uint64_t>(size, 1), granule);
    uint64_t refused = 0;
    // Otherwise small pages would be added one by one.
    for (const uint64_t bytes : {std::max(end - present, uint64_t{1} << 16), end - present}) {
        const uint64_t pages = ((bytes - 1) >> page_log2) + 1;
        if (pages == refused)
            break;
        refused = pages;
        const auto old = memory_.grow(pages);
        if (!old)
            continue;
        // Another thread may have made a shared memory grow in the meantime.
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
        return std::unexpected{
            Trap::with_message(TrapCode::usage, "the memory was reset: make a new allocator")};
    // Without memory for the bookkeeping, added pages would be lost.
    if (!ranges_.prepare())
        return std::unexpected{Trap{TrapCode::out_of_memory}};
    const uint64_t max = uint64_t{1} << 62;
    std::optional<uint64_t> address = ranges_.allocate(size, alignment);
    // Once is enough, unless the memory is shared and other threads make it grow.
    for (int tries = 0; !address && tries < 4 && size < max && alignment < max; ++tries) {
        if (!add_pages(size, alignment))
            break;
        address = ranges_.allocate(size, alignment);
        if (!ranges_.prepare())
            break;
    }
    if (!address)
        return std::unexpected{Trap::with_message(TrapCode::out_of_memory,
                                                  "out of guest memory: %" PRIu64
                                                  " bytes requested, the memory has %" PRIu64,
                                                  size, memory_.size())};
    return *address;
}

std::expected<void, Trap> LinearMemoryHeap::free(uint64_t block) noexcept {
    if (!ranges_.deallocate(block))
        return std::unexpected{
            Trap::with_message(TrapCode::usage, "no allocated block begins at %" PRIu64, block)};
    return {};
}

bool LinearMemoryHeap::state_of(const MemoryObject& memory, State& state, bool& kept) noexcept {
    const auto* const heap = static_cast<const LinearMemoryHeap*>(memory.attachment.get());
    if (heap == nullptr)
        return false;
    state.end = heap->end_;
    state.first_page = heap->first_page_;
    state.seam = heap->seam_;
    state.has_base = heap->has_base_;
    state.ranges.clear();
    kept = heap->ranges_.list(state.ranges);
    return true;
}

bool LinearMemoryHeap::restore(MemoryObject& memory, const State& state) noexcept {
    const uint64_t size = memory.size;
    const auto end_of = [](const RangeAllocator::Piece& range) { return range.begin + range.size; };
    const bool any = !state.ranges.empty();
    // What is added later must not overlap.
    if (state.end > size || state.seam % granule != 0 || state.seam > round_up(size, granule) ||
        (any && (state.ranges[0].begin == 0 || end_of(state.ranges.back()) > state.end ||
                 end_of(state.ranges.back()) > state.seam)) ||
        (any && !state.has_base && state.ranges[0].begin < state.first_page))
        return false;
    const Ref<LinearMemoryHeap> made = over(memory);
    if (!made)
        return false;
    made->end_ = state.end;
    made->first_page_ = state.first_page;
    made->seam_ = state.seam;
    made->has_base_ = state.has_base;
    return std::ranges::all_of(state.ranges, [&](const auto& range) { return made->ranges_.add(range); });
}

Ref<LinearMemoryHeap> LinearMemoryHeap::over(MemoryInst& memory) noexcept {
    Ref<MemoryAttachment>& heap = static_cast<MemoryObject&>(memory).attachment;
    // A store may contain the same shared memory twice.
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
