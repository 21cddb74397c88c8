#include "scarce_allocator.hpp"

#include <gtest/gtest.h>
#include <warpbeam/memory/accounting_allocator.hpp>
#include <warpbeam/memory/linear_memory.hpp>
#include <warpbeam/memory/memory_slots.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace warpbeam {
namespace {

using Slot = MemorySlots::Slot;

constexpr size_t kib = 1024;

bool all_zero(const uint8_t* bytes, size_t count) {
    return std::all_of(bytes, bytes + count, [](uint8_t byte) { return byte == 0; });
}

bool has_address_space() { return Reservation::reserve(1).size() != 0; }

/// The process's mappings.
[[maybe_unused]] size_t mappings() {
    std::ifstream file("/proc/self/maps");
    size_t count = 0;
    for (std::string line; std::getline(file, line);)
        ++count;
    return count;
}

/// Reserves nothing, or can't restore.
class PoorAllocator final : public Allocator {
public:
    explicit PoorAllocator(bool reserves) : reserves_{reserves} {}
    void* allocate(size_t size, size_t alignment) noexcept override {
        return standard().allocate(size, alignment);
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        standard().deallocate(block, size, alignment);
    }
    void* reserve(size_t size) noexcept override { return reserves_ ? Allocator::reserve(size) : nullptr; }
    bool restore(void*, size_t, size_t) noexcept override { return false; }

private:
    bool reserves_;
};

class MemorySlotsTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (!has_address_space())
            GTEST_SKIP() << "no address space to reserve here";
    }
    [[nodiscard]] std::optional<LinearMemory> memory(uint64_t pages, uint64_t max_pages = 65536) {
        return LinearMemory::create(
            {.initial_pages = pages, .max_pages = max_pages, .slots = &slots_, .allocator = &counted_});
    }
    [[nodiscard]] uint64_t committed() const { return counted_.committed().live; }

    AccountingAllocator counted_;
    MemorySlots slots_{counted_};
};

TEST_F(MemorySlotsTest, slots_are_apart_and_large_enough) {
    std::vector<Slot> slots;
    for (int round = 0; round < 70; ++round)
        for (const size_t size : {size_t{1}, 64 * kib, 64 * kib + 1, 128 * kib, 512 * kib, 1024 * kib}) {
            slots.push_back(slots_.take(size));
            ASSERT_GE(slots.back().size(), size);
            ASSERT_LT(slots.back().size(), std::max(2 * size, 65 * kib));
            EXPECT_TRUE(slots.back().base()[0] == 0 && slots.back().base()[slots.back().size() - 1] == 0);
            std::memset(slots.back().base(), 0xff, slots.back().size());
        }
    std::ranges::sort(slots, {}, [](const Slot& slot) { return slot.base(); });
    for (size_t i = 1; i < slots.size(); ++i)
        EXPECT_LE(slots[i - 1].base() + slots[i - 1].size(), slots[i].base());
    EXPECT_EQ(slots_.take(MemorySlots::max_size + 1).size(), 0u);
    EXPECT_EQ(slots_.take(SIZE_MAX).size(), 0u);
}

TEST_F(MemorySlotsTest, counts_what_is_in_use) {
    std::vector<Slot> slots;
    for (int i = 0; i < 200; ++i)
        slots.push_back(slots_.take(64 * kib));
    EXPECT_EQ(committed(), 200 * 64 * kib);
    while (!slots.empty()) {
        slots.pop_back();
        EXPECT_EQ(committed(), slots.size() * 64 * kib);
    }
    EXPECT_EQ(counted_.reserved().live, 64 * 64 * kib) << "one slab is kept";
}

