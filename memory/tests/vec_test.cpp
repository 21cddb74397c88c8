#include "scarce_allocator.hpp"

#include <gtest/gtest.h>
#include <warpbeam/memory/vec.hpp>

#include <cstring>
#include <memory>
#include <vector>

namespace warpbeam::test {
namespace {

TEST(Vec, grows_and_keeps_its_elements) {
    Vec<std::unique_ptr<int>> vec;
    for (int i = 0; i < 100; ++i)
        ASSERT_TRUE(vec.push(std::make_unique<int>(i)));
    EXPECT_EQ(vec.size(), 100u);
    EXPECT_EQ(*vec[99], 99);
    vec.truncate(3);
    EXPECT_EQ(*vec.back(), 2);
    vec.shrink_to_fit();
    EXPECT_EQ(vec.capacity(), 3u);
}

TEST(Vec, can_push_its_own_element) {
    Vec<int> vec;
    for (int i = 0; i < 8; ++i)
        ASSERT_TRUE(vec.push(i));
    ASSERT_TRUE(vec.emplace(vec[7]) != nullptr);
    EXPECT_EQ(vec[8], 7);
}

TEST(Vec, failure_changes_nothing) {
    ScarceAllocator scarce{1};
    {
        Vec<int> vec{scarce};
        ASSERT_TRUE(vec.resize(4));
        vec[3] = 7;
        EXPECT_FALSE(vec.resize(1000));
        const std::vector<int> more(100, 1);
        EXPECT_FALSE(vec.append(more));
        EXPECT_EQ(vec.size(), 4u);
        EXPECT_EQ(vec[3], 7);
        EXPECT_FALSE(vec.reserve(SIZE_MAX / 2));
    }
    EXPECT_EQ(scarce.live, 0);
}

/// Refuses everything, and knows what was asked for.
class AskedAllocator final : public Allocator {
public:
    void* allocate(size_t size, size_t) noexcept override {
        ++requests;
        last = size;
        return nullptr;
    }
    void deallocate(void*, size_t, size_t) noexcept override {}
    size_t requests = 0;
    size_t last = 0;
};

TEST(Vec, asks_for_all_the_memory_there_is_but_not_for_more) {
    AskedAllocator asked;
    Vec<uint32_t> vec{asked};
    // Where g++ 12 knows the number, it warns of so large a block.
    const volatile size_t unknown = SIZE_MAX / sizeof(uint32_t);
    const size_t most = unknown;
    EXPECT_FALSE(vec.resize(most));
    EXPECT_EQ(asked.last, most * sizeof(uint32_t));
    EXPECT_FALSE(vec.reserve(most));
    EXPECT_FALSE(vec.reserve_more(most));
    EXPECT_EQ(asked.requests, 3u);
    EXPECT_FALSE(vec.resize(most + 1));
    EXPECT_FALSE(vec.reserve(most + 1));
    EXPECT_FALSE(vec.reserve_more(most + 1));
    EXPECT_EQ(asked.requests, 3u);
}

TEST(Vec, destroys_exactly_what_it_loses) {
    const auto shared = std::make_shared<int>(1);
    Vec<std::shared_ptr<int>> vec;
    for (int i = 0; i < 8; ++i) // as many as there is room for
        ASSERT_TRUE(vec.push(shared));
    EXPECT_EQ(shared.use_count(), 9);
    ASSERT_TRUE(vec.resize(3));
    EXPECT_EQ(shared.use_count(), 4);
    ASSERT_TRUE(vec.resize(0));
    EXPECT_EQ(shared.use_count(), 1);
}

TEST(Vec, grows_by_more_than_it_has) {
    Vec<uint8_t> vec;
    ASSERT_TRUE(vec.push(1));
    const std::vector<uint8_t> more(1000, 2);
    ASSERT_TRUE(vec.append(more));
    EXPECT_EQ(vec.size(), 1001u);
    EXPECT_EQ(vec[1000], 2);
}

TEST(Vec, takes_over_elements_that_were_written_to_its_room) {
    Vec<int> vec;
    ASSERT_TRUE(vec.push(1) && vec.reserve_more(100));
    EXPECT_GE(vec.capacity(), 101u);
    EXPECT_EQ(vec.size(), 1u);
    int* const end = vec.end();
    end[0] = 2;
    end[1] = 3;
    vec.set_end(end + 2);
    EXPECT_EQ(vec.size(), 3u);
    EXPECT_EQ(vec[0] + vec[1] + vec[2], 6);
    const size_t capacity = vec.capacity();
    ASSERT_TRUE(vec.reserve_more(capacity - vec.size()));
    EXPECT_EQ(vec.capacity(), capacity);
    EXPECT_FALSE(vec.reserve_more(SIZE_MAX - 1));
    EXPECT_EQ(vec.size(), 3u);
}

TEST(Vec, at_least_doubles_when_it_makes_room) {
    Vec<int> vec;
    ASSERT_TRUE(vec.reserve(8) && vec.push(1) && vec.reserve_more(8));
    EXPECT_EQ(vec.capacity(), 16u);
}

TEST(Vec, takes_no_more_room_than_doubling) {
    Vec<int> vec;
    ASSERT_TRUE(vec.resize(10));
    ASSERT_TRUE(vec.resize(11));
    EXPECT_EQ(vec.capacity(), 20u);
    ASSERT_TRUE(vec.resize(20));
    EXPECT_EQ(vec.capacity(), 20u);
}

TEST(Vec, stays_where_it_is_if_there_is_nothing_to_free) {
    Vec<int> vec;
    ASSERT_TRUE(vec.resize(8));
    vec.shrink_to_fit();
    const int* const full = vec.data();
    vec.shrink_to_fit();
    EXPECT_EQ(vec.data(), full);
}

TEST(Vec, assigning_replaces_all_elements) {
    Vec<int> vec;
    for (const std::vector<int>& values : {std::vector<int>{1, 2, 3}, {4, 5}, {}, {6, 7, 8, 9}}) {
        ASSERT_TRUE(vec.assign(values));
        EXPECT_EQ(std::vector<int>(vec.begin(), vec.end()), values);
    }
}

TEST(Vec, without_elements_shrinks_to_nothing) {
    ScarceAllocator scarce{1};
    Vec<int> vec{scarce};
    ASSERT_TRUE(vec.resize(8));
    vec.clear();
    EXPECT_EQ(scarce.live, 1);
    vec.shrink_to_fit();
    EXPECT_EQ(vec.capacity(), 0u);
    EXPECT_EQ(scarce.live, 0);
}

TEST(Vec, of_a_small_build_moves_its_block) {
    ScarceAllocator scarce{2};
    void* const first = detail::move_block(scarce, nullptr, 0, 0, 4, 1);
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(scarce.live, 1);
    std::memcpy(first, "abc", 4);
    void* const second = detail::move_block(scarce, first, 3, 4, 8, 1);
    ASSERT_NE(second, nullptr);
    EXPECT_EQ(scarce.live, 1) << "the old block was freed";
    EXPECT_EQ(std::memcmp(second, "abc", 3), 0);
    EXPECT_EQ(detail::move_block(scarce, second, 3, 8, 16, 1), nullptr);
    EXPECT_EQ(scarce.live, 1) << "nothing has changed";
    scarce.deallocate(second, 8, 1);
}

} // namespace
} // namespace warpbeam::test
