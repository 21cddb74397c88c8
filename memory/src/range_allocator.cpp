#include <warpbeam/memory/range_allocator.hpp>

#include <algorithm>
#include <bit>
#include <utility>

namespace warpbeam {

RangeAllocator::RangeAllocator(Allocator& allocator) noexcept : ranges_{allocator}, buckets_{allocator} {
    bins_.fill(none);
}

// ---- Free ranges, by size ----

namespace {

/// Keeps the tree balanced: parents have larger priorities than their children, and callers can't choose
/// them.
constexpr uint64_t priority(uint32_t index) noexcept {
    uint64_t mixed = (index + 1) * 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 32) * 0xd6e8feb86659fd93u;
    return mixed ^ mixed >> 32;
}

} // namespace

void RangeAllocator::link_free(Index index) noexcept {
    Range& range = ranges_[index];
    range.used = false;
    free_ += range.size;
    if (range.size / granule >= bin_count)
        return link_in_tree(index);
    const auto bin = static_cast<size_t>(range.size / granule);
    range.previous = none;
    range.next = bins_[bin];
    if (range.next != none)
        ranges_[range.next].previous = index;
    bins_[bin] = index;
    filled_ |= uint32_t{1} << bin;
}

void RangeAllocator::unlink_free(Index index) noexcept {
    const Range& range = ranges_[index];
    free_ -= range.size;
    if (range.size / granule >= bin_count)
        return unlink_from_tree(index);
    const auto bin = static_cast<size_t>(range.size / granule);
    (range.previous != none ? ranges_[range.previous].next : bins_[bin]) = range.next;
    if (range.next != none)
        ranges_[range.next].previous = range.previous;
    if (bins_[bin] == none)
        filled_ &= ~(uint32_t{1} << bin);
}

bool RangeAllocator::is_before(Index left, Index right) const noexcept {
    const Range& a = ranges_[left];
    const Range& b = ranges_[right];
    return std::pair{a.size, a.begin} < std::pair{b.size, b.begin};
}

void RangeAllocator::link_in_tree(Index index) noexcept {
    Index* link = &root_;
    while (*link != none && priority(*link) > priority(index))
        link = is_before(index, *link) ? &ranges_[*link].previous : &ranges_[*link].next;
    // The old subtree becomes two: the ranges before the new one and those after it.
    Index rest = std::exchange(*link, index);
    Index* lower = &ranges_[index].previous;
    Index* upper = &ranges_[index].next;
    while (rest != none)
        if (is_before(rest, index)) {
            *lower = rest;
            lower = &ranges_[rest].next;
            rest = *lower;
        } else {
            *upper = rest;
            upper = &ranges_[rest].previous;
            rest = *upper;
        }
    *lower = none;
    *upper = none;
}

void RangeAllocator::unlink_from_tree(Index index) noexcept {
    Index* link = &root_;
    while (*link != index)
        link = is_before(index, *link) ? &ranges_[*link].previous : &ranges_[*link].next;
    Index lower = ranges_[index].previous;
    Index upper = ranges_[index].next;
    while (lower != none && upper != none)
        if (priority(lower) > priority(upper)) {
            *link = lower;
            link = &ranges_[lower].next;
            lower = *link;
        } else {
            *link = upper;
            link = &ranges_[upper].previous;
            upper = *link;
        }
    *link = lower != none ? lower : upper;
}

/// The first range in the tree of at least that size and, if the size is equal, at least that address.
RangeAllocator::Index RangeAllocator::first_in_tree(uint64_t size, uint64_t begin) const noexcept {
    Index found = none;
    for (Index index = root_; index != none;) {
        const Range& range = ranges_[index];
        const bool enough = range.size != size ? range.size > size : range.begin >= begin;
        if (enough)
            found = index;
        index = enough ? range.previous : range.next;
    }
    return found;
}

/// The smallest free range of at least `size` bytes.
RangeAllocator::Index RangeAllocator::first_free(uint64_t size) const noexcept {
    if (const uint64_t bin = size / granule; bin < bin_count)
        if (const uint32_t rest = filled_ >> bin; rest != 0)
            return bins_[static_cast<size_t>(bin) + static_cast<size_t>(std::countr_zero(rest))];
    return first_in_tree(size, 0);
}

/// The next free range in order of size.
RangeAllocator::Index RangeAllocator::next_free(Index index) const noexcept {
    const Range& range = ranges_[index];
    if (range.size / granule >= bin_count)
        return first_in_tree(range.size, range.begin + 1);
    return range.next != none ? range.next : first_free(range.size + granule);
}

bool RangeAllocator::fits(Index index, uint64_t size, uint64_t alignment) const noexcept {
    const Range& range = ranges_[index];
    const uint64_t skipped = (alignment - range.begin % alignment) % alignment;
    return skipped + size <= range.size; // both are at most 2^62
}

RangeAllocator::Index RangeAllocator::find_free(uint64_t size, uint64_t alignment) const noexcept {
    if (alignment <= granule)
        return first_free(size);
    // Ranges between `size` and the size that always suffices may fit or not. Trying a few spares the larger
    // ones; trying all would make allocation slow when there are many.
    const uint64_t enough = size + alignment - granule;
    constexpr int looks = 16;
    Index index = first_free(size);
    for (int i = 0; i < looks && index != none; ++i, index = next_free(index))
        if (fits(index, size, alignment))
            return index;
    if (const Index large = first_free(enough); large != none)
        return large;
    while (index != none && !fits(index, size, alignment))
        index = next_free(index);
    return index;
}