TEST_F(MemorySlotsTest, a_slot_is_zeros_again_when_it_is_taken_again) {
    std::mt19937 random{7};
    std::vector<Slot> slots;
    for (int round = 0; round < 2000; ++round) {
        if (slots.size() < 150 && (slots.empty() || random() % 2 == 0)) {
            slots.push_back(slots_.take(size_t{1} << (16 + random() % 2)));
            ASSERT_TRUE(all_zero(slots.back().base(), slots.back().size()));
            std::memset(slots.back().base() + random() % (60 * kib), 0xff, 4000);
        } else {
            std::swap(slots[random() % slots.size()], slots.back());
            slots.pop_back();
        }
    }
    slots.clear();
    EXPECT_EQ(committed(), 0u);
}

TEST_F(MemorySlotsTest, a_slot_is_zeros_again_without_help_from_the_allocator) {
    PoorAllocator poor{true};
    MemorySlots slots{poor};
    Slot first = slots.take(1);
    const Slot second = slots.take(1);
    std::memset(first.base(), 0xff, first.size());
    first.clear();
    EXPECT_TRUE(all_zero(first.base(), first.size()));
    std::memset(first.base(), 0xff, first.size());
    const uint8_t* const base = first.base();
    first = {};
    first = slots.take(1);
    EXPECT_EQ(first.base(), base);
    EXPECT_TRUE(all_zero(first.base(), first.size()));
}

TEST_F(MemorySlotsTest, a_slot_is_zeros_again_after_memory_could_not_go_back) {
    class Failing final : public Allocator {
    public:
        void* allocate(size_t size, size_t alignment) noexcept override {
            return standard().allocate(size, alignment);
        }
        void deallocate(void* block, size_t size, size_t alignment) noexcept override {
            standard().deallocate(block, size, alignment);
        }
        bool decommit(void* base, size_t from, size_t to) noexcept override {
            return !fails && Allocator::decommit(base, from, to);
        }
        bool fails = false;
    };
    Failing allocator;
    MemorySlots slots{allocator};
    auto first = slots.take(MemorySlots::min_size);
    const auto second = slots.take(MemorySlots::min_size);
    {
        const auto third = slots.take(MemorySlots::min_size);
        allocator.fails = true;
    }
    allocator.fails = false;
    std::memset(first.base(), 0x5a, first.size());
    first = {};
    const auto next = slots.take(MemorySlots::min_size);
    for (size_t i = 0; i < next.size(); ++i)
        ASSERT_EQ(next.base()[i], 0) << i;
}

TEST_F(MemorySlotsTest, memory_goes_back_to_the_system) {
    AccountingAllocator limited{Allocator::standard(), 80 * 64 * kib};
    MemorySlots slots{limited};
    for (int round = 0; round < 5; ++round) {
        std::vector<Slot> taken;
        while (taken.empty() || taken.back().size() != 0)
            taken.push_back(slots.take(64 * kib));
        EXPECT_GE(taken.size(), 79u) << "the slabs themselves take a little";
    }
}

