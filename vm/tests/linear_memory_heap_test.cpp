#include "fixture.hpp"

#include <warpbeam/vm/guest_allocator.hpp>

/// GuestAllocator where the guest offers nothing: with an allocator of ours.

namespace warpbeam {
namespace {

class LinearMemoryHeapTest : public VmTest {
protected:
    static GuestAllocator allocator_of(Instance instance, const GuestAllocatorOptions& options = {}) {
        auto made = GuestAllocator::of(instance, options);
        if (!made)
            throw std::runtime_error{std::string{made.error().message()}};
        return *made;
    }
    template <typename T>
    static std::string error_of(const std::expected<T, Trap>& result) {
        EXPECT_FALSE(result);
        return result ? std::string{} : std::string{result.error().message()};
    }
};

TEST_F(LinearMemoryHeapTest, is_one_of_our_own_where_the_guest_has_none) {
    const Instance guest = instantiate(R"((module (memory (export "memory") 1 3)))");
    const GuestAllocator allocator = allocator_of(guest);
    EXPECT_EQ(allocator.source(), GuestAllocator::Source::own);
    const auto first = allocator.allocate(100);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->address(), 65536u); // a fresh page
    const auto second = allocator.allocate(65000);
    ASSERT_TRUE(second);
    EXPECT_EQ(allocator.memory().pages(), 2u);
    EXPECT_EQ(error_of(allocator.allocate(100'000)),
              "out of guest memory: 100000 bytes requested, the memory has 131072");
    EXPECT_EQ(error_of(allocator.free(70'000)), "no allocated block begins at 70000");
    EXPECT_FALSE(allocator.allocate(UINT64_MAX));
    EXPECT_FALSE(allocator.allocate(uint64_t{1} << 62));
    EXPECT_FALSE(allocator.allocate(16, uint64_t{1} << 40));
}

TEST_F(LinearMemoryHeapTest, begins_at_the_heap_base) {
    constexpr std::string_view module = R"((module
        (memory (export "memory") 1)
        (global (export "__heap_base") i32 (i32.const 1040))
        (global (export "__heap_end") i32 (i32.const 2064))))";
    const Instance guest = instantiate(module);
    const GuestAllocator allocator = allocator_of(guest);
    const auto first = allocator.allocate(1024);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->address(), 1040u);
    const auto second = allocator.allocate(16);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->address(), 65536u);
    const Instance cautious = instantiate(module);
    const GuestAllocator fresh = allocator_of(cautious, {.heap_base = false});
    EXPECT_EQ(fresh.allocate(16)->address(), 65536u);
    // A base beyond the memory is of no use.
    const Instance odd = instantiate(R"((module (memory (export "memory") 1)
        (global (export "__heap_base") i32 (i32.const -16))))");
    EXPECT_EQ(allocator_of(odd).allocate(16)->address(), 65536u);
}

TEST_F(LinearMemoryHeapTest, is_not_disturbed_when_the_guest_grows_its_memory_or_overwrites_everything) {
    const Instance guest = instantiate(R"((module
        (memory (export "memory") 1)
        (func (export "grow") (result i32) (memory.grow (i32.const 1)))
        (func (export "smash") (memory.fill (i32.const 0) (i32.const 255) (i32.shl (memory.size) (i32.const 16))))))");
    const GuestAllocator allocator = allocator_of(guest);
    const auto first = allocator.allocate(60'000);
    ASSERT_TRUE(first);
    EXPECT_EQ(value_of(guest, "grow"), 2); // page 2 is the guest's
    const auto second = allocator.allocate(60'000);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->address(), 3u * 65536);
    EXPECT_EQ(trap_of(guest, "smash"), "");
    Vec<GuestBuffer> buffers;
    for (uint64_t i = 1; i < 200; ++i) {
        auto buffer = allocator.allocate(i * 7);
        ASSERT_TRUE(buffer);
        const uint64_t begin = buffer->address();
        EXPECT_FALSE(begin < 3 * 65536 && begin + i * 7 > 2 * 65536); // never in the guest's page
        ASSERT_TRUE(buffer->view().fill(0, buffer->size(), static_cast<uint8_t>(i)));
        ASSERT_TRUE(buffers.push(std::move(*buffer)));
    }
    for (uint64_t i = 1; i < 200; ++i)
        EXPECT_EQ(buffers[i - 1].view().read<uint8_t>(i * 7 - 1), static_cast<uint8_t>(i));
}

TEST_F(LinearMemoryHeapTest, works_from_the_host_alone) {
    const Memory memory = *Memory::create(store, {{.min = 0}});
    const auto allocator = GuestAllocator::over(store, memory);
    ASSERT_TRUE(allocator);
    const auto text = allocator->write_c_string("");
    ASSERT_TRUE(text);
    EXPECT_EQ(text->view().read<uint8_t>(0), 0);
    EXPECT_NE(text->address(), 0u) << "null for the guest";
    EXPECT_EQ(memory.pages(), 1u);
}

TEST_F(LinearMemoryHeapTest, adds_no_more_than_a_block_needs) {
    for (const uint64_t alignment : {1u, 16u}) {
        const auto memory = Memory::create(store, {.limits = {.min = 1, .max = 2, .has_max = true}});
        ASSERT_TRUE(memory);
        const auto block = GuestAllocator::over(store, *memory)->allocate(65536, alignment);
        ASSERT_TRUE(block);
        EXPECT_EQ(block->address(), 65536u);
    }
}

TEST_F(LinearMemoryHeapTest, adds_enough_bytes_for_a_block_that_begins_at_a_granule) {
    for (const uint64_t alignment : {1u, 64u}) {
        const auto memory = Memory::create(store, {.limits = {.min = 1}, .page_size_log2 = 0});
        ASSERT_TRUE(memory);
        EXPECT_TRUE(GuestAllocator::over(store, *memory)->allocate(65536, alignment));
    }
}

TEST_F(LinearMemoryHeapTest, reports_that_there_is_no_memory_for_the_bookkeeping) {
    const Vec<uint8_t> bytes = assemble(R"((module (memory (export "memory") 1)))");
    size_t worked = 0;
    for (size_t n = 0; n < 12; ++n) {
        CountingAllocator counting;
        {
            Engine tight{{.allocator = &counting}};
            const auto module = tight.load(bytes);
            Store other{tight};
            const auto guest = Instance::create(other, *module);
            ASSERT_TRUE(guest);
            counting.allow(n);
            const auto allocator = GuestAllocator::of(*guest);
            if (allocator && allocator->allocate(10))
                ++worked;
            else
                EXPECT_TRUE(allocator || allocator.error().code() == TrapCode::out_of_memory);
        }
        EXPECT_EQ(counting.live(), 0u) << n;
    }
    EXPECT_GT(worked, 0u);
    EXPECT_LT(worked, 12u);
}

TEST_F(LinearMemoryHeapTest, adds_what_small_pages_have_room_for) {
    const auto memory =
        Memory::create(store, {.limits = {.min = 10, .max = 2000, .has_max = true}, .page_size_log2 = 0});
    ASSERT_TRUE(memory);
    const auto heap = GuestAllocator::over(store, *memory);
    ASSERT_TRUE(heap);
    const auto block = heap->allocate(500);
    ASSERT_TRUE(block);
    EXPECT_GE(block->address(), 10u);
    EXPECT_LE(block->address() + 500, memory->size());
    EXPECT_FALSE(heap->allocate(5000));
}

TEST_F(LinearMemoryHeapTest, is_one_for_all_who_ask) {
    const Instance guest = instantiate(R"((module
        (memory (export "memory") 2) (global (export "__heap_base") i32 (i32.const 65536))))");
    const auto first = allocator_of(guest).write_c_string("first string");
    const auto second = allocator_of(guest).write_c_string("SECOND");
    const GuestAllocator third = *GuestAllocator::over(store, *guest.memory("memory"));
    const auto last = third.write_c_string("third");
    ASSERT_TRUE(first && second && last);
    EXPECT_EQ(std::string_view(first->view().read_c_string(0, 100)->data(), 12), "first string");
    EXPECT_EQ(std::string_view(second->view().read_c_string(0, 100)->data(), 6), "SECOND");
    EXPECT_EQ(guest.memory("memory")->pages(), 2u);
    EXPECT_TRUE(third.free(first->address())) << "they share their books";
}

TEST_F(LinearMemoryHeapTest, is_one_for_a_memory_of_several_instances) {
    auto memory = Memory::create(store, {.limits = {.min = 2}});
    ASSERT_TRUE(linker.define("env", "m", *memory));
    constexpr std::string_view module = R"((module (import "env" "m" (memory 2)) (export "memory" (memory 0))
        (global (export "__heap_base") i32 (i32.const 1024))))";
    const GuestAllocator early = *GuestAllocator::over(store, *memory);
    const auto fresh = early.allocate(100);
    ASSERT_TRUE(fresh);
    EXPECT_EQ(fresh->address(), 2u * 65536);
    // The base reaches up to the memory's present end, but not over what was given out already.
    const auto first = allocator_of(instantiate(module)).allocate(2 * 65536 - 1024);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->address(), 1024u);
    const auto second = allocator_of(instantiate(module)).allocate(100);
    ASSERT_TRUE(second);
    EXPECT_GT(second->address(), fresh->address());
}

