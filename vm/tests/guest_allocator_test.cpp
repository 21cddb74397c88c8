#include "fixture.hpp"

#include <warpbeam/vm/guest_allocator.hpp>
#include <warpbeam/vm/memory_view.hpp>

namespace warpbeam {
namespace {

/// A bump allocator that counts what is out; `answer` makes it lie.
constexpr std::string_view with_malloc = R"((module
    (memory (export "memory") 2)
    (global $next (mut i32) (i32.const 1024))
    (global $live (export "live") (mut i32) (i32.const 0))
    (global $answer (export "answer") (mut i32) (i32.const -1))
    (func (export "malloc") (param $size i32) (result i32)
        (local $block i32)
        (if (i32.ne (global.get $answer) (i32.const -1)) (then (return (global.get $answer))))
        (if (i32.gt_u (local.get $size) (i32.const 100000)) (then (return (i32.const 0))))
        (local.set $block (global.get $next))
        (global.set $next (i32.and (i32.add (i32.add (global.get $next) (local.get $size)) (i32.const 15))
                                   (i32.const -8)))
        (global.set $live (i32.add (global.get $live) (i32.const 1)))
        (local.get $block))
    (func (export "free") (param i32)
        (if (i32.eqz (local.get 0)) (then unreachable))
        (global.set $live (i32.sub (global.get $live) (i32.const 1)))))
)";

class GuestAllocatorTest : public VmTest {
protected:
    static GuestAllocator allocator_of(Instance instance, const GuestAllocatorOptions& options = {}) {
        auto made = GuestAllocator::of(instance, options);
        if (!made)
            throw std::runtime_error{std::string{made.error().message()}};
        return *made;
    }
    static int32_t live(Instance instance) { return instance.global("live")->get().as<int32_t>(); }
    template <typename T>
    static std::string error_of(const std::expected<T, Trap>& result) {
        EXPECT_FALSE(result);
        return result ? std::string{} : std::string{result.error().message()};
    }
};

TEST_F(GuestAllocatorTest, uses_what_the_guest_exports) {
    const Instance guest = instantiate(with_malloc);
    const GuestAllocator allocator = allocator_of(guest);
    EXPECT_EQ(allocator.source(), GuestAllocator::Source::malloc);
    {
        const auto text = allocator.write_c_string("hello");
        ASSERT_TRUE(text) << text.error().message();
        EXPECT_EQ(text->address(), 1024u);
        EXPECT_EQ(text->size(), 6u);
        const auto read = MemoryView{allocator.memory()}.read_c_string(text->address(), 100);
        ASSERT_TRUE(read);
        EXPECT_EQ((std::string_view{read->data(), read->size()}), "hello");
        const double numbers[] = {1.5, -2.5};
        const auto array = allocator.write_array<double>(numbers);
        ASSERT_TRUE(array);
        EXPECT_EQ(array->address() % 8, 0u);
        EXPECT_EQ(array->view().read<double>(8), -2.5);
        EXPECT_FALSE(array->view().read<double>(9));
        EXPECT_EQ(live(guest), 2);
    }
    EXPECT_EQ(live(guest), 0);
}

TEST_F(GuestAllocatorTest, owns_its_blocks) {
    const Instance guest = instantiate(with_malloc);
    const GuestAllocator allocator = allocator_of(guest);
    GuestBuffer first = *allocator.allocate(10);
    GuestBuffer second = std::move(first);
    EXPECT_EQ(live(guest), 1);
    EXPECT_EQ(first.address(), 0u);
    first = *allocator.allocate(10);
    second = std::move(first);
    EXPECT_EQ(live(guest), 1);
    const uint64_t address = second.address();
    EXPECT_EQ(second.release(), address);
    EXPECT_TRUE(second.free()); // nothing is left to free
    EXPECT_EQ(live(guest), 1);
    EXPECT_TRUE(allocator.free(address));
    EXPECT_EQ(live(guest), 0);
}

TEST_F(GuestAllocatorTest, aligns_beyond_what_malloc_does) {
    const Instance guest = instantiate(with_malloc);
    const GuestAllocator allocator = allocator_of(guest);
    for (const uint64_t alignment : {1u, 8u, 16u, 256u, 4096u}) {
        const auto buffer = allocator.allocate(40, alignment);
        ASSERT_TRUE(buffer);
        EXPECT_EQ(buffer->address() % alignment, 0u);
        EXPECT_TRUE(buffer->view().fill(0, 40, 1));
    }
    EXPECT_EQ(live(guest), 0);
    EXPECT_EQ(error_of(allocator.allocate(1, 0)), "invalid alignment 0: use a power of two");
    EXPECT_EQ(error_of(allocator.allocate(1, 24)), "invalid alignment 24: use a power of two");
    EXPECT_FALSE(allocator.allocate(1, uint64_t{1} << 63));
}