TEST_F(MemorySlotsTest, threads_may_share_them) {
    std::vector<std::thread> threads;
    for (unsigned seed = 0; seed < 4; ++seed)
        threads.emplace_back([this, seed] {
            std::mt19937 random{seed};
            std::vector<Slot> slots;
            for (int round = 0; round < 500; ++round) {
                if (slots.size() < 100 && random() % 3 != 0) {
                    slots.push_back(slots_.take(64 * kib));
                    EXPECT_EQ(slots.back().base()[5], 0);
                    slots.back().base()[5] = 1;
                } else if (!slots.empty()) {
                    std::swap(slots[random() % slots.size()], slots.back());
                    slots.pop_back();
                }
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(committed(), 0u);
}

TEST_F(MemorySlotsTest, a_memory_moves_when_it_outgrows_its_slot) {
    auto grown = memory(1);
    ASSERT_TRUE(grown);
    EXPECT_EQ(committed(), 64 * kib);
    grown->data()[65535] = 9;
    for (uint64_t pages = 2; pages <= 40; ++pages) {
        ASSERT_TRUE(grown->grow(1));
        EXPECT_EQ(grown->pages(), pages);
        EXPECT_EQ(grown->data()[65535], 9);
        EXPECT_EQ(grown->data()[pages * 65536 - 65536], 0);
        grown->data()[pages * 65536 - 65536] = 8;
        EXPECT_EQ(committed(), pages <= 16 ? std::bit_ceil(pages) * 65536 : pages * 65536);
    }
    ASSERT_TRUE(grown->reset());
    EXPECT_EQ(committed(), 64 * kib);
    EXPECT_TRUE(all_zero(grown->data(), grown->size()));
    ASSERT_TRUE(grown->grow(39));
    EXPECT_TRUE(all_zero(grown->data(), grown->size()));
}

TEST_F(MemorySlotsTest, a_memory_goes_back_to_a_small_slot) {
    auto reset = memory(1);
    ASSERT_TRUE(reset && reset->grow(7));
    std::memset(reset->data(), 0xff, reset->size());
    ASSERT_TRUE(reset->reset());
    EXPECT_EQ(committed(), 64 * kib);
    EXPECT_TRUE(all_zero(reset->data(), reset->size()));
    ASSERT_TRUE(reset->grow(1) && reset->reset()); // half of its slot
    EXPECT_EQ(committed(), 64 * kib);
    auto empty = memory(0);
    EXPECT_EQ(committed(), 64 * kib);
    ASSERT_TRUE(empty && empty->grow(2) && empty->reset());
    EXPECT_EQ(committed(), 64 * kib);
    EXPECT_EQ(empty->size(), 0u);
    ASSERT_TRUE(empty->grow(1));
    EXPECT_TRUE(all_zero(empty->data(), empty->size()));
}

TEST_F(MemorySlotsTest, a_memory_of_one_mib_fits_into_a_slot) {
    const auto direct = memory(16);
    ASSERT_TRUE(direct);
    EXPECT_TRUE(direct->is_in_slot());
    auto grown = memory(8);
    ASSERT_TRUE(grown && grown->grow(8));
    EXPECT_TRUE(grown->is_in_slot());
    ASSERT_TRUE(grown->grow(1));
    EXPECT_FALSE(grown->is_in_slot());
}

TEST_F(MemorySlotsTest, a_reset_moves_a_memory_only_to_a_smaller_slot) {
    auto two = memory(2);
    auto bytes = LinearMemory::create({.page_size_log2 = 0, .initial_pages = 100, .slots = &slots_});
    ASSERT_TRUE(two && bytes);
    for (LinearMemory* const each : {&*two, &*bytes}) {
        const uint8_t* const place = each->data();
        ASSERT_TRUE(each->reset());
        EXPECT_EQ(each->data(), place);
    }
}

TEST_F(MemorySlotsTest, a_memory_that_outgrows_all_slots_gets_its_reservation) {
    auto grown = LinearMemory::create({.initial_pages = 1, .reservation = 64 * 65536, .slots = &slots_});
    ASSERT_TRUE(grown && grown->grow(16)); // more than a MiB
    const uint8_t* const place = grown->data();
    ASSERT_TRUE(grown->grow(47));
    EXPECT_EQ(grown->data(), place);
}

TEST_F(MemorySlotsTest, pages_of_one_byte_stay_in_a_slot) {
    auto bytes = LinearMemory::create(
        {.page_size_log2 = 0, .initial_pages = 3, .max_pages = 100'000, .slots = &slots_});
    ASSERT_TRUE(bytes);
    const uint8_t* const base = bytes->data();
    ASSERT_TRUE(bytes->grow(65'533));
    EXPECT_EQ(bytes->data(), base);
    std::memset(bytes->data(), 0xff, bytes->size());
    ASSERT_TRUE(bytes->reset() && bytes->grow(99'997));
    EXPECT_TRUE(all_zero(bytes->data(), bytes->size()));
}

TEST_F(MemorySlotsTest, a_memory_is_a_block_where_there_are_no_slots) {
    PoorAllocator poor{false};
    MemorySlots none{poor};
    EXPECT_EQ(none.take(1).size(), 0u);
    auto block = LinearMemory::create({.initial_pages = 1, .slots = &none, .allocator = &poor});
    ASSERT_TRUE(block);
    block->data()[1] = 2;
    ASSERT_TRUE(block->grow(20));
    EXPECT_EQ(block->data()[1], 2);
    EXPECT_TRUE(all_zero(block->data() + 2, block->size() - 2));
}

TEST_F(MemorySlotsTest, an_image_needs_a_reservation_of_which_there_are_not_too_many) {
    constexpr uint8_t bytes[] = {1, 2, 3};
    const MemoryImage::Piece pieces[] = {{10'000, bytes}};
    const auto image = MemoryImage::create(pieces);
    if (!image)
        GTEST_SKIP() << "no images here";
    auto mapped = LinearMemory::create({.initial_pages = 1, .slots = &slots_, .will_map = true});
    auto moved = memory(1);
    ASSERT_TRUE(mapped && moved && mapped->map(*image) && moved->map(*image));
    EXPECT_EQ(moved->data()[10'001], 2);
    ASSERT_TRUE(moved->reset());
    EXPECT_EQ(moved->data()[10'001], 2);
    auto roomy = LinearMemory::create({.initial_pages = 1, .reservation = 8 * 65536, .slots = &slots_});
    ASSERT_TRUE(roomy && roomy->map(*image));
    const uint8_t* const place = roomy->data();
    ASSERT_TRUE(roomy->grow(7));
    EXPECT_EQ(roomy->data(), place); // within its reservation
    roomy.reset();

    uint32_t others = 0;
    while (slots_.begin_mapping())
        ++others;
    EXPECT_EQ(others, MemorySlots::max_mapped - 2);
    auto slot = LinearMemory::create({.initial_pages = 1, .slots = &slots_, .will_map = true});
    ASSERT_TRUE(slot);
    EXPECT_FALSE(slot->map(*image));
    EXPECT_TRUE(all_zero(slot->data(), slot->size()));
    mapped.reset();
    EXPECT_TRUE(slot->map(*image));
    EXPECT_EQ(slot->data()[10'001], 2);
    for (; others != 0; --others)
        slots_.end_mapping();
}

TEST_F(MemorySlotsTest, survive_every_failure) {
    for (size_t blocks = 0; blocks < 3; ++blocks)
        for (uint64_t limit = 0; limit < 8; ++limit) {
            test::ScarceAllocator scarce{blocks};
            AccountingAllocator limited{scarce, limit * 64 * kib + 1000};
            MemorySlots slots{limited};
            auto one = LinearMemory::create({.initial_pages = 1, .slots = &slots, .allocator = &limited});
            auto other = LinearMemory::create({.initial_pages = 1, .slots = &slots, .allocator = &limited});
            if (!one || !other)
                continue;
            one->data()[7] = 1;
            other->data()[7] = 2;
            const bool grown = one->grow(1);
            EXPECT_EQ(one->pages(), grown ? 2u : 1u);
            EXPECT_TRUE(one->data()[7] == 1 && other->data()[7] == 2);
            EXPECT_TRUE(all_zero(one->data() + 8, one->size() - 8));
            ASSERT_TRUE(one->reset());
            EXPECT_TRUE(all_zero(one->data(), one->size()));
            EXPECT_EQ(other->data()[7], 2);
        }
}

#ifdef __linux__
TEST_F(MemorySlotsTest, a_hundred_thousand_memories_exist_at_once) {
    MemorySlots slots{Allocator::standard()};
    const size_t before = mappings();
    std::vector<LinearMemory> memories;
    memories.reserve(100'000);
    for (int i = 0; i < 100'000; ++i) {
        auto fresh = LinearMemory::create({.initial_pages = 1, .slots = &slots});
        ASSERT_TRUE(fresh);
        fresh->data()[i % 65536] = 1;
        memories.push_back(std::move(*fresh));
    }
    EXPECT_LE(mappings() - before, 2 * (100'000 / 64 + 1) + 10);
}
#endif

} // namespace
} // namespace warpbeam
