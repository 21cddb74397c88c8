#include "plain_allocator.hpp"

#include <gtest/gtest.h>
#include <warpbeam/memory/accounting_allocator.hpp>
#include <warpbeam/memory/linear_memory.hpp>

#include <atomic>
#include <thread>
#include <vector>

namespace warpbeam {
namespace {

TEST(AccountingAllocator, counts_blocks) {
    AccountingAllocator counted;
    void* const a = counted.allocate(100, 8);
    void* const b = counted.allocate(50, 64);
    ASSERT_TRUE(a != nullptr && b != nullptr);
    counted.deallocate(a, 100, 8);
    EXPECT_EQ(counted.blocks().live, 50u);
    EXPECT_EQ(counted.blocks().peak, 150u);
    EXPECT_EQ(counted.blocks().calls, 2u);
    counted.deallocate(b, 50, 64);
    EXPECT_EQ(counted.blocks().live, 0u);
}

TEST(AccountingAllocator, counts_the_address_space_of_memories_apart) {
    if (Reservation::reserve(1).size() == 0)
        GTEST_SKIP() << "no address space to reserve here";
    AccountingAllocator counted;
    {
        auto memory = LinearMemory::create({.initial_pages = 2, .max_pages = 10, .allocator = &counted});
        ASSERT_TRUE(memory);
        EXPECT_EQ(counted.blocks().calls, 0u);
        EXPECT_EQ(counted.reserved().live, 10u * 65536);
        EXPECT_EQ(counted.committed().live, 2u * 65536);
        EXPECT_EQ(counted.reserved().calls, 1u);
        EXPECT_EQ(counted.committed().calls, 1u);
        ASSERT_TRUE(memory->grow(3));
        EXPECT_EQ(counted.committed().calls, 2u);
        EXPECT_EQ(counted.committed().live, 5u * 65536);
        ASSERT_TRUE(memory->reset());
        EXPECT_EQ(counted.committed().live, 2u * 65536);
    }
    EXPECT_EQ(counted.reserved().live, 0u);
    EXPECT_EQ(counted.committed().live, 0u);
    EXPECT_EQ(counted.committed().peak, 5u * 65536);
}

TEST(AccountingAllocator, refuses_what_exceeds_its_limit) {
    if (Reservation::reserve(1).size() == 0)
        GTEST_SKIP() << "no address space to reserve here: a memory that grows is copied";
    AccountingAllocator counted{Allocator::standard(), 3 * 65536};
    void* const block = counted.allocate(65536, 8);
    ASSERT_TRUE(block != nullptr);
    auto memory = LinearMemory::create({.initial_pages = 1, .max_pages = 10, .allocator = &counted});
    ASSERT_TRUE(memory);
    EXPECT_EQ(counted.allocate(65537, 8), nullptr);
    const uint64_t calls = counted.committed().calls;
    EXPECT_FALSE(memory->grow(2));
    EXPECT_GT(counted.committed().calls, calls) << "a refused request counts";
    EXPECT_EQ(memory->pages(), 1u);
    EXPECT_TRUE(memory->grow(1));
    EXPECT_EQ(counted.allocate(1, 1), nullptr);
    counted.deallocate(block, 65536, 8);
    EXPECT_TRUE(memory->grow(1));
}

TEST(AccountingAllocator, counts_what_could_not_be_given_back) {
    test::PlainAllocator source{true};
    AccountingAllocator counted{source};
    constexpr size_t page = 65536;
    void* const base = counted.reserve(4 * page);
    if (base == nullptr)
        GTEST_SKIP() << "no address space to reserve here";
    ASSERT_TRUE(counted.commit(base, 0, 4 * page));
    source.allow(0);
    EXPECT_FALSE(counted.decommit(base, page, 4 * page));
    EXPECT_EQ(counted.committed().live, 4 * page);
    counted.release(base, 4 * page, 4 * page);
    EXPECT_EQ(counted.committed().live, 0u);
}

TEST(AccountingAllocator, counts_for_several_threads) {
    AccountingAllocator counted{Allocator::standard(), 4 * 1000};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int k = 0; k < 1000; ++k) {
                void* const block = counted.allocate(1000, 8);
                EXPECT_TRUE(block != nullptr);
                counted.deallocate(block, 1000, 8);
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(counted.blocks().live, 0u);
    EXPECT_EQ(counted.blocks().calls, 4000u);
    EXPECT_LE(counted.blocks().peak, 4000u);
}

TEST(AccountingAllocator, the_peak_is_that_of_all_threads) {
    constexpr size_t count = 3;
    for (int round = 0; round < 50; ++round) {
        AccountingAllocator counted;
        std::atomic<size_t> ready = 0;
        std::vector<std::thread> threads;
        std::vector<void*> blocks[count];
        for (std::vector<void*>& own : blocks)
            threads.emplace_back([&counted, &ready, &own] {
                ++ready;
                while (ready != count) {
                }
                for (int i = 0; i < 100; ++i)
                    own.push_back(counted.allocate(16, 16));
            });
        for (std::thread& thread : threads)
            thread.join();
        EXPECT_EQ(counted.blocks().live, count * 1600);
        EXPECT_EQ(counted.blocks().peak, counted.blocks().live);
        for (const std::vector<void*>& own : blocks)
            for (void* const block : own)
                counted.deallocate(block, 16, 16);
    }
}

} // namespace
} // namespace warpbeam
