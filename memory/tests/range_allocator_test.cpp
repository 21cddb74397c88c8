#include "scarce_allocator.hpp"

#include <gtest/gtest.h>
#include <warpbeam/memory/range_allocator.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <vector>

namespace warpbeam {
namespace {

TEST(RangeAllocator, ranges_are_inside_regions_and_do_not_overlap) {
    RangeAllocator ranges;
    ASSERT_TRUE(ranges.add_region(1000, 2000));
    EXPECT_EQ(ranges.free_bytes(), 992u); // [1008, 2000)
    const auto first = ranges.allocate(100);
    const auto second = ranges.allocate(1);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(*first, 1008u);
    EXPECT_EQ(*second, 1008u + 112);
    EXPECT_EQ(ranges.size_of(*first), 112u);
    EXPECT_EQ(ranges.size_of(*second), 16u);
    EXPECT_EQ(ranges.allocated_bytes(), 128u);
    EXPECT_EQ(ranges.allocated_ranges(), 2u);
    EXPECT_TRUE(ranges.consistent());
}

TEST(RangeAllocator, is_empty_without_a_region) {
    RangeAllocator ranges;
    EXPECT_FALSE(ranges.allocate(1));
    EXPECT_FALSE(ranges.deallocate(0));
    EXPECT_FALSE(ranges.size_of(0));
    EXPECT_TRUE(ranges.add_region(5, 20)); // no whole granule
    EXPECT_TRUE(ranges.add_region(UINT64_MAX - 3, UINT64_MAX));
    EXPECT_TRUE(ranges.add_region(64, 32));
    EXPECT_FALSE(ranges.allocate(1));
    EXPECT_TRUE(ranges.consistent());
}

TEST(RangeAllocator, aligns) {
    RangeAllocator ranges;
    ASSERT_TRUE(ranges.add_region(16, 1 << 20));
    for (const uint64_t alignment : {1u, 2u, 16u, 64u, 4096u, 65536u}) {
        const auto address = ranges.allocate(24, alignment);
        ASSERT_TRUE(address) << alignment;
        EXPECT_EQ(*address % alignment, 0u);
        EXPECT_EQ(*address % RangeAllocator::granule, 0u);
        EXPECT_TRUE(ranges.consistent());
    }
    EXPECT_FALSE(ranges.allocate(16, uint64_t{1} << 40));
}

TEST(RangeAllocator, merges_freed_ranges) {
    RangeAllocator ranges;
    ASSERT_TRUE(ranges.add_region(0, 4096));
    const auto a = ranges.allocate(1024);
    const auto b = ranges.allocate(1024);
    const auto c = ranges.allocate(1024);
    const auto d = ranges.allocate(1024);
    ASSERT_TRUE(a && b && c && d);
    EXPECT_FALSE(ranges.allocate(1));
    EXPECT_TRUE(ranges.deallocate(*b));
    EXPECT_TRUE(ranges.deallocate(*d));
    EXPECT_FALSE(ranges.allocate(2048));
    EXPECT_TRUE(ranges.deallocate(*c));
    EXPECT_EQ(ranges.allocate(3072), *b);
    EXPECT_TRUE(ranges.deallocate(*b));
    EXPECT_TRUE(ranges.deallocate(*a));
    EXPECT_EQ(ranges.allocate(4096), 0u);
    EXPECT_TRUE(ranges.consistent());
}

TEST(RangeAllocator, adjacent_regions_join) {
    RangeAllocator ranges;
    ASSERT_TRUE(ranges.add_region(0, 64));
    const auto low = ranges.allocate(32);
    ASSERT_TRUE(ranges.add_region(64, 128));
    ASSERT_TRUE(ranges.add_region(256, 320)); // there is a gap before it
    EXPECT_EQ(ranges.allocate(96), 32u);
    EXPECT_FALSE(ranges.allocate(80));
    EXPECT_TRUE(ranges.deallocate(*low));
    EXPECT_TRUE(ranges.consistent());
}

TEST(RangeAllocator, frees_only_allocated_ranges) {
    RangeAllocator ranges;
    ASSERT_TRUE(ranges.add_region(0, 4096));
    const auto address = ranges.allocate(64);
    ASSERT_TRUE(address);
    for (const uint64_t other : {*address + 16, *address + 1, uint64_t{4096}, UINT64_MAX})
        EXPECT_FALSE(ranges.deallocate(other)) << other;
    EXPECT_TRUE(ranges.deallocate(*address));
    EXPECT_FALSE(ranges.deallocate(*address));
    EXPECT_EQ(ranges.allocated_ranges(), 0u);
    EXPECT_TRUE(ranges.consistent());
}

TEST(RangeAllocator, refuses_huge_sizes) {
    RangeAllocator ranges;
    ASSERT_TRUE(ranges.add_region(0, UINT64_MAX));
    for (const uint64_t size : {UINT64_MAX, UINT64_MAX - 15, uint64_t{1} << 63, (uint64_t{1} << 62) + 1})
        EXPECT_FALSE(ranges.allocate(size)) << size;
    EXPECT_TRUE(ranges.allocate(uint64_t{1} << 62));
    EXPECT_TRUE(ranges.allocate(uint64_t{1} << 61, uint64_t{1} << 60));
    EXPECT_TRUE(ranges.allocate(16, uint64_t{1} << 62));
    EXPECT_FALSE(ranges.allocate(16, uint64_t{1} << 63));
    EXPECT_TRUE(ranges.consistent());
}

TEST(RangeAllocator, finds_the_only_large_enough_range_in_a_bin) {
    RangeAllocator ranges;
    // Many free ranges of one bin, all but the last too small.
    for (uint64_t i = 0; i < 100; ++i)
        ASSERT_TRUE(ranges.add_region(i * 4096, i * 4096 + (i == 0 ? 1104 : 1040)));
    EXPECT_EQ(ranges.allocate(1104), 0u);
    EXPECT_FALSE(ranges.allocate(1104));
}

TEST(RangeAllocator, finds_every_aligned_range_that_fits) {
    RangeAllocator ranges;
    ASSERT_TRUE(ranges.add_region(65536, 131072));
    EXPECT_EQ(ranges.allocate(65536, 65536), 65536u);
    EXPECT_TRUE(ranges.deallocate(65536));
    EXPECT_EQ(ranges.allocate(60'000, 8192), 65536u);
    EXPECT_TRUE(ranges.consistent());

    // A fitting range among many that are large enough but wrongly aligned.
    RangeAllocator many;
    for (uint64_t i = 1; i <= 100; ++i)
        ASSERT_TRUE(many.add_region(i * 4096 + (i == 57 ? 0 : 16), i * 4096 + 1024));
    EXPECT_EQ(many.allocate(1008, 1024), 57u * 4096);
    EXPECT_FALSE(many.allocate(1008, 1024));
    EXPECT_TRUE(many.allocate(1008, 16));
    EXPECT_TRUE(many.consistent());
}

TEST(RangeAllocator, tries_sixteen_ranges_before_it_takes_a_larger_one) {
    for (const uint64_t first : {1u, 16u, 17u}) { // the first of the small ones that is aligned
        RangeAllocator ranges;
        for (uint64_t i = 1; i <= 17; ++i)
            ASSERT_TRUE(
                ranges.add_region(i * 4096 + (i < first ? 16 : 0), i * 4096 + 1008 + (i < first ? 16 : 0)));
        ASSERT_TRUE(ranges.add_region(1 << 20, (1 << 20) + 4096));
        EXPECT_EQ(ranges.allocate(1008, 1024), first <= 16 ? first * 4096 : uint64_t{1} << 20) << first;
        EXPECT_TRUE(ranges.consistent());
    }
}

TEST(RangeAllocator, knows_the_free_tail) {
    RangeAllocator ranges;
    EXPECT_EQ(ranges.free_tail(0), 0u);
    ASSERT_TRUE(ranges.add_region(16, 1024));
    EXPECT_EQ(ranges.free_tail(1024), 16u);
    const auto block = ranges.allocate(100);
    ASSERT_TRUE(block);
    EXPECT_EQ(ranges.free_tail(1024), 128u);
    EXPECT_EQ(ranges.free_tail(2048), 2048u);
    EXPECT_TRUE(ranges.allocate(896));
    EXPECT_EQ(ranges.free_tail(1024), 1024u);
    EXPECT_TRUE(ranges.deallocate(*block));
    EXPECT_EQ(ranges.free_tail(1024), 1024u);
    ASSERT_TRUE(ranges.add_region(2048, 4096));
    EXPECT_EQ(ranges.free_tail(1024), 1024u) << "no longer the end";
    EXPECT_EQ(ranges.free_tail(4096), 2048u);
}

/// The shortest of several rounds, so that a busy machine does not matter.
template <typename Action>
double microseconds(Action action) {
    double best = 1e9;
    for (int round = 0; round < 5; ++round) {
        const auto start = std::chrono::steady_clock::now();
        action();
        best = std::min(
            best,
            std::chrono::duration<double, std::micro>{std::chrono::steady_clock::now() - start}.count());
    }
    return best;
}

TEST(RangeAllocator, is_fast_with_many_ranges_and_regions) {
    constexpr uint64_t count = 200'000;
    RangeAllocator apart; // each its own region, and all slightly too small
    for (uint64_t i = 0; i < count; ++i)
        ASSERT_TRUE(apart.add_region(i * 4096, i * 4096 + 1024));
    // Searching all of them takes milliseconds at any optimisation level.
    EXPECT_LT(microseconds([&] { EXPECT_FALSE(apart.allocate(1040)); }), 300.0);
    EXPECT_LT(microseconds([&] { EXPECT_TRUE(apart.allocate(512)); }), 300.0);
}

class Meagre final : public Allocator {
public:
    explicit Meagre(size_t budget) : budget_{budget} {}
    void* allocate(size_t size, size_t alignment) noexcept override {
        if (budget_ == 0)
            return nullptr;
        --budget_;
        return Allocator::standard().allocate(size, alignment);
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        Allocator::standard().deallocate(block, size, alignment);
    }

private:
    size_t budget_;
};

TEST(RangeAllocator, failed_bookkeeping_changes_nothing) {
    for (size_t budget = 0; budget < 12; ++budget) {
        Meagre meagre{budget};
        RangeAllocator ranges{meagre};
        if (!ranges.add_region(0, 1 << 20)) {
            EXPECT_EQ(ranges.free_bytes(), 0u);
            EXPECT_TRUE(ranges.consistent());
            continue;
        }
        uint64_t count = 0;
        while (count < 1000 && ranges.allocate(32))
            ++count;
        EXPECT_EQ(ranges.allocated_bytes(), 32 * count);
        EXPECT_EQ(ranges.allocated_bytes() + ranges.free_bytes(), 1u << 20);
        EXPECT_TRUE(ranges.consistent());
    }
}

TEST(RangeAllocator, needs_no_more_entries_than_it_uses) {
    Meagre meagre{2}; // eight entries, and buckets
    RangeAllocator ranges{meagre};
    ASSERT_TRUE(ranges.add_region(0, 1 << 20));
    unsigned count = 0;
    while (ranges.allocate(32))
        ++count;
    // Each has an entry, as the rest has; one more may be needed, for what an alignment skips.
    EXPECT_EQ(count, 6u);
}

TEST(RangeAllocator, free_ranges_are_found_in_a_balanced_tree) {
    constexpr uint64_t count = 1000;
    RangeAllocator ranges;
    ASSERT_TRUE(ranges.add_region(0, count * 32'768));
    std::vector<uint64_t> growing;
    for (uint64_t i = 0; i < count; ++i) {
        const auto range = ranges.allocate(512 + i * RangeAllocator::granule);
        ASSERT_TRUE(range && ranges.allocate(16)); // so that they stay apart
        growing.push_back(*range);
    }
    for (const uint64_t range : growing)
        ASSERT_TRUE(ranges.deallocate(range));
    EXPECT_TRUE(ranges.consistent());
    // Without every second range, others take its place in the tree.
    for (uint64_t i = 0; i < count; i += 2)
        ASSERT_EQ(ranges.allocate(512 + i * RangeAllocator::granule), growing[i]);
    EXPECT_TRUE(ranges.consistent());
}

uint64_t round_up(uint64_t value, uint64_t to) { return (value + to - 1) / to * to; }

TEST(RangeAllocator, agrees_with_a_model_over_random_calls) {
    std::mt19937_64 random{42};
    for (int round = 0; round < 20; ++round) {
        RangeAllocator ranges;
        std::map<uint64_t, uint64_t> blocks; // begin to end
        uint64_t end = random() % 100;
        std::vector<std::pair<uint64_t, uint64_t>> regions;
        ASSERT_TRUE(ranges.add_region(end, end + 20'000));
        regions.emplace_back(round_up(end, 16), end + 20'000);
        end += 20'000;
        for (int step = 0; step < 2'000; ++step) {
            if (const uint64_t choice = random() % 100; choice == 0) {
                const uint64_t begin = end + random() % 2 * 100;
                end = begin + random() % 30'000;
                ASSERT_TRUE(ranges.add_region(begin, end));
                if (end - begin >= 32)
                    regions.emplace_back(round_up(begin, 16), end);
            } else if (choice < 55) {
                const uint64_t size = random() % 2 == 0 ? random() % 100 : random() % 3'000;
                const uint64_t alignment = uint64_t{1} << random() % 9;
                const auto address = ranges.allocate(size, alignment);
                if (!address) {
                    // Then no gap between the blocks is large enough.
                    for (const auto& [begin_of, end_of] : regions) {
                        uint64_t gap = begin_of;
                        for (const auto& [block, block_end] : blocks) {
                            if (block < gap || block >= end_of)
                                continue;
                            EXPECT_GT(round_up(gap, alignment) + size, block);
                            gap = round_up(block_end, RangeAllocator::granule);
                        }
                        EXPECT_GT(round_up(gap, alignment) + round_up(std::max<uint64_t>(size, 1), 16),
                                  end_of / 16 * 16);
                    }
                    continue;
                }
                EXPECT_EQ(*address % alignment, 0u);
                EXPECT_LE(*address + size, end);
                const auto after = blocks.lower_bound(*address);
                EXPECT_TRUE(after == blocks.end() || *address + size <= after->first);
                EXPECT_TRUE(after == blocks.begin() || std::prev(after)->second <= *address);
                blocks[*address] = *address + size;
            } else if (!blocks.empty()) {
                const auto block = std::next(blocks.begin(), static_cast<long>(random() % blocks.size()));
                EXPECT_TRUE(ranges.deallocate(block->first));
                blocks.erase(block);
            }
            if (step % 50 == 0) {
                ASSERT_TRUE(ranges.consistent());
                Vec<RangeAllocator::Piece> pieces;
                ASSERT_TRUE(ranges.list(pieces));
                RangeAllocator copy;
                for (const RangeAllocator::Piece& piece : pieces) {
                    ASSERT_TRUE(copy.add(piece));
                    EXPECT_FALSE(copy.add(piece)); // it is not above the last one
                }
                ASSERT_TRUE(copy.consistent());
                EXPECT_EQ(copy.allocated_bytes(), ranges.allocated_bytes());
                EXPECT_EQ(copy.free_bytes(), ranges.free_bytes());
                for (const auto& block : blocks)
                    EXPECT_TRUE(copy.deallocate(block.first));
                EXPECT_EQ(copy.allocated_bytes(), 0u);
                EXPECT_TRUE(copy.consistent());
            }
        }
        for (const auto& block : blocks)
            EXPECT_TRUE(ranges.deallocate(block.first));
        EXPECT_EQ(ranges.allocated_bytes(), 0u);
        EXPECT_TRUE(ranges.consistent());
    }
}

TEST(RangeAllocatorTest, is_listed_in_full_or_not_at_all) {
    RangeAllocator ranges;
    ASSERT_TRUE(ranges.add_region(0, 1 << 20));
    for (int i = 0; i < 20; ++i)
        ASSERT_TRUE(ranges.allocate(16));
    for (size_t allowed = 0;; ++allowed) {
        test::ScarceAllocator scarce{allowed};
        Vec<RangeAllocator::Piece> pieces{scarce};
        if (!ranges.list(pieces))
            continue;
        EXPECT_EQ(pieces.size(), 21u);
        EXPECT_NE(allowed, 0u);
        break;
    }
}

TEST(RangeAllocatorTest, adds_no_impossible_piece) {
    RangeAllocator ranges;
    using Piece = RangeAllocator::Piece;
    EXPECT_FALSE(ranges.add(Piece{16, 16, true, true})); // continues nothing
    ASSERT_TRUE(ranges.add(Piece{32, 32, false, false}));
    for (const Piece& wrong :
         {Piece{64, 0, true, false}, Piece{64, 8, true, false}, Piece{65, 16, true, false},
          Piece{48, 16, true, false}, Piece{64, 16, false, true}, Piece{80, 16, true, true},
          Piece{UINT64_MAX - 15, 32, true, false}})
        EXPECT_FALSE(ranges.add(wrong)) << wrong.begin;
    EXPECT_TRUE(ranges.add(Piece{64, 16, true, true}));
    EXPECT_TRUE(ranges.consistent());
}

} // namespace
} // namespace warpbeam
