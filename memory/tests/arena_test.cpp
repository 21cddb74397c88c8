#include "scarce_allocator.hpp"

#include <gtest/gtest.h>
#include <warpbeam/memory/accounting_allocator.hpp>
#include <warpbeam/memory/arena.hpp>

#include <cstring>
#include <span>
#include <vector>

namespace warpbeam::test {
namespace {

TEST(Arena, gives_stable_addresses_and_all_memory_back) {
    ScarceAllocator scarce{1000};
    {
        Arena arena{scarce};
        const int first[] = {1, 2, 3};
        const auto kept = arena.copy(std::span<const int>{first});
        ASSERT_TRUE(kept);
        for (size_t size : {size_t{1}, size_t{100}, size_t{10'000}, size_t{1'000'000}, size_t{1}})
            ASSERT_TRUE(arena.array<int>(size));
        EXPECT_EQ((*kept)[2], 3);
        EXPECT_TRUE(arena.array<int>(0));
        EXPECT_FALSE(arena.array<int>(SIZE_MAX / 2));
    }
    EXPECT_EQ(scarce.live, 0);
}

TEST(Arena, failure_is_a_value) {
    ScarceAllocator scarce{0};
    Arena arena{scarce};
    EXPECT_FALSE(arena.array<int>(1));
}

TEST(Arena, an_array_has_the_room_it_asked_for) {
    AccountingAllocator counted;
    Arena arena{counted};
    const auto large = arena.array<uint8_t>(10'000);
    ASSERT_TRUE(large);
    ASSERT_GE(counted.blocks().live, 10'000u);
    std::memset(large->data(), 1, large->size());
    EXPECT_EQ(large->back(), 1);
}

/// Lists the sizes of the blocks.
class ListingAllocator final : public Allocator {
public:
    void* allocate(size_t size, size_t alignment) noexcept override {
        sizes.push_back(size);
        return standard().allocate(size, alignment);
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        standard().deallocate(block, size, alignment);
    }
    std::vector<size_t> sizes;
};

TEST(Arena, chunks_double_up_to_the_largest) {
    ListingAllocator listing;
    Arena arena{listing};
    while (listing.sizes.size() < 10)
        ASSERT_TRUE(arena.array<uint8_t>(16));
    EXPECT_EQ(listing.sizes,
              (std::vector<size_t>{512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 65536, 65536}));
}

TEST(Arena, a_chunk_is_used_to_its_end) {
    ListingAllocator listing;
    Arena arena{listing};
    for (int i = 0; i < 31; ++i) // 512 bytes with the head of 16
        ASSERT_TRUE(arena.array<uint8_t>(16));
    EXPECT_EQ(listing.sizes, (std::vector<size_t>{512}));
}

TEST(Arena, an_array_of_half_a_chunk_leaves_room_for_others) {
    ListingAllocator listing;
    Arena arena{listing};
    ASSERT_TRUE(arena.array<uint8_t>(256) && arena.array<uint8_t>(128));
    EXPECT_EQ(listing.sizes, (std::vector<size_t>{512}));
}

} // namespace
} // namespace warpbeam::test
