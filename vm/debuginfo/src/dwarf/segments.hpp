#pragma once

#include <warpbeam/memory/vec.hpp>

#include <cstdint>

namespace warpbeam::dwarf {

/// The addresses [begin, end) belong to something, which is known by its number.
struct Segment {
    static constexpr uint32_t nobody = UINT32_MAX;

    uint32_t begin = 0;
    uint32_t end = 0;
    uint32_t owner = nobody;
};

/// Says for every address to which of many ranges it belongs. Ranges may be nested: the one that begins last
/// counts, and of several that begin together the one of the owner with the highest number. What is inside
/// something else must therefore be numbered after it.
class SegmentMap {
public:
    explicit SegmentMap(Allocator& allocator) noexcept : segments_{allocator} {}

    /// Adds a range, before `finish`; false if memory runs out.
    [[nodiscard]] bool add(Segment range) noexcept { return segments_.push(range); }
    /// Takes time for sorting; false if memory runs out.
    [[nodiscard]] bool finish() noexcept;
    /// The owner of an address, after `finish`; `nobody` if it has none.
    [[nodiscard]] uint32_t find(uint32_t address) const noexcept;

private:
    Vec<Segment> segments_; ///< after `finish` in order, and disjoint
};

} // namespace warpbeam::dwarf