// ---- Ranges in use, by address ----

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

/// Makes sure of enough spare entries, and of a bucket for every range.
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

/// Cuts an unlinked range after `size` bytes; the rest becomes an unlinked range.
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
    else if (top_ == index)
        top_ = rest;
    first.size = size;
    first.after = rest;
}

/// Joins the neighbour above, which must be unlinked, to an unlinked range.
void RangeAllocator::merge_with_next(Index index) noexcept {
    Range& range = ranges_[index];
    const Index next = range.after;
    range.size += ranges_[next].size;
    range.after = ranges_[next].after;
    if (range.after != none)
        ranges_[range.after].before = index;
    else if (top_ == next)
        top_ = index;
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
    if (!make_room(1))
        return false;
    const Index index = take_entry();
    ranges_[index].begin = begin;
    ranges_[index].size = end - begin;
    if (top_ != none && ranges_[top_].begin + ranges_[top_].size == begin) {
        ranges_[index].before = top_;
        ranges_[top_].after = index;
    }
    if (top_ == none || begin > ranges_[top_].begin)
        top_ = index;
    release(index);
    return true;
}

std::optional<uint64_t> RangeAllocator::allocate(uint64_t size, uint64_t alignment) noexcept {
    if (size > (uint64_t{1} << 62) || alignment > (uint64_t{1} << 62))
        return std::nullopt;
    size = size == 0 ? granule : (size + granule - 1) / granule * granule;
    // Entries for the range, and for what is cut off before and after it.
    if (!make_room(2))
        return std::nullopt;
    Index index = find_free(size, alignment);
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
    use(index);
    return ranges_[index].begin;
}

/// Makes an unlinked range one in use.
void RangeAllocator::use(Index index) noexcept {
    Range& range = ranges_[index];
    range.used = true;
    Index& chain = buckets_[bucket_of(range.begin, buckets_.size())];
    range.next = chain;
    chain = index;
    ++used_count_;
    allocated_ += range.size;
}

bool RangeAllocator::list(Vec<Piece>& pieces) const noexcept {
    for (const Range& range : ranges_)
        if (range.size != 0 && !pieces.push({range.begin, range.size, range.used, range.before != none}))
            return false;
    std::ranges::sort(pieces, {}, &Piece::begin);
    return true;
}

bool RangeAllocator::add(const Piece& piece) noexcept {
    const uint64_t end = top_ != none ? ranges_[top_].begin + ranges_[top_].size : 0;
    if (piece.size == 0 || piece.size % granule != 0 || piece.begin % granule != 0 || piece.begin < end ||
        piece.size > UINT64_MAX - piece.begin || (piece.continues && (top_ == none || piece.begin != end)))
        return false;
    // Two free neighbours would be one.
    if (piece.continues && !piece.used && !ranges_[top_].used)
        return false;
    if (!make_room(1))
        return false;
    const Index index = take_entry();
    ranges_[index].begin = piece.begin;
    ranges_[index].size = piece.size;
    if (piece.continues) {
        ranges_[index].before = top_;
        ranges_[top_].after = index;
    }
    top_ = index;
    if (piece.used)
        use(index);
    else
        link_free(index);
    return true;
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

uint64_t RangeAllocator::free_tail(uint64_t end) const noexcept {
    if (top_ == none || ranges_[top_].used || ranges_[top_].begin + ranges_[top_].size != end)
        return end;
    return ranges_[top_].begin;
}

bool RangeAllocator::consistent() const noexcept {
    uint64_t allocated = 0;
    uint64_t free = 0;
    size_t count = 0;
    for (Index index = 0; index < ranges_.size(); ++index) {
        const Range& range = ranges_[index];
        if (range.size == 0)
            continue;
        ++count;
        (range.used ? allocated : free) += range.size;
        if (range.size % granule != 0 || range.begin % granule != 0)
            return false;
        if (range.used && find_used(range.begin) != index)
            return false;
        if (index != top_ && range.begin >= ranges_[top_].begin)
            return false;
        if (range.after != none && ranges_[range.after].before != index)
            return false;
        if (range.before != none) {
            const Range& before = ranges_[range.before];
            if (before.after != index || before.begin + before.size != range.begin ||
                (!before.used && !range.used))
                return false;
        }
    }
    size_t ordered = 0;
    uint64_t size = 0;
    for (Index index = first_free(0); index != none; index = next_free(index), ++ordered) {
        if (ranges_[index].used || ranges_[index].size < size)
            return false;
        size = ranges_[index].size;
    }
    for (Index index = 0; index < ranges_.size(); ++index)
        if (const Range& range = ranges_[index]; !range.used && range.size / granule >= bin_count)
            for (const Index child : {range.previous, range.next})
                if (child != none && priority(child) >= priority(index))
                    return false;
    for (size_t bin = 0; bin < bin_count; ++bin)
        if ((bins_[bin] != none) != ((filled_ >> bin & 1) != 0))
            return false;
    return allocated == allocated_ && free == free_ && ordered + used_count_ == count &&
           count + spare_count_ == ranges_.size();
}

} // namespace warpbeam
