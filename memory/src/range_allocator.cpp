#include <warpbeam/memory/range_allocator.hpp>

#include <bit>

namespace warpbeam {

RangeAllocator::RangeAllocator(Allocator& allocator) noexcept
    : ranges_{allocator}, buckets_{allocator}, region_ends_{allocator} {
    bins_.fill(none);
}

// ---- Bins ----

/// The bin that a free range of `size` bytes is kept in: all sizes of a bin are at least that of its first.
size_t RangeAllocator::bin_of(uint64_t size) noexcept {
    const uint64_t granules = size / granule;
    if (granules < exact_bins)
        return static_cast<size_t>(granules);
    const auto log = static_cast<size_t>(std::bit_width(granules)) - 1; // 5 and more
    const auto eighth = static_cast<size_t>(granules >> (log - 3)) & 7;
    return exact_bins + (log - 5) * 8 + eighth;
}

void RangeAllocator::link_free(Index index) noexcept {
    Range& range = ranges_[index];
    const size_t bin = bin_of(range.size);
    range.used = false;
    range.previous = none;
    range.next = bins_[bin];
    if (range.next != none)
        ranges_[range.next].previous = index;
    bins_[bin] = index;
    filled_[bin / 64] |= uint64_t{1} << bin % 64;
    free_ += range.size;
}

void RangeAllocator::unlink_free(Index index) noexcept {
    const Range& range = ranges_[index];
    const size_t bin = bin_of(range.size);
    (range.previous != none ? ranges_[range.previous].next : bins_[bin]) = range.next;
    if (range.next != none)
        ranges_[range.next].previous = range.previous;
    if (bins_[bin] == none)
        filled_[bin / 64] &= ~(uint64_t{1} << bin % 64);
    free_ -= range.size;
}

RangeAllocator::Index RangeAllocator::find_free(uint64_t size) const noexcept {
    const size_t own = bin_of(size);
    // Of the bin itself some ranges may be too small, of those above none is. A few looks spare the larger
    // ones; more would make an allocation as slow as the bin is long.
    constexpr int looks = 8;
    Index index = bins_[own];
    for (int i = 0; i < looks && index != none; ++i, index = ranges_[index].next)
        if (ranges_[index].size >= size)
            return index;
    for (size_t bin = own + 1; bin < bin_count; bin = (bin / 64 + 1) * 64)
        if (const uint64_t rest = filled_[bin / 64] >> bin % 64; rest != 0)
            return bins_[bin + static_cast<size_t>(std::countr_zero(rest))];
    while (index != none && ranges_[index].size < size)
        index = ranges_[index].next;
    return index;
}

// ---- Ranges in use, by their address ----

size_t RangeAllocator::bucket_of(uint64_t address, size_t buckets) noexcept {
    return static_cast<size_t>((address / granule * 0x9e3779b97f4a7c15u) >> 32) & (buckets - 1);
}

RangeAllocator::Index RangeAllocator::find_used(uint64_t address) const noexcept {
    if (buckets_.empty())
        return none;
    Index index = buckets_[bucket_of(address, buckets_.size())];
    while (index != none && ranges_[index].begin != address)
        index = ranges_[index].next;
    return index;
}

// ---- Entries ----

/// Makes sure of so many spare entries, and of a bucket for every range.
bool RangeAllocator::make_room(size_t entries) noexcept {
    while (spare_count_ < entries) {
        if (ranges_.size() >= none || !ranges_.push({}))
            return false;
        drop_entry(static_cast<Index>(ranges_.size() - 1));
    }
    if (buckets_.size() > used_count_)
        return true;
    Vec<Index> fresh{buckets_.allocator()};
    if (!fresh.resize(buckets_.empty() ? 16 : buckets_.size() * 2))
        return false;
    for (Index& head : fresh)
        head = none;
    for (Index head : buckets_)
        while (head != none) {
            const Index index = head;
            head = ranges_[index].next;
            Index& chain = fresh[bucket_of(ranges_[index].begin, fresh.size())];
            ranges_[index].next = chain;
            chain = index;
        }
    buckets_ = std::move(fresh);
    return true;
}

RangeAllocator::Index RangeAllocator::take_entry() noexcept {
    const Index index = spare_;
    spare_ = ranges_[index].next;
    --spare_count_;
    ranges_[index] = {};
    return index;
}

void RangeAllocator::drop_entry(Index index) noexcept {
    ranges_[index] = {};
    ranges_[index].next = spare_;
    spare_ = index;
    ++spare_count_;
}

// ---- Splitting and merging ----

/// Cuts an unlinked range after `size` bytes; the rest becomes an unlinked range of its own.
void RangeAllocator::split(Index index, uint64_t size) noexcept {
    const Index rest = take_entry();
    Range& first = ranges_[index];
    Range& second = ranges_[rest];
    second.begin = first.begin + size;
    second.size = first.size - size;
    second.before = index;
    second.after = first.after;
    if (first.after != none)
        ranges_[first.after].before = rest;
    else
        for (Index& end : region_ends_)
            if (end == index)
                end = rest;
    first.size = size;
    first.after = rest;
}

/// Adds the neighbour above, which must be unlinked, to an unlinked range.
void RangeAllocator::merge_with_next(Index index) noexcept {
    Range& range = ranges_[index];
    const Index next = range.after;
    range.size += ranges_[next].size;
    range.after = ranges_[next].after;
    if (range.after != none)
        ranges_[range.after].before = index;
    else
        for (Index& end : region_ends_)
            if (end == next)
                end = index;
    drop_entry(next);
}

/// Makes an unlinked range free.
void RangeAllocator::release(Index index) noexcept {
    if (const Index after = ranges_[index].after; after != none && !ranges_[after].used) {
        unlink_free(after);
        merge_with_next(index);
    }
    if (const Index before = ranges_[index].before; before != none && !ranges_[before].used) {
        unlink_free(before);
        merge_with_next(before);
        index = before;
    }
    link_free(index);
}

// ---- The interface ----

bool RangeAllocator::add_region(uint64_t begin, uint64_t end) noexcept {
    if (begin > UINT64_MAX - (granule - 1))
        return true;
    begin = (begin + granule - 1) / granule * granule;
    end = end / granule * granule;
    if (begin >= end)
        return true;
    if (!make_room(1) || !region_ends_.reserve(region_ends_.size() + 1))
        return false;
    const Index index = take_entry();
    ranges_[index].begin = begin;
    ranges_[index].size = end - begin;
    for (Index& last : region_ends_)
        if (ranges_[last].begin + ranges_[last].size == begin) {
            ranges_[index].before = last;
            ranges_[last].after = index;
            last = index;
            release(index);
            return true;
        }
    (void)region_ends_.push(index);
    release(index);
    return true;
}

std::optional<uint64_t> RangeAllocator::allocate(uint64_t size, uint64_t alignment) noexcept {
    if (size > (uint64_t{1} << 62) || alignment > (uint64_t{1} << 62))
        return std::nullopt;
    size = size == 0 ? granule : (size + granule - 1) / granule * granule;
    // Room for the range, and for what is cut off in front of it and behind it.
    if (!make_room(2))
        return std::nullopt;
    Index index = find_free(alignment > granule ? size + alignment - granule : size);
    if (index == none)
        return std::nullopt;
    unlink_free(index);
    const uint64_t begin = ranges_[index].begin;
    if (const uint64_t skipped = (alignment - begin % alignment) % alignment; skipped != 0) {
        split(index, skipped);
        const Index skipped_range = index;
        index = ranges_[index].after;
        link_free(skipped_range);
    }
    if (ranges_[index].size > size) {
        split(index, size);
        link_free(ranges_[index].after);
    }
    Range& range = ranges_[index];
    range.used = true;
    Index& chain = buckets_[bucket_of(range.begin, buckets_.size())];
    range.next = chain;
    chain = index;
    ++used_count_;
    allocated_ += range.size;
    return range.begin;
}

bool RangeAllocator::deallocate(uint64_t address) noexcept {
    const Index index = find_used(address);
    if (index == none)
        return false;
    Index* link = &buckets_[bucket_of(address, buckets_.size())];
    while (*link != index)
        link = &ranges_[*link].next;
    *link = ranges_[index].next;
    --used_count_;
    allocated_ -= ranges_[index].size;
    release(index);
    return true;
}

std::optional<uint64_t> RangeAllocator::size_of(uint64_t address) const noexcept {
    const Index index = find_used(address);
    return index != none ? std::optional{ranges_[index].size} : std::nullopt;
}

bool RangeAllocator::consistent() const noexcept {
    uint64_t allocated = 0;
    uint64_t free = 0;
    size_t count = 0;
    for (Index last : region_ends_) {
        if (ranges_[last].after != none)
            return false;
        for (Index index = last; index != none; index = ranges_[index].before) {
            const Range& range = ranges_[index];
            ++count;
            (range.used ? allocated : free) += range.size;
            if (range.size == 0 || range.size % granule != 0 || range.begin % granule != 0)
                return false;
            if (range.used && find_used(range.begin) != index)
                return false;
            if (range.before != none) {
                const Range& before = ranges_[range.before];
                if (before.after != index || before.begin + before.size != range.begin ||
                    (!before.used && !range.used))
                    return false;
            }
        }
    }
    size_t binned = 0;
    for (size_t bin = 0; bin < bin_count; ++bin) {
        if ((bins_[bin] != none) != ((filled_[bin / 64] >> bin % 64 & 1) != 0))
            return false;
        for (Index index = bins_[bin]; index != none; index = ranges_[index].next, ++binned)
            if (ranges_[index].used || bin_of(ranges_[index].size) != bin)
                return false;
    }
    return allocated == allocated_ && free == free_ && binned + used_count_ == count &&
           count + spare_count_ == ranges_.size();
}

} // namespace warpbeam
