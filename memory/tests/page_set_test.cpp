#include "scarce_allocator.hpp"

#include <gtest/gtest.h>
#include <warpbeam/memory/page_set.hpp>

#include <random>
#include <set>
#include <vector>

namespace warpbeam {
namespace {

constexpr size_t page_size = PageSet::page_size;

TEST(PageSet, agrees_with_a_model) {
    std::mt19937 random{3};
    PageSet set;
    for (const size_t pages : {0u, 1u, 63u, 64u, 65u, 128u, 1000u})
        for (int round = 0; round < 50; ++round) {
            ASSERT_TRUE(set.start(pages * page_size));
            ASSERT_EQ(set.pages(), pages);
            std::set<size_t> model;
            const unsigned density = random() % 4;
            for (size_t page = 0; page < pages; ++page)
                if (random() % 4 < density) {
                    set.add(page);
                    model.insert(page);
                }
            if (!model.empty() && random() % 2 == 0) {
                set.remove(*model.begin());
                model.erase(model.begin());
            }
            EXPECT_EQ(set.count(), model.size());
            std::vector<size_t> found;
            set.for_each_run([&](size_t offset, size_t length) {
                EXPECT_FALSE(offset != 0 && set.has(offset / page_size - 1));
                for (; length != 0; length -= page_size, offset += page_size)
                    found.push_back(offset / page_size);
            });
            EXPECT_EQ(found, (std::vector<size_t>{model.begin(), model.end()}));
        }
}

TEST(PageSet, the_last_page_may_be_short) {
    PageSet set;
    ASSERT_TRUE(set.start(2 * page_size + 5));
    EXPECT_EQ(set.pages(), 3u);
    EXPECT_EQ(set.length_of(2), 5u);
    set.add_bytes(page_size - 1, page_size + 1);
    EXPECT_TRUE(set.has(0) && set.has(1) && !set.has(2));
    set.add_bytes(0, SIZE_MAX);
    size_t bytes = 0;
    set.for_each_run([&](size_t, size_t length) { bytes += length; });
    EXPECT_EQ(bytes, 2 * page_size + 5);
    ASSERT_TRUE(set.start(1));
    EXPECT_EQ(set.count(), 0u);
}

TEST(PageSet, is_empty_without_memory) {
    test::ScarceAllocator scarce{0};
    PageSet set{scarce};
    EXPECT_FALSE(set.start(page_size));
    EXPECT_EQ(set.pages(), 0u);
    EXPECT_TRUE(set.start(0));
}

} // namespace
} // namespace warpbeam
