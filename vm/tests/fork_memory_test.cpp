#include "fixture.hpp"
#include "store/initial_memory.hpp"
#include "store/store_impl.hpp"

#include <warpbeam/memory/accounting_allocator.hpp>
#include <warpbeam/memory/changed_pages.hpp>

#include <cstring>

namespace warpbeam {
namespace {

using Pages = std::vector<size_t>;

vm::MemoryObject& object_of(const Memory& memory) {
    return *static_cast<vm::MemoryObject*>(vm::Internal::inst(memory));
}

/// A module with a memory of `pages` pages and two segments, the second at an imported offset.
std::string module_of(int pages) {
    return "(module (global $g (import \"env\" \"g\") i32) (memory (export \"memory\") " +
           std::to_string(pages) + ") (data (i32.const 4096) \"" + std::string(9000, 'x') +
           "\") (data (i32.add (global.get $g) (i32.const 1)) \"y\") (data \"passive\") (func (export "
           "\"write\") "
           "(param i32) (i32.store8 (local.get 0) (i32.const 5))) (func (export \"grow\") (result i32) "
           "(memory.grow (i32.const 1))))";
}

class ForkMemoryTest : public VmTest {
protected:
    explicit ForkMemoryTest(const Config& config = {}) : VmTest{config} { define(linker, store); }
    static void define(Linker& into, Store& of) {
        EXPECT_TRUE(into.define("env", "g", *Global::create(of, {ValType::i32, false}, 20'000)));
    }
    static std::expected<Memory, Error> fork(const Memory& memory, Store& into) {
        const auto made = vm::Internal::impl(into)->objects.fork_memory(object_of(memory));
        if (!made)
            return std::unexpected{made.error()};
        return vm::make_handle<Memory>(static_cast<vm::MemoryInst*>(*made));
    }
    static bool equal(const Memory& a, const Memory& b) {
        return a.size() == b.size() && std::memcmp(a.data().data(), b.data().data(), a.size()) == 0;
    }
    static Pages changed(const Instance& instance) {
        const auto& inst = *static_cast<vm::InstanceObject*>(vm::Internal::inst(instance));
        Vec<MemoryImage::Piece> pieces;
        EXPECT_TRUE(vm::list_initial_memory(inst, 0, pieces));
        PageSet pages;
        EXPECT_TRUE(find_changed(*object_of(*instance.memory("memory")).bytes, pieces, pages));
        Pages found;
        pages.for_each_run([&](size_t offset, size_t length) {
            for (size_t page = offset / 4096; page * 4096 < offset + length; ++page)
                found.push_back(page);
        });
        return found;
    }
};

TEST_F(ForkMemoryTest, makes_a_memory_of_another_store) {
    for (const int pages : {1, 40}) {
        const auto instance = instantiate(module_of(pages));
        const Memory memory = *instance.memory("memory");
        const uint8_t* const base = memory.data().data();
        Store other{engine};
        const auto copy = fork(memory, other);
        ASSERT_TRUE(copy);
        EXPECT_EQ(memory.data().data(), base);
        EXPECT_TRUE(equal(memory, *copy));
        EXPECT_EQ(other.usage().memory_bytes, memory.size());
        EXPECT_EQ(other.usage().memories, 1u);
        ASSERT_TRUE((*instance.func<void(int32_t)>("write"))(30'000));
        EXPECT_EQ(memory.data()[30'000], 5);
        EXPECT_EQ(copy->data()[30'000], 0);
        EXPECT_EQ(copy->grow(2), static_cast<uint64_t>(pages));
        EXPECT_EQ(value_of(instance, "grow"), pages);
        EXPECT_EQ(other.usage().memory_bytes, memory.size() + 65536);
        copy->data()[memory.size()] = 7;
        const auto second = fork(*copy, store);
        ASSERT_TRUE(second);
        EXPECT_TRUE(equal(*second, *copy));
    }
}

TEST_F(ForkMemoryTest, an_instance_can_be_reset_after_a_fork) {
    for (int round = 0; round < 2; ++round) { // the second instance has an image
        const auto instance = instantiate(module_of(40));
        const Memory memory = *instance.memory("memory");
        const std::vector<uint8_t> before(memory.data().begin(), memory.data().end());
        ASSERT_TRUE((*instance.func<void(int32_t)>("write"))(30'000));
        std::memset(memory.data().data() + 100'000, 3, 500'000);
        Store other{engine};
        const auto copy = fork(memory, other);
        ASSERT_TRUE(copy && instance.reset());
        EXPECT_TRUE(std::ranges::equal(memory.data(), before));
        EXPECT_EQ(copy->data()[100'000], 3);
    }
}

TEST_F(ForkMemoryTest, limits_hold_and_shared_memories_are_refused) {
    const auto instance = instantiate(module_of(40));
    const Memory memory = *instance.memory("memory");
    Store small{engine, {.memory_bytes = 65536}};
    EXPECT_EQ(fork(memory, small).error().code(), ErrorCode::limit);
    EXPECT_EQ(small.usage().memories, 0u);
    const auto shared =
        Memory::create(store, MemoryType{.limits = {.min = 1, .max = 2, .has_max = true}, .shared = true});
    ASSERT_TRUE(shared);
    EXPECT_EQ(fork(*shared, small).error().code(), ErrorCode::usage);
}

TEST_F(ForkMemoryTest, every_failure_is_an_error_that_leaves_nothing) {
    for (size_t n = 0;; ++n) {
        CountingAllocator failing;
        size_t calls = 0;
        {
            Config config;
            config.allocator = &failing;
            Engine own{config};
            Store from{own};
            Linker links{own};
            define(links, from);
            const auto bytes = assemble(module_of(40));
            const auto module = own.load(bytes);
            ASSERT_TRUE(module);
            const auto instance = links.instantiate(from, *module);
            ASSERT_TRUE(instance);
            const Memory memory = *instance->memory("memory");
            std::memset(memory.data().data() + 100'000, 3, 500'000);
            Store to{own};
            failing.refuse_one(n);
            const auto copy = fork(memory, to);
            calls = failing.calls();
            failing.refuse_one(SIZE_MAX);
            EXPECT_EQ(to.usage().memories, copy ? 1u : 0u);
            EXPECT_EQ(memory.data()[599'999], 3);
            if (copy) {
                EXPECT_TRUE(equal(memory, *copy));
            } else
                EXPECT_EQ(copy.error().code(), ErrorCode::out_of_memory);
        }
        EXPECT_EQ(failing.live(), 0u);
        if (calls <= n)
            break;
    }
}

TEST_F(ForkMemoryTest, knows_what_differs_from_the_initial_contents) {
    for (const int pages : {1, 40})
        for (int round = 0; round < 2; ++round) {
            const auto instance = instantiate(module_of(pages));
            EXPECT_EQ(changed(instance), Pages{});
            ASSERT_TRUE((*instance.func<void(int32_t)>("write"))(30'000));
            ASSERT_TRUE((*instance.func<void(int32_t)>("write"))(20'001));
            EXPECT_EQ(changed(instance), (Pages{4, 7}));
            ASSERT_TRUE((*instance.func<void(int32_t)>("write"))(4096));
            EXPECT_EQ(changed(instance), (Pages{1, 4, 7}));
            instance.memory("memory")->data()[4096] = 'x';
            EXPECT_EQ(changed(instance), (Pages{4, 7}));
            ASSERT_TRUE(instance.reset());
            EXPECT_EQ(changed(instance), Pages{});
        }
}

/// The same with guard pages.
class GuardedForkMemoryTest : public ForkMemoryTest {
protected:
    GuardedForkMemoryTest() : ForkMemoryTest{{.guard_pages = true}} {}
};

TEST_F(GuardedForkMemoryTest, copies_are_guarded) {
    if (!engine.guard_pages())
        GTEST_SKIP() << "no guard pages on this platform";
    for (const int pages : {1, 40}) {
        const auto instance = instantiate(module_of(pages));
        Store other{engine};
        const auto copy = fork(*instance.memory("memory"), other);
        ASSERT_TRUE(copy && equal(*instance.memory("memory"), *copy));
        Linker imports{engine};
        ASSERT_TRUE(imports.define("env", "memory", *copy));
        const auto reader = imports.instantiate(other, load(R"((module (import "env" "memory" (memory 1))
            (func (export "f") (param i32) (result i32) (i32.load8_u (local.get 0)))))"));
        ASSERT_TRUE(reader);
        const auto f = *reader->func<int32_t(int32_t)>("f");
        EXPECT_EQ(f(4096), 'x');
        EXPECT_EQ(f(65536 * pages).error().code(), TrapCode::memory_out_of_bounds);
        EXPECT_EQ(f(-1).error().code(), TrapCode::memory_out_of_bounds);
    }
}

} // namespace
} // namespace warpbeam
