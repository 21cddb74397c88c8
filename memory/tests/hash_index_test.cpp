#include "scarce_allocator.hpp"

#include <gtest/gtest.h>
#include <warpbeam/memory/hash_index.hpp>

namespace warpbeam::test {
namespace {

TEST(HashIndex, finds_by_hash_and_comparison) {
    HashIndex index;
    const auto hash = [](uint32_t i) { return i % 7; }; // many collisions
    for (uint32_t i = 0; i < 200; ++i)
        ASSERT_TRUE(index.insert(hash(i), i));
    for (uint32_t i = 0; i < 200; ++i)
        EXPECT_EQ(index.find(hash(i), [&](uint32_t position) { return position == i; }), i);
    EXPECT_EQ(index.find(3, [](uint32_t) { return false; }), HashIndex::npos);
    EXPECT_EQ(index.size(), 200u);
}

TEST(HashIndex, failure_changes_nothing) {
    ScarceAllocator scarce{1};
    HashIndex index{scarce};
    uint32_t count = 0;
    while (index.insert(count, count))
        ++count;
    EXPECT_EQ(count, 8u) << "half of the first sixteen cells";
    EXPECT_EQ(index.size(), count);
    EXPECT_EQ(index.find(count - 1, [&](uint32_t position) { return position == count - 1; }), count - 1);
}

} // namespace
} // namespace warpbeam::test