TEST(LinearMemoryHeap, is_one_for_a_shared_memory_that_a_store_has_twice) {
    Engine engine{{.features = FeatureSet::all()}};
    Store store{engine};
    const auto shared = SharedMemory::create({.limits = {1, 10, true, false}, .shared = true});
    ASSERT_TRUE(shared);
    const auto one = GuestAllocator::over(store, *Memory::create(store, *shared));
    const auto other = GuestAllocator::over(store, *Memory::create(store, *shared));
    ASSERT_TRUE(one && other);
    const auto first = one->allocate(100);
    const auto second = other->allocate(100);
    ASSERT_TRUE(first && second);
    EXPECT_NE(first->address(), second->address());
    EXPECT_EQ(shared->data().size(), 2u * 65536);
}

/// Makes a shared memory grow before it allows that, as another thread may at that moment.
class Overtaker final : public GrowthPolicy {
public:
    explicit Overtaker(const SharedMemory& memory) : memory_{memory} {}
    bool allow_memory(const Store&, const MemoryType&, uint64_t, uint64_t) noexcept override {
        if (std::exchange(armed, false)) {
            EXPECT_TRUE(memory_.grow(1));
        }
        return true;
    }
    bool armed = false;

private:
    const SharedMemory memory_;
};

TEST(LinearMemoryHeap, tries_again_if_another_thread_took_the_pages_at_the_end) {
    Engine engine{{.features = FeatureSet::all()}};
    const auto shared = SharedMemory::create({.limits = {1, 10, true, false}, .shared = true});
    ASSERT_TRUE(shared);
    Overtaker overtaker{*shared};
    Store store{engine, {.growth = &overtaker}};
    const auto heap = GuestAllocator::over(store, *Memory::create(store, *shared));
    const auto small = heap->allocate(100);
    ASSERT_TRUE(small);
    // One more page would suffice, if what is free at the end continued in it.
    overtaker.armed = true;
    const auto large = heap->allocate(70'000);
    ASSERT_TRUE(large) << large.error().message();
    EXPECT_EQ(large->address(), 3u * 65536);
    EXPECT_EQ(shared->data().size(), 5u * 65536);
}

TEST_F(LinearMemoryHeapTest, ends_with_a_reset) {
    const Instance guest = instantiate(R"((module
        (memory (export "memory") 2) (global (export "__heap_base") i32 (i32.const 65536))))");
    const GuestAllocator old = allocator_of(guest);
    auto stale = old.allocate(100);
    ASSERT_TRUE(stale && guest.reset());
    const GuestAllocator fresh = allocator_of(guest);
    const auto block = fresh.allocate(100);
    ASSERT_TRUE(block);
    EXPECT_EQ(block->address(), 65536u) << "everything is free again";
    EXPECT_EQ(old.allocate(100).error().code(), TrapCode::usage);
    EXPECT_TRUE(stale->free()); // which must not free the new one
    const auto other = fresh.allocate(100);
    ASSERT_TRUE(other);
    EXPECT_NE(other->address(), block->address());
}