TEST_F(GuestAllocatorTest, does_not_trust_what_malloc_returns) {
    const Instance guest = instantiate(with_malloc);
    const GuestAllocator allocator = allocator_of(guest);
    const auto answer = [&](int32_t address) { EXPECT_TRUE(guest.global("answer")->set(address)); };
    answer(0);
    EXPECT_EQ(error_of(allocator.allocate(8)), "the guest could not allocate 8 bytes");
    EXPECT_EQ(allocator.allocate(8).error().code(), TrapCode::out_of_memory);
    answer(1028);
    EXPECT_EQ(error_of(allocator.allocate(8)),
              "the guest returned a block at 1028, which is not aligned to 8");
    EXPECT_TRUE(allocator.allocate(8, 4));
    answer(131064);
    EXPECT_TRUE(allocator.allocate(8));
    EXPECT_EQ(error_of(allocator.allocate(9)),
              "the guest returned an out-of-bounds block: 9 bytes at 131064, the memory has 131072");
    EXPECT_EQ(allocator.allocate(9).error().code(), TrapCode::memory_out_of_bounds);
    answer(-8);
    EXPECT_FALSE(allocator.allocate(16));
    EXPECT_FALSE(allocator.write_c_string("text"));
}

TEST_F(GuestAllocatorTest, refuses_what_the_address_type_can_not_say) {
    const GuestAllocator allocator = allocator_of(instantiate(with_malloc));
    for (const uint64_t size : {UINT64_MAX, uint64_t{1} << 32, UINT64_MAX - 20})
        for (const uint64_t alignment : {1u, 4096u})
            EXPECT_EQ(allocator.allocate(size, alignment).error().code(), TrapCode::out_of_memory);
    EXPECT_FALSE(allocator.allocate(200'000));
    const auto block = allocator.allocate(10);
    ASSERT_TRUE(block);
    const auto freed = allocator.free((uint64_t{1} << 32) + block->address());
    ASSERT_FALSE(freed) << "must not free the block below";
    EXPECT_EQ(freed.error().code(), TrapCode::usage);
}

TEST_F(GuestAllocatorTest, hands_on_the_trap_of_the_guest) {
    const Instance guest = instantiate(R"((module
        (memory (export "memory") 1)
        (func (export "malloc") (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then unreachable)) (i32.div_u (i32.const 64) (i32.const 0)))
        (func (export "free") (param i32) unreachable)))");
    const GuestAllocator allocator = allocator_of(guest);
    const auto failed = allocator.allocate(4);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code(), TrapCode::integer_divide_by_zero);
    EXPECT_EQ(failed.error().backtrace().size(), 1u);
    EXPECT_EQ(allocator.free(64).error().code(), TrapCode::unreachable);
}

TEST_F(GuestAllocatorTest, takes_the_names_of_the_embedder) {
    const Instance guest = instantiate(R"((module
        (memory (export "heap") 1)
        (global $freed (export "live") (mut i32) (i32.const 0))
        (func (export "get") (param i32) (result i32) (i32.const 512))
        (func (export "put") (param i32) (global.set $freed (local.get 0)))
        (func (export "odd") (param i64) (result i32) (i32.const 512))))");
    EXPECT_EQ(error_of(GuestAllocator::of(guest)), "the guest does not export a memory named memory");
    {
        const auto allocator = allocator_of(guest, {.memory = "heap", .malloc = "get", .free = "put"});
        EXPECT_EQ(allocator.allocate(4)->address(), 512u);
    }
    EXPECT_EQ(live(guest), 512);
    EXPECT_EQ(error_of(GuestAllocator::of(guest, {.memory = "heap", .malloc = "take"})),
              "the guest does not export a function named take");
    EXPECT_EQ(error_of(GuestAllocator::of(guest, {.memory = "heap", .malloc = "get", .free = "get"})),
              "the guest's function get does not have the type of an allocator function");
    EXPECT_FALSE(GuestAllocator::of(guest, {.memory = "heap", .malloc = "odd"}));
    EXPECT_TRUE(GuestAllocator::of(guest, {.memory = "heap", .malloc = "get"}));
}

TEST_F(GuestAllocatorTest, uses_cabi_realloc) {
    const Instance guest = instantiate(R"((module
        (memory (export "memory") 1)
        (global $align (export "live") (mut i32) (i32.const 0))
        (func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param i32)
            (result i32)
            (if (i32.or (local.get $old) (local.get $old_size)) (then unreachable))
            (global.set $align (local.get $align))
            (i32.const 4096))))");
    const GuestAllocator allocator = allocator_of(guest);
    EXPECT_EQ(allocator.source(), GuestAllocator::Source::cabi_realloc);
    EXPECT_EQ(allocator.allocate(4, 256)->address(), 4096u);
    EXPECT_EQ(live(guest), 256);
    EXPECT_EQ(error_of(allocator.allocate(4, 8192)),
              "the guest returned a block at 4096, which is not aligned to 8192");
}

