#include "dwarf/segments.hpp"

#include <algorithm>
#include <span>

namespace warpbeam::dwarf {

bool SegmentMap::finish() noexcept {
    Allocator& allocator = segments_.allocator();
    std::ranges::sort(segments_, [](const Segment& a, const Segment& b) {
        return a.begin != b.begin ? a.begin < b.begin : a.owner < b.owner;
    });
    Vec<Segment> disjoint{allocator};
    Vec<Segment> open{allocator}; // the ranges around the current address, the outermost first
    uint32_t done = 0;            // everything before this address is settled
    const auto settle = [&](uint32_t until) {
        while (!open.empty()) {
            const Segment inner = open.back();
            const uint32_t end = std::min(inner.end, until);
            if (end > done) {
                if (!disjoint.push({done, end, inner.owner}))
                    return false;
                done = end;
            }
            if (inner.end > until)
                break;
            open.pop();
        }
        return true;
    };
    for (const Segment& range : segments_) {
        if (!settle(range.begin))
            return false;
        done = std::max(done, range.begin);
        if (!open.push(range))
            return false;
    }
    if (!settle(UINT32_MAX))
        return false;
    segments_ = std::move(disjoint);
    return true;
}

uint32_t SegmentMap::find(uint32_t address) const noexcept {
    const auto next = std::ranges::upper_bound(segments_, address, {}, &Segment::begin);
    if (next == segments_.begin() || address >= (next - 1)->end)
        return Segment::nobody;
    return (next - 1)->owner;
}

} // namespace warpbeam::dwarf
