#include "snapshot_fixture.hpp"

#include <warpbeam/loader/text.hpp>
#include <warpbeam/vm/exception.hpp>
#include <warpbeam/vm/guest_allocator.hpp>
#include <warpbeam/vm/guest_stacks.hpp>

#include <array>

/// What a store has for its guests, besides what WebAssembly sees: memory that the host has allocated,
/// stacks, and answers that were not used yet.

namespace warpbeam {
namespace {

class SnapshotGuestTest : public ReceivingFixture {
protected:
    Restored copy_of(const SnapshotContents& contents) {
        auto made = restored(saved(store, contents));
        if (!made)
            throw std::runtime_error{std::string{made.error().message()}};
        made->store.set_fuel(1'000'000);
        return std::move(*made);
    }
};

TEST_F(SnapshotGuestTest, what_the_library_has_allocated_stays_so) {
    // The guest has no malloc.
    const Instance instance = instantiate(R"((module (memory (export "memory") 1 10)
        (global (export "__heap_base") i32 (i32.const 1024))))");
    modules = {instance.module()};
    const auto own = GuestAllocator::of(instance);
    ASSERT_TRUE(own);
    std::vector<uint64_t> blocks;
    for (const uint64_t size : {100u, 5000u, 16u, 100'000u, 33u})
        blocks.push_back(own->allocate(size)->release());
    ASSERT_TRUE(own->free(blocks[1]));
    ASSERT_TRUE(own->free(blocks[4]));
    const Instance instances[] = {instance};
    const auto expect_same = [&](Restored& copy) {
        const auto again = GuestAllocator::of(copy.instances[0]);
        ASSERT_TRUE(again);
        // Both give the same blocks now, none of which is in use.
        for (const uint64_t size : {33u, 4000u, 200'000u})
            EXPECT_EQ(own->allocate(size)->release(), again->allocate(size)->release()) << size;
        EXPECT_TRUE(again->free(blocks[0]));
        EXPECT_FALSE(again->free(blocks[0]));
        EXPECT_FALSE(again->free(blocks[0] + 16));
        EXPECT_TRUE(own->free(blocks[0]));
        blocks[0] = own->allocate(100)->release();
    };
    Restored copy = copy_of({.instances = instances});
    const Instance again[] = {copy.instances[0]};
    EXPECT_EQ(saved(copy.store, {.instances = again}), saved(store, {.instances = instances}));
    expect_same(copy);
    auto forked = fork(store, {.instances = instances});
    ASSERT_TRUE(forked);
    expect_same(*forked);
}

constexpr std::string_view with_malloc = R"((module
    (import "host" "receive" (func $receive (result i32)))
    (memory (export "memory") 10) (global $sp (export "__stack_pointer") (mut i32) (i32.const 1000))
    (global $next (mut i32) (i32.const 4096)) (global $freed (export "freed") (mut i32) (i32.const 0))
    (func (export "malloc") (param i32) (result i32)
        (global.get $next) (global.set $next (i32.add (global.get $next) (local.get 0))))
    (func (export "free") (param i32) (global.set $freed (i32.add (global.get $freed) (i32.const 1))))
    (func (export "f") (result i32) (local i32)
        (global.set $sp (i32.sub (global.get $sp) (i32.const 16)))
        (i32.store (global.get $sp) (call $receive))
        (local.set 0 (i32.load (global.get $sp)))
        (global.set $sp (i32.add (global.get $sp) (i32.const 16)))
        (local.get 0))))";

TEST_F(SnapshotGuestTest, stacks_of_restored_executions_are_adopted) {
    const Instance instance = instantiate(with_malloc);
    modules = {instance.module()};
    auto stacks = GuestStacks::of(instance, {.size = 1024});
    ASSERT_TRUE(stacks);
    std::vector<Execution> all;
    for (int i = 0; i < 3; ++i) {
        all.push_back(std::move(*stacks->create(*instance.func("f"))));
        ASSERT_EQ(all.back().resume({.fuel = 1000}), ExecutionState::host_call);
    }
    const Instance instances[] = {instance};
    const Execution* const executions[] = {&all[0], &all[1], &all[2]};
    Restored copy = copy_of({.instances = instances, .executions = executions});
    auto other = GuestStacks::of(copy.instances[0], {.size = 2048});
    auto again = GuestStacks::of(copy.instances[0], {.size = 1024});
    ASSERT_TRUE(other && again);
    EXPECT_FALSE(other->adopt(copy.executions[0])); // another size
    EXPECT_FALSE(again->adopt(all[0]));             // another store
    EXPECT_FALSE(stacks->adopt(all[0]));            // it has it already
    for (int i = 0; i < 2; ++i)
        ASSERT_TRUE(again->adopt(copy.executions[static_cast<size_t>(i)]));
    EXPECT_FALSE(again->adopt(copy.executions[0]));
    EXPECT_EQ(again->size(), 2u);
    EXPECT_EQ(again->unused(), 0u);
    for (const size_t i : {1u, 2u, 0u}) {
        ASSERT_TRUE(copy.executions[i].answer(std::array{Value{static_cast<int32_t>(i)}}));
        ASSERT_EQ(copy.executions[i].resume({.fuel = 1000}), ExecutionState::done);
        Value result;
        ASSERT_TRUE(copy.executions[i].results({&result, 1}));
        EXPECT_EQ(result.as<int32_t>(), static_cast<int32_t>(i));
    }
    EXPECT_EQ(again->unused(), 2u);
    ASSERT_TRUE(again->trim());
    EXPECT_EQ(copy.instances[0].global("freed")->get().as<int32_t>(), 2);
    Execution without = std::move(*Execution::create(*copy.instances[0].func("f")));
    EXPECT_FALSE(again->adopt(without));
    EXPECT_FALSE(GuestStacks{}.adopt(without));
    Execution empty;
    EXPECT_FALSE(again->adopt(empty));
}

TEST_F(SnapshotGuestTest, pointers_of_stacks_have_64_bits_in_64_bit_memories) {
    const Instance instance = instantiate(R"((module
        (import "host" "receive" (func $receive (result i32)))
        (memory (export "memory") i64 1)
        (global $sp (export "__stack_pointer") (mut i64) (i64.const 0x1_2345_6780))
        (func (export "f") (result i64)
            (global.set $sp (i64.sub (global.get $sp) (i64.const 16)))
            (drop (call $receive))
            (global.get $sp))))");
    modules = {instance.module()};
    Execution waiting = std::move(*Execution::create(*instance.func("f")));
    ASSERT_EQ(waiting.resume({.fuel = 1000}), ExecutionState::host_call);
    const Instance instances[] = {instance};
    const Execution* const executions[] = {&waiting};
    Restored copy = copy_of({.instances = instances, .executions = executions});
    ASSERT_TRUE(copy.executions[0].answer(std::array{Value{0}}));
    ASSERT_EQ(copy.executions[0].resume({.fuel = 1000}), ExecutionState::done);
    Value result;
    ASSERT_TRUE(copy.executions[0].results({&result, 1}));
    EXPECT_EQ(result.as<int64_t>(), 0x1'2345'6770);
}

TEST_F(SnapshotGuestTest, an_answer_that_is_a_trap) {
    const Instance instance = instantiate(with_malloc);
    modules = {instance.module()};
    const Text lines = std::move(Text{Allocator::standard()}.add_lines("no\nand again no"));
    for (const Trap& answer : {Trap::host("no %d", 7).with_host_code(5), Trap{TrapCode::limit}, Trap::exit(3),
                               Trap::with_text(TrapCode::usage, lines)}) {
        Execution execution = waiting(instance);
        ASSERT_TRUE(execution.refuse(answer));
        const Execution* const executions[] = {&execution};
        Restored copy = copy_of({.executions = executions});
        auto forked = fork(store, {.executions = executions});
        ASSERT_TRUE(forked);
        for (Execution* const each : {&execution, &copy.executions[0], &forked->executions[0]}) {
            EXPECT_EQ(each->state(), ExecutionState::ready);
            ASSERT_EQ(each->resume({.fuel = 1000}), ExecutionState::trapped);
            EXPECT_EQ(each->trap()->code(), answer.code());
            EXPECT_EQ(each->trap()->host_code(), answer.host_code());
            EXPECT_EQ(each->trap()->exit_status(), answer.exit_status());
            EXPECT_EQ(each->trap()->message(), execution.trap()->message());
        }
    }
}

TEST_F(SnapshotGuestTest, an_answer_that_throws) {
    const Instance instance = instantiate(R"((module (import "host" "receive" (func $receive (result i32)))
        (tag $oops (export "oops") (param i32))
        (func (export "f") (result i32)
            (block $caught (result i32)
                (try_table (catch $oops $caught) (return (call $receive)))
                (unreachable)))))");
    modules = {instance.module()};
    Execution execution = waiting(instance);
    const auto exception = Exception::create(*instance.tag("oops"), std::array{Value{41}});
    ASSERT_TRUE(exception);
    ASSERT_TRUE(execution.refuse(Trap::thrown(*exception)));
    const Instance instances[] = {instance};
    const Execution* const executions[] = {&execution};
    Restored copy = copy_of({.instances = instances, .executions = executions});
    auto forked = fork(store, {.instances = instances, .executions = executions});
    ASSERT_TRUE(forked);
    for (Execution* const each : {&execution, &copy.executions[0], &forked->executions[0]}) {
        ASSERT_EQ(each->resume({.fuel = 1000}), ExecutionState::done);
        Value result;
        ASSERT_TRUE(each->results({&result, 1}));
        EXPECT_EQ(result.as<int32_t>(), 41);
    }
}

// The arguments of the call are not a part then: they may have been overwritten.
TEST_F(SnapshotGuestTest, an_answer_that_is_a_trap_of_a_call_with_arguments) {
    for (Linker* const each : {&linker, &hosts}) {
        const auto defined = each->host_call<int32_t(int32_t, ExternRef)>("host", "take");
        ASSERT_TRUE(defined);
    }
    const Instance instance =
        instantiate(R"((module (import "host" "take" (func $receive (param i32 externref) (result i32)))
        (func (export "f") (result i32) (call $receive (i32.const 1) (ref.null extern)))))");
    modules = {instance.module()};
    Execution execution = waiting(instance);
    ASSERT_TRUE(execution.refuse(Trap::host("no")));
    const Instance instances[] = {instance};
    const Execution* const executions[] = {&execution};
    Restored copy = copy_of({.instances = instances, .executions = executions});
    // A copy can be saved in its turn.
    const Instance again[] = {copy.instances[0]};
    const Execution* const copied[] = {&copy.executions[0]};
    EXPECT_EQ(saved(copy.store, {.instances = again, .executions = copied}),
              saved(store, {.instances = instances, .executions = executions}));
    auto forked = fork(store, {.instances = instances, .executions = executions});
    ASSERT_TRUE(forked);
    for (Execution* const each : {&execution, &copy.executions[0], &forked->executions[0]}) {
        ASSERT_EQ(each->resume({.fuel = 1000}), ExecutionState::trapped);
        EXPECT_EQ(each->trap()->message(), "no");
    }
}

} // namespace
} // namespace warpbeam
