#include "scarce_allocator.hpp"

#include <gtest/gtest.h>
#include <warpbeam/memory/hash.hpp>
#include <warpbeam/memory/hash_index.hpp>

#include <set>
#include <string>
#include <utility>
#include <vector>

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

TEST(SeededHash, names_that_collide_elsewhere_do_not_here) {
    // Those whose ordinary hash ends with ten zeros.
    std::vector<std::string> names;
    for (int i = 0; names.size() < 2'000; ++i)
        if (std::string name = "n" + std::to_string(i); hash_of(std::string_view{name}) % 1024 == 0)
            names.push_back(std::move(name));
    std::set<uint32_t> ends;
    std::set<uint32_t> others;
    size_t same = 0;
    for (const std::string& name : names) {
        const uint32_t hash = SeededHash{uint64_t{1}}.add(std::string_view{name}).finish();
        const uint32_t other = SeededHash{uint64_t{2}}.add(std::string_view{name}).finish();
        ends.insert(hash % 65536);
        others.insert(other % 65536);
        same += hash == other ? 1 : 0;
    }
    EXPECT_GT(ends.size(), 1'900u);
    EXPECT_GT(others.size(), 1'900u);
    EXPECT_LE(same, 2u);
}

TEST(SeededHash, depends_on_every_byte_and_where_it_ends) {
    const auto hash = [](std::initializer_list<std::string_view> parts) {
        SeededHash all{uint64_t{7}};
        for (const std::string_view part : parts)
            all.add(part);
        return all.finish();
    };
    std::set<uint32_t> seen;
    std::string text = "the quick brown fox";
    seen.insert(hash({text}));
    for (char& c : text) {
        const char before = std::exchange(c, '!');
        seen.insert(hash({text}));
        c = before;
    }
    for (size_t size = 0; size < text.size(); ++size)
        seen.insert(hash({std::string_view{text}.substr(0, size)}));
    for (size_t size = 0; size <= text.size(); ++size)
        seen.insert(hash({std::string_view{text}.substr(0, size), std::string_view{text}.substr(size)}));
    EXPECT_EQ(seen.size(), 1 + 3 * text.size() + 1);
}

} // namespace
} // namespace warpbeam::test
