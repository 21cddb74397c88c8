#include <gtest/gtest.h>
#include <warpbeam/memory/linear_memory.hpp>

#include <algorithm>
#include <cstring>

namespace warpbeam {
namespace {

bool all_zero(const uint8_t* bytes, size_t count) {
    return std::all_of(bytes, bytes + count, [](uint8_t byte) { return byte == 0; });
}

/// Gives out memory until `budget` calls were made, and counts what is out.
class CountingAllocator final : public Allocator {
public:
    explicit CountingAllocator(size_t budget) : budget_{budget} {}
    void* allocate(size_t size, size_t alignment) noexcept override {
        if (budget_ == 0)
            return nullptr;
        --budget_;
        live_ += size;
        return Allocator::standard().allocate(size, alignment);
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        live_ -= size;
        Allocator::standard().deallocate(block, size, alignment);
    }
    [[nodiscard]] size_t live() const { return live_; }

private:
    size_t budget_;
    size_t live_ = 0;
};

TEST(LinearMemory, begins_as_zeros) {
    const auto memory = LinearMemory::create({.initial_pages = 2});
    ASSERT_TRUE(memory);
    EXPECT_EQ(memory->size(), 2u * 65536);
    EXPECT_EQ(memory->pages(), 2u);
    EXPECT_TRUE(all_zero(memory->data(), memory->size()));
}

TEST(LinearMemory, may_be_empty) {
    auto memory = LinearMemory::create({});
    ASSERT_TRUE(memory);
    EXPECT_EQ(memory->size(), 0u);
    EXPECT_TRUE(memory->grow(0));
    EXPECT_TRUE(memory->grow(1));
    EXPECT_EQ(memory->pages(), 1u);
}

TEST(LinearMemory, may_be_empty_for_ever) {
    auto memory = LinearMemory::create({.max_pages = 0});
    ASSERT_TRUE(memory);
    EXPECT_TRUE(memory->grow(0));
    EXPECT_FALSE(memory->grow(1));
}

TEST(LinearMemory, keeps_its_contents_and_its_place_when_it_grows) {
    auto memory = LinearMemory::create({.initial_pages = 1, .max_pages = 100});
    ASSERT_TRUE(memory);
    uint8_t* const base = memory->data();
    base[0] = 1;
    base[65535] = 2;
    ASSERT_TRUE(memory->grow(99));
    if constexpr (sizeof(void*) == 8) {
        EXPECT_EQ(memory->data(), base);
    }
    EXPECT_EQ(memory->data()[0], 1);
    EXPECT_EQ(memory->data()[65535], 2);
    EXPECT_TRUE(all_zero(memory->data() + 65536, 99 * 65536));
}

TEST(LinearMemory, refuses_more_than_the_maximum) {
    auto memory = LinearMemory::create({.initial_pages = 1, .max_pages = 3});
    ASSERT_TRUE(memory);
    EXPECT_FALSE(memory->grow(3));
    EXPECT_FALSE(memory->grow(UINT64_MAX));
    EXPECT_EQ(memory->pages(), 1u);
    EXPECT_TRUE(memory->grow(2));
    EXPECT_FALSE(memory->grow(1));
    EXPECT_FALSE(LinearMemory::create({.initial_pages = 4, .max_pages = 3}));
}

TEST(LinearMemory, refuses_what_no_machine_has) {
    EXPECT_FALSE(LinearMemory::create({.initial_pages = uint64_t{1} << 48, .max_pages = uint64_t{1} << 48}));
    auto memory = LinearMemory::create({.initial_pages = 1, .max_pages = uint64_t{1} << 48});
    ASSERT_TRUE(memory);
    memory->data()[7] = 9;
    EXPECT_FALSE(memory->grow((uint64_t{1} << 48) - 1));
    EXPECT_EQ(memory->pages(), 1u);
    EXPECT_EQ(memory->data()[7], 9);
}

TEST(LinearMemory, takes_pages_of_one_byte) {
    auto memory = LinearMemory::create({.page_size_log2 = 0, .initial_pages = 3, .max_pages = 10'000});
    ASSERT_TRUE(memory);
    EXPECT_EQ(memory->size(), 3u);
    std::memset(memory->data(), 0xff, 3);
    ASSERT_TRUE(memory->grow(9'997));
    EXPECT_EQ(memory->size(), 10'000u);
    EXPECT_TRUE(all_zero(memory->data() + 3, 9'997));
    EXPECT_FALSE(memory->grow(1));
}

TEST(LinearMemory, moves_when_the_reservation_is_used_up) {
    auto memory = LinearMemory::create({.initial_pages = 1, .max_pages = 100, .reservation = 2 * 65536});
    ASSERT_TRUE(memory);
    memory->data()[3] = 4;
    for (int i = 0; i < 50; ++i)
        ASSERT_TRUE(memory->grow(1));
    EXPECT_EQ(memory->data()[3], 4);
    EXPECT_TRUE(all_zero(memory->data() + 65536, 50 * 65536));
}

TEST(LinearMemory, reserves_at_least_what_it_begins_with) {
    auto memory = LinearMemory::create({.initial_pages = 5, .max_pages = 100, .reservation = 65536});
    ASSERT_TRUE(memory);
    memory->data()[5 * 65536 - 1] = 1;
}

TEST(LinearMemory, lives_in_a_block_without_a_reservation) {
    CountingAllocator allocator{100};
    {
        auto memory = LinearMemory::create(
            {.initial_pages = 1, .max_pages = 100, .reservation = 0, .allocator = &allocator});
        ASSERT_TRUE(memory);
        EXPECT_EQ(allocator.live(), 65536u) << "no more than what exists";
        memory->data()[1] = 2;
        ASSERT_TRUE(memory->grow(2));
        EXPECT_EQ(allocator.live(), 3u * 65536);
        EXPECT_EQ(memory->data()[1], 2);
        EXPECT_TRUE(all_zero(memory->data() + 2, 3 * 65536 - 2));
    }
    EXPECT_EQ(allocator.live(), 0u);
}

TEST(LinearMemory, keeps_its_block_when_there_is_no_memory) {
    CountingAllocator allocator{1};
    auto memory = LinearMemory::create(
        {.initial_pages = 1, .max_pages = 100, .reservation = 0, .allocator = &allocator});
    ASSERT_TRUE(memory);
    memory->data()[1] = 2;
    EXPECT_FALSE(memory->grow(1));
    EXPECT_EQ(memory->pages(), 1u);
    EXPECT_EQ(memory->data()[1], 2);
    EXPECT_FALSE(LinearMemory::create({.initial_pages = 1, .reservation = 0, .allocator = &allocator}));
}

TEST(LinearMemory, moves_with_its_owner) {
    auto first = LinearMemory::create({.initial_pages = 1});
    ASSERT_TRUE(first);
    first->data()[0] = 1;
    const LinearMemory second = std::move(*first);
    EXPECT_EQ(second.data()[0], 1);
    EXPECT_EQ(second.pages(), 1u);
}

} // namespace
} // namespace warpbeam
