#include <gtest/gtest.h>
#include <warpbeam/memory/arena.hpp>
#include <warpbeam/memory/hash_index.hpp>
#include <warpbeam/memory/vec.hpp>

#include <memory>
#include <vector>

namespace warpbeam {
namespace {

/// Has memory for a limited number of allocations, and counts the live ones.
class Scarce final : public Allocator {
public:
    explicit Scarce(size_t successes) : successes_{successes} {}
    void* allocate(size_t size, size_t alignment) noexcept override {
        if (successes_ == 0)
            return nullptr;
        --successes_;
        ++live;
        return standard().allocate(size, alignment);
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        --live;
        standard().deallocate(block, size, alignment);
    }
    int live = 0;

private:
    size_t successes_;
};

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
    Scarce scarce{1};
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

TEST(Arena, gives_stable_addresses_and_all_memory_back) {
    Scarce scarce{1000};
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
    Scarce scarce{0};
    Arena arena{scarce};
    EXPECT_FALSE(arena.array<int>(1));
}

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
    Scarce scarce{1};
    HashIndex index{scarce};
    uint32_t count = 0;
    while (index.insert(count, count))
        ++count;
    EXPECT_EQ(index.size(), count);
    EXPECT_EQ(index.find(count - 1, [&](uint32_t position) { return position == count - 1; }), count - 1);
}

} // namespace
} // namespace warpbeam