/// A bump allocator from __heap_base on.
constexpr std::string_view only_malloc = R"((module
    (memory (export "memory") 2) (global (export "__heap_base") i32 (i32.const 1024))
    (global $next (mut i32) (i32.const 1024))
    (func (export "malloc") (param i32) (result i32)
        (global.get $next)
        (global.set $next
            (i32.add (global.get $next) (i32.and (i32.add (local.get 0) (i32.const 15)) (i32.const -16)))))))";

TEST_F(GuestAllocatorTest, uses_a_malloc_without_free) {
    const Instance guest = instantiate(only_malloc);
    const GuestAllocator allocator = allocator_of(guest);
    EXPECT_EQ(allocator.source(), GuestAllocator::Source::malloc);
    auto block = allocator.write_c_string("host");
    ASSERT_TRUE(block);
    EXPECT_EQ((*guest.func<int32_t(int32_t)>("malloc"))(16), 1040);
    EXPECT_TRUE(allocator.free(block->release())); // which does nothing
    EXPECT_EQ(allocator.allocate(8)->address(), 1056u);
}

TEST_F(GuestAllocatorTest, leaves_the_bytes_of_a_malloc_alone_that_it_does_not_use) {
    const GuestAllocator own = allocator_of(instantiate(only_malloc), {.own = true});
    EXPECT_EQ(own.source(), GuestAllocator::Source::own);
    EXPECT_EQ(own.allocate(8)->address(), 2u * 65536);
    for (const std::string_view function :
         {"(func (export \"malloc\") (param i32 i32) (result i32) (i32.const 0))",
          "(func (export \"malloc\") (param i64) (result i64) (i64.const 0))", "(func (export \"free\"))",
          "(func (export \"cabi_realloc\") (result i32) (i32.const 0))"}) {
        const Instance guest = instantiate("(module (memory (export \"memory\") 1) "
                                           "(global (export \"__heap_base\") i32 (i32.const 1024)) " +
                                           std::string{function} + ")");
        const GuestAllocator allocator = allocator_of(guest);
        EXPECT_EQ(allocator.source(), GuestAllocator::Source::own) << function;
        EXPECT_EQ(allocator.allocate(8)->address(), 65536u) << function;
    }
}

TEST_F(GuestAllocatorTest, frees_blocks_of_cabi_realloc_only_with_what_was_named) {
    const Instance guest = instantiate(R"((module
        (memory (export "memory") 1) (global $freed (export "live") (mut i32) (i32.const 0))
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
        (func (export "free") (param i32) (global.set $freed (local.get 0)))))");
    {
        const auto kept = allocator_of(guest).allocate(8);
    }
    EXPECT_EQ(live(guest), 0);
    const GuestAllocator allocator = allocator_of(guest, {.free = "free"});
    EXPECT_EQ(allocator.source(), GuestAllocator::Source::cabi_realloc);
    {
        const auto freed = allocator.allocate(8);
    }
    EXPECT_EQ(live(guest), 4096);
}

TEST_F(GuestAllocatorTest, works_with_64_bit_memories) {
    const Instance guest = instantiate(R"((module
        (memory (export "memory") i64 1)
        (func (export "malloc") (param i64) (result i64)
            (if (result i64) (i64.eq (local.get 0) (i64.const 4)) (then (i64.const 64)) (else (i64.const -64))))
        (func (export "free") (param i64))))");
    const GuestAllocator allocator = allocator_of(guest);
    EXPECT_EQ(allocator.source(), GuestAllocator::Source::malloc);
    EXPECT_EQ(allocator.allocate(4)->address(), 64u);
    EXPECT_FALSE(allocator.allocate(5));
    EXPECT_FALSE(allocator.allocate(UINT64_MAX));
    // Functions for the other address type are not an allocator.
    const Instance mixed = instantiate(R"((module
        (memory (export "memory") i64 1)
        (func (export "malloc") (param i32) (result i32) (i32.const 64)) (func (export "free") (param i32))))");
    EXPECT_EQ(allocator_of(mixed).source(), GuestAllocator::Source::own);
}

TEST_F(GuestAllocatorTest, works_while_the_guest_waits_in_a_host_function) {
    const auto defined = linker.func("env", "ask", [](Caller& caller) -> std::expected<uint32_t, Trap> {
        const auto allocator = GuestAllocator::of(*caller.instance());
        if (!allocator)
            return std::unexpected{allocator.error()};
        auto answer = allocator->write_c_string("42");
        if (!answer)
            return std::unexpected{answer.error()};
        const auto address = static_cast<uint32_t>(answer->address());
        answer->release(); // the guest's from now on
        return address;
    });
    ASSERT_TRUE(defined);
    const Instance guest = instantiate(R"((module
        (import "env" "ask" (func $ask (result i32)))
        (memory (export "memory") 1)
        (func (export "malloc") (param i32) (result i32)
            (drop (memory.grow (i32.const 1))) (i32.const 70000))
        (func (export "free") (param i32))
        (func (export "run") (result i32) (i32.load16_u (call $ask)))))");
    EXPECT_EQ(value_of(guest, "run"), '4' | '2' << 8);
}

} // namespace
} // namespace warpbeam
