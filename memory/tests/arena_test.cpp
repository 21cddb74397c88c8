#include "scarce_allocator.hpp"

#include <gtest/gtest.h>
#include <warpbeam/memory/arena.hpp>

#include <span>

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

} // namespace
} // namespace warpbeam::test
