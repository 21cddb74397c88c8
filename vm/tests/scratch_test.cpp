#include "lower/recycler.hpp"
#include "lower/scratch.hpp"
#include "scarce_allocator.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <vector>

/// The memory of the lowering's tables.

namespace warpbeam::vm {
namespace {

using test::ScarceAllocator;

TEST(Scratch, blocks_are_aligned_and_apart) {
    ScarceAllocator scarce{1000};
    {
        Scratch scratch{scarce};
        std::vector<unsigned char*> blocks;
        const size_t sizes[] = {1, 16, 17, 1000, 1024, 1025, 5000};
        for (int i = 0; i < 50; ++i)
            for (const size_t size : sizes) {
                auto* const block = static_cast<unsigned char*>(scratch.allocate(size, 8));
                ASSERT_NE(block, nullptr);
                EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % 8, 0u);
                std::memset(block, static_cast<int>(blocks.size() % 251), size);
                blocks.push_back(block);
            }
        for (size_t i = 0; i < blocks.size(); ++i) {
            const size_t size = sizes[i % std::size(sizes)];
            for (size_t at = 0; at < size; at += size - 1 + (size == 1 ? 1 : 0))
                ASSERT_EQ(blocks[i][at], i % 251) << i;
            scratch.deallocate(blocks[i], size, 8);
        }
    }
    EXPECT_EQ(scarce.live, 0);
}

TEST(Scratch, reports_that_memory_ran_out) {
    ScarceAllocator scarce{2};
    {
        Scratch scratch{scarce};
        ASSERT_NE(scratch.allocate(100, 8), nullptr);
        void* const large = scratch.allocate(4000, 8);
        ASSERT_NE(large, nullptr);
        EXPECT_EQ(scratch.allocate(4000, 8), nullptr);
        EXPECT_EQ(scratch.allocate(1000, 8), nullptr);
        EXPECT_NE(scratch.allocate(100, 8), nullptr) << "there is room for this";
        scratch.deallocate(large, 4000, 8);
    }
    EXPECT_EQ(scarce.live, 0);
}

TEST(Recycler, gives_out_again_what_was_freed) {
    ScarceAllocator scarce{2};
    {
        Recycler recycler{scarce};
        void* const small = recycler.allocate(1, 1);
        void* const block = recycler.allocate(3000, 8);
        ASSERT_NE(small, nullptr);
        ASSERT_NE(block, nullptr);
        EXPECT_EQ(recycler.allocate(3000, 8), nullptr) << "memory has run out";
        recycler.deallocate(block, 3000, 8);
        EXPECT_EQ(recycler.allocate(2000, 8), nullptr) << "of another size";
        EXPECT_EQ(recycler.allocate(4096, 16), block);
        recycler.deallocate(block, 4096, 16);
        recycler.deallocate(small, 1, 1);
    }
    EXPECT_EQ(scarce.live, 0);
}

TEST(Recycler, leaves_what_is_large_to_its_parent) {
    ScarceAllocator scarce{2};
    Recycler recycler{scarce};
    constexpr size_t large = size_t{1} << 20;
    void* const block = recycler.allocate(large, 8);
    ASSERT_NE(block, nullptr);
    recycler.deallocate(block, large, 8);
    EXPECT_EQ(scarce.live, 0);
    void* const page = recycler.allocate(64, 4096);
    ASSERT_NE(page, nullptr);
    recycler.deallocate(page, 64, 4096);
    EXPECT_EQ(scarce.live, 0);
}

} // namespace
} // namespace warpbeam::vm
