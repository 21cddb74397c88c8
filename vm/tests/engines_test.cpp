#include <gtest/gtest.h>
#include <warpbeam/vm/memory_view.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <vector>

/// What engines have in common.

namespace warpbeam {
namespace {

/// A store with a memory of one page.
struct Small {
    Engine engine{Config{}};
    Store store{engine};
    Memory memory = Memory::create(store, {.limits = {.min = 1}}).value_or(Memory{});

    [[nodiscard]] bool has(char value) const { return MemoryView{memory}.read<char>(1) == value; }
};

TEST(Engines, share_the_places_of_small_memories_and_not_their_contents) {
    std::optional<Small> first{std::in_place};
    ASSERT_TRUE(MemoryView{first->memory}.write<char>(1, 'a'));
    std::optional<Small> second{std::in_place};
    ASSERT_TRUE(MemoryView{second->memory}.write<char>(1, 'b'));
    EXPECT_TRUE(first->has('a'));
    first.reset();
    EXPECT_TRUE(second->has('b')) << "the first of them has ended";
    first.emplace();
    EXPECT_TRUE(first->has(0));
    second.reset();
    first.reset();
    EXPECT_TRUE(Small{}.has(0)) << "there was no engine for a while";
}

#ifdef __linux__
size_t mappings() {
    std::ifstream maps{"/proc/self/maps"};
    return static_cast<size_t>(std::count(std::istreambuf_iterator<char>{maps}, {}, '\n'));
}

TEST(Engines, of_many_modules_need_few_mappings) {
    const size_t before = mappings();
    if (before == 0)
        GTEST_SKIP() << "mappings can't be seen here";
    const std::vector<Small> all(500);
    EXPECT_TRUE(all.back().has(0));
    EXPECT_LT(mappings(), before + 250);
}
#endif

} // namespace
} // namespace warpbeam
