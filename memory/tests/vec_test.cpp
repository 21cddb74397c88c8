#include "scarce_allocator.hpp"

#include <gtest/gtest.h>
#include <warpbeam/memory/vec.hpp>

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

} // namespace
} // namespace warpbeam::test
