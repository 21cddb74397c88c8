#include "dwarf/segments.hpp"
#include "scarce_allocator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace warpbeam::dwarf {
namespace {

constexpr uint32_t nobody = Segment::nobody;

std::vector<uint32_t> owners(const std::vector<Segment>& ranges, uint32_t addresses) {
    SegmentMap map{Allocator::standard()};
    for (const Segment& range : ranges)
        EXPECT_TRUE(map.add(range));
    EXPECT_TRUE(map.finish());
    std::vector<uint32_t> found;
    for (uint32_t address = 0; address < addresses; ++address)
        found.push_back(map.find(address));
    return found;
}

TEST(Segments, nested_ranges_belong_to_the_innermost) {
    EXPECT_EQ(owners({}, 2), (std::vector<uint32_t>{nobody, nobody}));
    EXPECT_EQ(owners({{1, 6, 0}, {2, 5, 1}, {3, 4, 2}, {7, 8, 3}}, 9),
              (std::vector<uint32_t>{nobody, 0, 1, 2, 1, 0, nobody, 3, nobody}));
    EXPECT_EQ(owners({{0, 3, 0}, {0, 2, 1}, {0, 1, 2}}, 4), (std::vector<uint32_t>{2, 1, 0, nobody}));
    EXPECT_EQ(owners({{0, 2, 5}, {2, 4, 5}, {2, 3, 6}}, 5), (std::vector<uint32_t>{5, 5, 6, 5, nobody}));
    EXPECT_EQ(owners({{5, UINT32_MAX, 1}}, 6),
              (std::vector<uint32_t>{nobody, nobody, nobody, nobody, nobody, 1}));
}

TEST(Segments, ranges_that_overlap_belong_to_the_one_that_begins_last) {
    EXPECT_EQ(owners({{0, 3, 0}, {2, 5, 1}, {1, 4, 2}}, 6), (std::vector<uint32_t>{0, 2, 1, 1, 1, nobody}));
}

TEST(Segments, an_owner_always_has_a_range_around_the_address) {
    std::mt19937 random{1};
    for (int run = 0; run < 500; ++run) {
        std::vector<Segment> ranges;
        for (uint32_t i = 0; i < 12; ++i) {
            const auto begin = static_cast<uint32_t>(random() % 30);
            ranges.push_back({begin, begin + 1 + static_cast<uint32_t>(random() % 10), i});
        }
        const std::vector<uint32_t> found = owners(ranges, 45);
        for (uint32_t address = 0; address < found.size(); ++address) {
            uint32_t best = nobody;
            for (const Segment& range : ranges)
                if (range.begin <= address && address < range.end &&
                    (best == nobody || range.begin > ranges[best].begin ||
                     (range.begin == ranges[best].begin && range.owner > best)))
                    best = range.owner;
            EXPECT_EQ(found[address], best) << "address " << address << " of run " << run;
        }
    }
}

// Many ranges are open at once, and there are many in the end, so that both lists grow while it works.
TEST(Segments, it_is_said_if_memory_runs_out) {
    constexpr uint32_t count = 30;
    size_t successes = 0;
    for (bool done = false; !done; ++successes) {
        test::ScarceAllocator allocator{successes};
        {
            SegmentMap map{allocator};
            bool has_all = true;
            for (uint32_t i = 0; i < count && has_all; ++i)
                has_all = map.add({i, 2 * count - i, i});
            done = has_all && map.finish();
            for (uint32_t address = 0; done && address < 2 * count; ++address)
                EXPECT_EQ(map.find(address), std::min(address, 2 * count - 1 - address)) << successes;
        }
        EXPECT_EQ(allocator.live, 0);
    }
    EXPECT_GT(successes, 9u); // three lists, which have room for 8, 16 and 32
}

} // namespace
} // namespace warpbeam::dwarf
