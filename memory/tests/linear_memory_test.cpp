#include "plain_allocator.hpp"

#include <gtest/gtest.h>
#include <warpbeam/memory/discard_pages.hpp>
#include <warpbeam/memory/linear_memory.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#ifdef __linux__
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#endif

namespace warpbeam {
namespace {

bool all_zero(const uint8_t* bytes, size_t count) {
    return std::all_of(bytes, bytes + count, [](uint8_t byte) { return byte == 0; });
}

/// Allocates until `budget` calls were made, and counts what is live.
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

TEST(LinearMemory, starts_with_zeros) {
    const auto memory = LinearMemory::create({.initial_pages = 2});
    ASSERT_TRUE(memory);
    EXPECT_EQ(memory->size(), 2u * 65536);
    EXPECT_EQ(memory->pages(), 2u);
    EXPECT_TRUE(all_zero(memory->data(), memory->size()));
}

TEST(LinearMemory, has_its_own_reservation_without_slots) {
    auto memory = LinearMemory::create({.initial_pages = 1, .max_pages = 50});
    ASSERT_TRUE(memory);
    const uint8_t* const data = memory->data();
    auto* const probe = Allocator::standard().reserve(65536);
    if (probe == nullptr)
        GTEST_SKIP() << "nothing can be reserved here";
    Allocator::standard().release(probe, 65536, 0);
    for (int i = 1; i < 50; ++i)
        ASSERT_TRUE(memory->grow(1));
    EXPECT_EQ(memory->data(), data) << "it grows where it is";
}

TEST(LinearMemory, discarded_pages_are_zeros_and_others_stay) {
    constexpr size_t size = 256 * 1024;
    auto* const bytes = static_cast<uint8_t*>(Allocator::standard().allocate(size, 65536));
    ASSERT_NE(bytes, nullptr);
    const auto discarded = [&](size_t begin, size_t count) {
        std::memset(bytes, 1, size);
        discard_pages(bytes + begin, count);
        return static_cast<size_t>(std::count(bytes, bytes + size, 0));
    };
#ifdef __linux__
    EXPECT_EQ(discarded(65536, 65536), 65536u);
    EXPECT_TRUE(all_zero(bytes + 65536, 65536));
    EXPECT_EQ(discarded(65535, 65536 + 2), 65536u) << "no part of a page";
#endif
    EXPECT_EQ(discarded(100, 1000), 0u);
    EXPECT_EQ(discarded(65536, 0), 0u);
    Allocator::standard().deallocate(bytes, size, 65536);
}

TEST(LinearMemory, may_be_empty) {
    auto memory = LinearMemory::create({});
    ASSERT_TRUE(memory);
    EXPECT_EQ(memory->size(), 0u);
    EXPECT_TRUE(memory->grow(0));
    EXPECT_TRUE(memory->grow(1));
    EXPECT_EQ(memory->pages(), 1u);
}

TEST(LinearMemory, may_have_a_maximum_of_zero) {
    auto memory = LinearMemory::create({.max_pages = 0});
    ASSERT_TRUE(memory);
    EXPECT_TRUE(memory->grow(0));
    EXPECT_FALSE(memory->grow(1));
}

TEST(LinearMemory, keeps_contents_and_address_when_it_grows) {
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

TEST(LinearMemory, refuses_impossible_sizes) {
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

TEST(LinearMemory, reserves_at_least_the_initial_size) {
    auto memory = LinearMemory::create({.initial_pages = 5, .max_pages = 100, .reservation = 65536});
    ASSERT_TRUE(memory);
    memory->data()[5 * 65536 - 1] = 1;
}

TEST(LinearMemory, uses_a_block_without_a_reservation) {
    CountingAllocator allocator{100};
    {
        auto memory = LinearMemory::create(
            {.initial_pages = 1, .max_pages = 100, .reservation = 0, .allocator = &allocator});
        ASSERT_TRUE(memory);
        EXPECT_EQ(allocator.live(), 65536u) << "only the current size is allocated";
        memory->data()[1] = 2;
        ASSERT_TRUE(memory->grow(2));
        EXPECT_EQ(allocator.live(), 3u * 65536);
        EXPECT_EQ(memory->data()[1], 2);
        EXPECT_TRUE(all_zero(memory->data() + 2, 3 * 65536 - 2));
    }
    EXPECT_EQ(allocator.live(), 0u);
}

TEST(LinearMemory, keeps_its_block_when_memory_runs_out) {
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

/// Lets `calls` calls of any kind succeed and then fails; provides only what a memory needs of the operating
/// system.
class FailingAllocator final : public Allocator {
public:
    explicit FailingAllocator(size_t calls) : calls_{calls} {}
    void* allocate(size_t size, size_t alignment) noexcept override {
        return served() ? Allocator::standard().allocate(size, alignment) : nullptr;
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        Allocator::standard().deallocate(block, size, alignment);
    }
    void* reserve(size_t size) noexcept override { return served() ? Allocator::reserve(size) : nullptr; }
    bool commit(void* base, size_t from, size_t to) noexcept override {
        return served() && Allocator::commit(base, from, to);
    }
    bool map_file(void* base, size_t from, size_t to, int file) noexcept override {
        return served() && Allocator::map_file(base, from, to, file);
    }
    bool restore(void* base, size_t from, size_t to) noexcept override {
        return served() && Allocator::restore(base, from, to);
    }
    bool decommit(void* base, size_t from, size_t to) noexcept override {
        return served() && Allocator::decommit(base, from, to);
    }

private:
    bool served() { return calls_ != 0 && calls_-- != 0; }
    size_t calls_;
};

constexpr uint8_t low[] = {1, 2, 3};
constexpr uint8_t high[] = {4, 5};

std::optional<MemoryImage> two_pieces() {
    const MemoryImage::Piece pieces[] = {{10'000, low}, {40'000, high}, {10'001, high}, {50'000, {}}};
    return MemoryImage::create(pieces);
}

bool is_two_pieces(const LinearMemory& memory) {
    const uint8_t* const data = memory.data();
    return data[10'000] == 1 && data[10'001] == 4 && data[10'002] == 5 && data[40'000] == 4 &&
           data[40'001] == 5 && all_zero(data, 10'000) && all_zero(data + 10'003, 40'000 - 10'003) &&
           all_zero(data + 40'002, memory.size() - 40'002);
}

TEST(LinearMemory, shares_an_image_until_it_is_written) {
    const auto image = two_pieces();
    if (!image || Reservation::reserve(1).size() == 0)
        GTEST_SKIP() << "no images, or no address space to map them into";
    EXPECT_LE(image->end(), 65536u);
    auto one = LinearMemory::create({.initial_pages = 1});
    auto other = LinearMemory::create({.initial_pages = 1});
    ASSERT_TRUE(one && other && one->map(*image) && other->map(*image));
    EXPECT_TRUE(is_two_pieces(*one) && is_two_pieces(*other));
    one->data()[10'000] = 9;
    EXPECT_FALSE(is_two_pieces(*one));
    EXPECT_TRUE(is_two_pieces(*other));
}

TEST(LinearMemory, an_image_needs_contents) {
    EXPECT_FALSE(MemoryImage::create({}));
    const MemoryImage::Piece empty[] = {{7, {}}};
    EXPECT_FALSE(MemoryImage::create(empty));
}

#ifdef __linux__
TEST(LinearMemoryDeathTest, an_image_closes_its_file) {
    const auto run = [](int before) {
        for (int i = 0; i < before; ++i)
            (void)dup(STDERR_FILENO);
        close(before); // the lowest number that is free is for the image
        const bool made = two_pieces().has_value();
        std::_Exit(made && open("/dev/null", O_RDONLY) == before ? 42 : 43);
    };
    EXPECT_EXIT(run(0), ::testing::ExitedWithCode(42), "");
    EXPECT_EXIT(run(5), ::testing::ExitedWithCode(42), "");
}

TEST(LinearMemory, an_image_may_have_half_of_the_largest_size) {
    constexpr uint64_t most = std::min<uint64_t>(INT64_MAX, SIZE_MAX) / 2;
    for (const uint64_t end : {most, most + 1}) {
        const MemoryImage::Piece pieces[] = {{end - 3, low}};
        EXPECT_EQ(MemoryImage::create(pieces).has_value(), end == most);
    }
}

TEST(LinearMemoryDeathTest, file_size_limit_prevents_images) {
    // A process is killed by a signal when its file gets too long.
    const auto run = [](rlim_t bytes) {
        rlimit limit{};
        limit.rlim_cur = limit.rlim_max = bytes;
        std::_Exit(setrlimit(RLIMIT_FSIZE, &limit) != 0 ? 43 : two_pieces() ? 41 : 42);
    };
    EXPECT_EXIT(run(20'000), ::testing::ExitedWithCode(42), "");
    const rlim_t whole = Reservation::round_up(40'002);
    EXPECT_EXIT(run(whole - 1), ::testing::ExitedWithCode(42), "");
    EXPECT_EXIT(run(whole), ::testing::ExitedWithCode(41), "");
}
#endif

TEST(LinearMemory, cannot_map_an_image_into_a_block) {
    const auto image = two_pieces();
    auto memory = LinearMemory::create({.initial_pages = 1, .reservation = 0});
    ASSERT_TRUE(memory);
    if (image) {
        EXPECT_FALSE(memory->map(*image));
    }
    EXPECT_TRUE(all_zero(memory->data(), memory->size()));
}

TEST(LinearMemory, resets_to_zeros) {
    for (const uint64_t reservation : {uint64_t{0}, uint64_t{1} << 30}) {
        auto memory =
            LinearMemory::create({.initial_pages = 2, .max_pages = 100, .reservation = reservation});
        ASSERT_TRUE(memory && memory->grow(5));
        std::memset(memory->data(), 0xff, memory->size());
        ASSERT_TRUE(memory->reset());
        EXPECT_EQ(memory->pages(), 2u);
        EXPECT_TRUE(all_zero(memory->data(), memory->size()));
        ASSERT_TRUE(memory->grow(7));
        EXPECT_TRUE(all_zero(memory->data(), memory->size()));
        ASSERT_TRUE(memory->reset());
        EXPECT_EQ(memory->pages(), 2u);
    }
}

TEST(LinearMemory, never_has_the_same_placement_again) {
    for (const uint64_t reservation : {uint64_t{0}, uint64_t{4} * 65536}) {
        auto memory =
            LinearMemory::create({.initial_pages = 2, .max_pages = 100, .reservation = reservation});
        ASSERT_TRUE(memory);
        uint64_t last = memory->placement();
        EXPECT_NE(last, 0u);
        for (int round = 0; round < 3; ++round) {
            ASSERT_TRUE(memory->reset());
            EXPECT_GT(memory->placement(), last);
            last = memory->placement();
            ASSERT_TRUE(memory->grow(20)); // beyond the reservation in the first round
            EXPECT_GE(memory->placement(), last);
            last = memory->placement();
        }
    }
}

TEST(LinearMemory, resets_within_a_host_page) {
    for (const uint64_t reservation : {uint64_t{0}, uint64_t{1} << 30}) {
        auto memory = LinearMemory::create(
            {.page_size_log2 = 0, .initial_pages = 3, .max_pages = 100, .reservation = reservation});
        ASSERT_TRUE(memory && memory->grow(50));
        std::memset(memory->data(), 0xff, memory->size());
        ASSERT_TRUE(memory->reset());
        EXPECT_EQ(memory->size(), 3u);
        ASSERT_TRUE(memory->grow(97));
        EXPECT_TRUE(all_zero(memory->data(), memory->size()));
    }
}

TEST(LinearMemory, resets_to_its_image) {
    const auto image = two_pieces();
    if (!image || Reservation::reserve(1).size() == 0)
        GTEST_SKIP() << "no images, or no address space to map them into";
    auto memory = LinearMemory::create({.initial_pages = 1, .max_pages = 10});
    ASSERT_TRUE(memory && memory->map(*image) && memory->grow(3));
    std::memset(memory->data(), 0xff, memory->size());
    ASSERT_TRUE(memory->reset());
    EXPECT_TRUE(is_two_pieces(*memory));
    EXPECT_TRUE(memory->map(*image)) << "it is mapped already";
    EXPECT_EQ(memory->size(), 65536u);
}

TEST(LinearMemory, grows_within_what_it_has_when_memory_runs_out) {
    test::PlainAllocator plain{false};
    auto block =
        LinearMemory::create({.initial_pages = 1, .max_pages = 9, .reservation = 0, .allocator = &plain});
    auto bytes = LinearMemory::create(
        {.page_size_log2 = 0, .initial_pages = 1, .max_pages = 100, .allocator = &plain});
    ASSERT_TRUE(block && bytes && block->grow(1) && block->reset());
    plain.allow(0);
    EXPECT_TRUE(block->grow(1)) << "the block was not replaced by the reset";
    EXPECT_FALSE(block->grow(1));
    if (Reservation::reserve(1).size() != 0) {
        EXPECT_TRUE(bytes->grow(1)) << "the page of the host is committed";
    }
}

TEST(LinearMemory, survives_every_failure) {
    const auto image = two_pieces();
    for (size_t calls = 0; calls < 8; ++calls) {
        FailingAllocator failing{calls};
        auto memory = LinearMemory::create({.initial_pages = 1, .max_pages = 10, .allocator = &failing});
        if (!memory)
            continue;
        const bool mapped = image && memory->map(*image);
        if (mapped) {
            EXPECT_TRUE(is_two_pieces(*memory));
        } else
            EXPECT_TRUE(all_zero(memory->data(), memory->size()));
        const bool grown = memory->grow(1);
        EXPECT_EQ(memory->pages(), grown ? 2u : 1u);
        std::memset(memory->data(), 0xff, memory->size());
        if (memory->reset()) {
            EXPECT_EQ(memory->pages(), 1u);
            // Written contents are lost in any case; the image is restored or can be mapped again.
            if (memory->data()[10'000] != 0) {
                EXPECT_TRUE(is_two_pieces(*memory));
            } else
                EXPECT_TRUE(all_zero(memory->data(), memory->size()));
        } else {
            EXPECT_EQ(memory->pages(), 2u);
            EXPECT_EQ(memory->data()[5], 0xff);
        }
    }
}

TEST(LinearMemory, is_guarded_or_creation_fails) {
    FailingAllocator none{0};
    EXPECT_FALSE(LinearMemory::create({.guarded = true, .allocator = &none}));
    const auto memory = LinearMemory::create({.max_pages = 0, .guarded = true});
    if (memory) {
        EXPECT_TRUE(memory->data() != nullptr);
    }
}

} // namespace
} // namespace warpbeam
