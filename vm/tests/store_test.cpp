#include "fixture.hpp"

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

namespace warpbeam {
namespace {

class FuelTest : public VmTest {
protected:
    FuelTest() : VmTest{{.fuel = true}} {}
};
class InterruptTest : public VmTest {
protected:
    InterruptTest() : VmTest{{.interruption = true}} {}
};
class StackTest : public VmTest {
protected:
    StackTest() : VmTest{{.stack_size = 64 * 1024, .host_call_depth = 5}} {}
};
class EagerTest : public VmTest {
protected:
    EagerTest() : VmTest{{.eager = true}} {}
};

constexpr std::string_view spin = R"((module
    (func (export "forever") (loop $l (br $l)))
    (func $again (export "recurse") (call $again))
    (func (export "tail") (return_call $tail)) (func $tail (return_call $tail))
    (func (export "count") (param i32)
        (loop $l (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))))";

TEST_F(FuelTest, runs_out) {
    const Instance instance = instantiate(spin);
    EXPECT_EQ(trap_of(instance, "forever"), "out of fuel") << "a new store has none";
    for (const std::string_view name : {"forever", "recurse", "tail"}) {
        store.set_fuel(1000);
        EXPECT_EQ(trap_of(instance, name), "out of fuel") << name;
        EXPECT_EQ(store.fuel(), 0u);
    }
}

TEST_F(FuelTest, is_used_in_proportion_to_the_work) {
    const Instance instance = instantiate(spin);
    const auto count = *instance.func<void(int32_t)>("count");
    store.set_fuel(10'000);
    ASSERT_TRUE(count(100));
    const uint64_t used = 10'000 - store.fuel();
    EXPECT_GE(used, 99u);
    EXPECT_LE(used, 110u);
    store.set_fuel(10'000);
    ASSERT_TRUE(count(1000));
    EXPECT_GE(10'000 - store.fuel(), 999u);
    store.set_fuel(UINT64_MAX);
    EXPECT_EQ(store.fuel(), (uint64_t{1} << 56) - 1) << "the most that there is";
}

TEST_F(InterruptTest, stops_code_from_another_thread) {
    const Instance instance = instantiate(spin);
    for (const std::string_view name : {"forever", "tail"}) {
        const InterruptHandle handle = store.interrupt_handle();
        std::thread other{[handle] {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            handle.interrupt();
        }};
        EXPECT_EQ(trap_of(instance, name), "interrupted") << name;
        other.join();
    }
    EXPECT_TRUE((*instance.func<void(int32_t)>("count"))(10)) << "one request stops one computation";
}

TEST_F(InterruptTest, waits_for_the_next_computation) {
    const Instance instance = instantiate(spin);
    store.interrupt_handle().interrupt();
    EXPECT_EQ(trap_of(instance, "forever"), "interrupted");
}

TEST_F(InterruptTest, may_come_after_the_end) {
    std::optional<InterruptHandle> handle;
    {
        Store brief{engine};
        handle = brief.interrupt_handle();
    }
    handle->interrupt();
    const InterruptHandle copy = *handle;
    handle = store.interrupt_handle();
    copy.interrupt();
}

TEST_F(StackTest, is_as_large_as_configured) {
    const Instance instance = instantiate(R"((module
        (func $sum (export "sum") (param i32) (result i32)
            (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
                (else (i32.add (local.get 0) (call $sum (i32.sub (local.get 0) (i32.const 1)))))))))");
    const auto sum = *instance.func<int32_t(int32_t)>("sum");
    EXPECT_EQ(sum(500), 125250);
    EXPECT_EQ(sum(1'000'000).error().code(), TrapCode::call_stack_exhausted);
    EXPECT_EQ(sum(500), 125250);
}

TEST_F(StackTest, nests_as_deep_as_configured) {
    int depth = 0;
    Func self;
    self = *Func::wrap(store, [&]() -> std::expected<void, Trap> {
        ++depth;
        return self.call();
    });
    const auto called = self.call();
    ASSERT_FALSE(called);
    EXPECT_EQ(called.error().code(), TrapCode::call_stack_exhausted);
    EXPECT_EQ(depth, 5);
}

TEST_F(StackTest, all_nested_calls_together_are_as_large_as_configured) {
    // How deep the code of each nested call recurses; the call after the last one is made by the host alone.
    std::vector<int32_t> depths;
    size_t level = 0;
    std::optional<Instance> instance;
    ASSERT_TRUE(linker.func("env", "next", [&]() -> std::expected<void, Trap> {
        if (++level >= depths.size())
            return {};
        const auto run = instance->func<void(int32_t)>("run");
        return (*run)(depths[level]);
    }));
    instance = instantiate(R"((module (import "env" "next" (func $next))
        (func $run (export "run") (param i32)
          (if (local.get 0)
            (then (call $run (i32.sub (local.get 0) (i32.const 1))))
            (else (call $next))))))");
    const auto run = [&](std::vector<int32_t> next) {
        depths = std::move(next);
        level = 0;
        return (*instance->func<void(int32_t)>("run"))(depths[0]);
    };
    int32_t most = 0; // what fits in 64 KiB
    while (run({most + 1}))
        ++most;
    // Blocks that are kept for nested calls: larger than what the last ones may then take.
    ASSERT_TRUE(run({most / 3, most / 3, 1}));
    for (const int32_t left : {0, 1, 5, 20, 100}) {
        EXPECT_FALSE(run({most - left, most / 4, most})) << left;
        EXPECT_LE(level, 2u) << left;
    }
    EXPECT_FALSE(run({1, 1, most}));
    EXPECT_TRUE(run({1, 1, most / 2}));
}

TEST_F(StackTest, refuses_a_frame_that_can_never_fit) {
    std::string params;
    for (int i = 0; i < 1000; ++i)
        params += " i64";
    Engine tiny{{.stack_size = 64}};
    Store small{tiny};
    const auto bytes = assemble("(module (func (export \"f\") (param" + params + ")))");
    const auto module = tiny.load(bytes);
    ASSERT_TRUE(module);
    const auto instance = Instance::create(small, *module);
    const std::vector<Value> args(1000, Value{int64_t{0}});
    const auto called = instance->func("f")->call(args);
    ASSERT_FALSE(called);
    EXPECT_EQ(called.error().code(), TrapCode::call_stack_exhausted);
}

TEST_F(EagerTest, runs_what_was_lowered_at_once) {
    const Instance instance = instantiate(R"((module (func (export "run") (result i32) (call $f))
        (func $f (result i32) (i32.const 6))))");
    EXPECT_EQ(value_of(instance, "run"), 6);
}

TEST(Store, keeps_the_embedders_pointer) {
    Engine engine;
    Store store{engine};
    int mine = 0;
    EXPECT_EQ(store.data(), nullptr);
    store.set_data(&mine);
    EXPECT_EQ(store.data(), &mine);
    EXPECT_EQ(store.engine(), engine);
}

TEST(Store, of_several_threads_share_a_module) {
    Engine engine;
    const auto bytes = assemble(R"((module
        (func $fib (export "fib") (param i32) (result i32)
            (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
                (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                               (call $fib (i32.sub (local.get 0) (i32.const 2)))))))))");
    const auto module = engine.load(bytes);
    ASSERT_TRUE(module);
    std::atomic<int> right = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            Store store{engine};
            const auto instance = Instance::create(store, *module);
            right += (*instance->func<int32_t(int32_t)>("fib"))(15) == 610;
        });
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(right, 4);
}

} // namespace
} // namespace warpbeam