TEST_F(LinearMemoryHeapTest, puts_blocks_across_its_end_and_fresh_pages) {
    const Instance guest = instantiate(R"((module
        (memory (export "memory") 1 2) (global (export "__heap_base") i32 (i32.const 1024))))");
    const GuestAllocator heap = allocator_of(guest);
    const auto small = heap.allocate(16);
    const auto large = heap.allocate(70'000);
    ASSERT_TRUE(small && large);
    EXPECT_EQ(large->address(), 1040u);
    EXPECT_TRUE(large->view().fill(0, 70'000, 1));
    EXPECT_FALSE(heap.allocate(2 * 65536 - 1040 - 70'000 + 1));
    EXPECT_TRUE(heap.allocate(2 * 65536 - 1040 - 70'000));
}

TEST_F(LinearMemoryHeapTest, puts_aligned_blocks_where_they_fit) {
    const Instance guest = instantiate(R"((module
        (memory (export "memory") 2 3) (global (export "__heap_base") i32 (i32.const 65536))))");
    const GuestAllocator heap = allocator_of(guest);
    EXPECT_EQ(heap.allocate(65536, 65536)->address(), 65536u);
    EXPECT_EQ(heap.allocate(60'000, 8192)->address(), 65536u);
    EXPECT_EQ(heap.memory().pages(), 2u);
    const auto front = heap.allocate(16);
    const auto across = heap.allocate(3 * 65536 - 65536 - 4096, 4096);
    ASSERT_TRUE(front && across);
    EXPECT_EQ(across->address(), 65536u + 4096);
}

TEST_F(LinearMemoryHeapTest, loses_no_byte_of_small_pages) {
    // Growing byte by byte, each block begins where the one before it ends.
    const auto memory = Memory::create(
        store, {.limits = {.min = 7, .max = 16 + 50 * 48, .has_max = true}, .page_size_log2 = 0});
    ASSERT_TRUE(memory);
    const auto heap = GuestAllocator::over(store, *memory);
    ASSERT_TRUE(heap);
    Vec<GuestBuffer> blocks;
    for (uint64_t i = 0; i < 50; ++i) {
        auto block = heap->allocate(40);
        ASSERT_TRUE(block) << i;
        EXPECT_EQ(block->address(), 16 + i * 48);
        ASSERT_TRUE(blocks.push(std::move(*block)));
    }
    EXPECT_FALSE(heap->allocate(1));
}

/// Counts what it is asked, and refuses.
class Refusal final : public GrowthPolicy {
public:
    bool allow_memory(const Store&, const MemoryType&, uint64_t from, uint64_t) noexcept override {
        asked += from != 0;
        return from == 0;
    }
    int asked = 0;
};

TEST_F(LinearMemoryHeapTest, asks_for_pages_once) {
    Refusal policy;
    Store strict{engine, {.growth = &policy}};
    const auto memory = Memory::create(strict, {.limits = {.min = 1}});
    ASSERT_TRUE(memory);
    EXPECT_FALSE(GuestAllocator::over(strict, *memory)->allocate(100));
    EXPECT_EQ(policy.asked, 1);
}

TEST(LinearMemoryHeap, stays_above_a_heap_base_that_is_almost_at_the_end) {
    Engine engine{{.features = FeatureSet::all()}};
    Store store{engine};
    const auto module = engine.load(assemble(R"((module (memory (export "memory") 1037 (pagesize 1))
        (global (export "__heap_base") i32 (i32.const 1032))))"));
    const auto guest = Instance::create(store, *module);
    ASSERT_TRUE(guest);
    const auto block = GuestAllocator::of(*guest)->allocate(100);
    ASSERT_TRUE(block);
    EXPECT_EQ(block->address(), 1040u);
}

/// Refuses the n-th block.
class Flaky final : public Allocator {
public:
    void* allocate(size_t size, size_t alignment) noexcept override {
        return --left == 0 ? nullptr : Allocator::standard().allocate(size, alignment);
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        Allocator::standard().deallocate(block, size, alignment);
    }
    int left = 0;
};

TEST(LinearMemoryHeap, loses_no_pages_for_lack_of_bookkeeping) {
    int refused = 0;
    for (int n = 1; n < 20; ++n) {
        Flaky flaky;
        Engine engine{{.allocator = &flaky}};
        Store store{engine};
        const auto memory = Memory::create(store, {.limits = {.min = 1, .max = 2, .has_max = true}});
        const auto heap = GuestAllocator::over(store, *memory);
        ASSERT_TRUE(heap);
        flaky.left = n;
        {
            Vec<GuestBuffer> blocks;
            for (int i = 0; i < 20; ++i) {
                auto block = heap->allocate(64);
                refused += !block;
                if (block) {
                    ASSERT_TRUE(blocks.push(std::move(*block)));
                }
            }
        }
        EXPECT_TRUE(heap->allocate(65536)) << n;
    }
    EXPECT_GT(refused, 1);
}

} // namespace
} // namespace warpbeam
