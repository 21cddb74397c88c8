#include "execution_fixture.hpp"

#include <warpbeam/memory/accounting_allocator.hpp>

/// The number and the memory of executions.

namespace warpbeam {
namespace {

TEST_F(ExecutionTest, are_limited_in_number) {
    Store small{engine, {.executions = 2}};
    const Func func = *Func::wrap(small, [] {});
    const Execution first = *Execution::create(func);
    {
        const Execution second = *Execution::create(func);
        EXPECT_EQ(Execution::create(func).error().message(), "store execution limit reached (2)");
        EXPECT_EQ(small.usage().executions, 2u);
    }
    EXPECT_EQ(small.usage().executions, 1u);
    EXPECT_TRUE(Execution::create(func));
}

TEST_F(ExecutionTest, are_limited_in_memory) {
    Store small{engine, {.execution_bytes = 4096}};
    const Instance instance = *linker.instantiate(small, load(adder));
    const Func deep = *instance.func("deep");
    {
        Execution shallow = *Execution::create(deep, {{Value{1}}});
        EXPECT_EQ(small.usage().execution_bytes, 512u);
        EXPECT_EQ(shallow.resume(), ExecutionState::host_call);
        Execution nested = *Execution::create(deep, {{Value{1000}}});
        ASSERT_EQ(nested.resume(), ExecutionState::trapped);
        EXPECT_EQ(nested.trap()->code(), TrapCode::call_stack_exhausted);
        EXPECT_EQ(nested.trap()->message(),
                  "the stacks of executions exceed the store's limit of 4096 bytes");
        EXPECT_FALSE(nested.trap()->backtrace().empty());
        EXPECT_EQ(small.usage().execution_bytes, 512u + 2048);
        ASSERT_TRUE(shallow.answer({{Value{1}}}));
        EXPECT_EQ(shallow.resume(), ExecutionState::done) << "others go on";
    }
    EXPECT_EQ(small.usage().execution_bytes, 0u);
    Value result;
    EXPECT_TRUE(deep.call({{Value{0}}}, {&result, 1}).error().code() == TrapCode::cannot_suspend)
        << "calls have no such limit";
}

TEST_F(ExecutionTest, are_not_made_beyond_the_limit_of_memory) {
    Store small{engine, {.execution_bytes = 4096}};
    const Func count = *linker.instantiate(small, load(adder))->func("count");
    std::vector<Execution> all;
    for (int i = 0; i < 8; ++i)
        all.push_back(*Execution::create(count, {{Value{1}}}));
    const auto more = Execution::create(count, {{Value{1}}});
    ASSERT_FALSE(more);
    EXPECT_EQ(more.error().code(), ErrorCode::limit);
    EXPECT_EQ(more.error().message(), "the stacks of executions exceed the store's limit of 4096 bytes");
    EXPECT_EQ(small.usage().executions, 8u);
    EXPECT_EQ(small.usage().execution_bytes, 4096u);
    all.pop_back();
    EXPECT_TRUE(Execution::create(count, {{Value{1}}}));
}

/// `deep` has as many frames as its argument says.
constexpr std::string_view recursive = R"((module
    (func $deep (export "deep") (param $n i32) (result i32)
        (if (result i32) (local.get $n)
            (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get $n) (i32.const 1)))))
            (else (i32.const 0))))))";

TEST_F(ExecutionTest, the_limit_of_memory_is_that_of_their_own_stacks) {
    Store small{engine, {.execution_bytes = 2048}};
    const Instance instance = *linker.instantiate(small, load(recursive));
    const auto deep = *instance.func<int32_t(int32_t)>("deep");
    EXPECT_EQ(deep(500), 500) << "the stack of a call, which is kept for the next one";
    Execution shallow = *Execution::create(*instance.func("deep"), {{Value{5}}});
    EXPECT_EQ(shallow.resume(), ExecutionState::done);
}

TEST_F(ExecutionTest, parameters_may_be_too_many_for_a_stack) {
    std::string params;
    for (int i = 0; i < 700; ++i)
        params += " i64";
    const std::string wat = "(module (func (export \"f\") (param" + params + ")))";
    const std::vector<Value> args(700, Value{int64_t{1}});
    const auto created = [&](size_t stack, uint64_t bytes, bool deterministic = false) {
        Engine own{{.stack_size = stack, .deterministic = deterministic}};
        Store limited{own, {.execution_bytes = bytes}};
        const auto instance = Instance::create(limited, *own.load(assemble(wat)));
        const auto execution = Execution::create(*instance->func("f"), args);
        return execution ? std::string{} : std::string{execution.error().message()};
    };
    EXPECT_EQ(created(1 << 16, UINT64_MAX), "");
    EXPECT_EQ(created(1 << 16, 1 << 16), "");
    EXPECT_EQ(created(1 << 16, 2048), "the stacks of executions exceed the store's limit of 2048 bytes");
    EXPECT_NE(created(512, UINT64_MAX, true), "") << "of which frames count less than they may take";
    const std::string too_small = created(2048, UINT64_MAX);
    EXPECT_EQ(created(2048, 1 << 16), too_small);
    EXPECT_EQ(created(2048, 2048), too_small);
    EXPECT_EQ(created(2048, 1024), "the stacks of executions exceed the store's limit of 1024 bytes");
    EXPECT_EQ(
        too_small,
        "the parameters (700) or results (0) do not fit into a stack of 2048 bytes (Config::stack_size)");
}

class ExecutionMemoryOf : public ::testing::TestWithParam<std::pair<size_t, int32_t>> {};
INSTANTIATE_TEST_SUITE_P(Stacks, ExecutionMemoryOf,
                         ::testing::Values(std::pair{1 << 20, 500}, std::pair{512, 2}));

TEST_P(ExecutionMemoryOf, the_next_call_takes_the_stack_of_the_last_one) {
    ScarceStore scarce{{.stack_size = GetParam().first}};
    const auto module = scarce.engine.load(assemble(recursive));
    ASSERT_TRUE(module);
    const auto instance = Instance::create(scarce.store, *module);
    ASSERT_TRUE(instance);
    for (const size_t allowed : {SIZE_MAX, size_t{0}}) {
        scarce.allocator.allow(allowed);
        auto deep = Execution::create(*instance->func("deep"), {{Value{GetParam().second}}});
        EXPECT_TRUE(deep && deep->resume() == ExecutionState::done);
        scarce.allocator.allow(SIZE_MAX);
    }
}

TEST(ExecutionMemory, few_stacks_are_kept) {
    AccountingAllocator counted;
    Engine engine{{.allocator = &counted}};
    Store store{engine};
    const auto module = engine.load(assemble(recursive));
    ASSERT_TRUE(module);
    const auto instance = Instance::create(store, *module);
    ASSERT_TRUE(instance);
    const Func deep = *instance->func("deep");
    const auto run = [&](std::vector<int32_t> depths) {
        std::vector<Execution> all;
        for (const int32_t depth : depths)
            all.push_back(std::move(*Execution::create(deep, {{Value{depth}}})));
        for (Execution& each : all)
            EXPECT_EQ(each.resume(), ExecutionState::done);
    };
    run({1});
    const uint64_t before = counted.blocks().live;
    run({500});
    const uint64_t with_one = counted.blocks().live;
    EXPECT_GT(with_one, before);
    // Of stacks beyond 64 KiB one is kept.
    run({20'000});
    const uint64_t with_large = counted.blocks().live;
    run({20'000, 20'000, 20'000});
    EXPECT_LT(counted.blocks().live, with_large + (uint64_t{1} << 19));
    // And of small ones eight.
    Store other{engine};
    const auto small = Instance::create(other, *module);
    ASSERT_TRUE(small);
    const auto kept_after = [&](int count) {
        std::vector<Execution> all;
        for (int i = 0; i < count; ++i)
            all.push_back(std::move(*Execution::create(*small->func("deep"), {{Value{1}}})));
        for (Execution& each : all)
            EXPECT_EQ(each.resume(), ExecutionState::done);
        all.clear();
        return counted.blocks().live;
    };
    const uint64_t one = kept_after(1);
    EXPECT_GE(kept_after(2), one + 512);
    const uint64_t eight = kept_after(8);
    EXPECT_GE(eight, one + 7 * 512);
    EXPECT_EQ(kept_after(100), eight);
}

TEST(ExecutionMemory, of_one_that_waits_is_less_than_a_kibibyte) {
    AccountingAllocator counted;
    Engine engine{{.allocator = &counted}};
    Linker linker{engine};
    Store store{engine};
    ASSERT_TRUE(linker.host_call<int32_t(int32_t)>("env", "ask"));
    const auto module = engine.load(assemble(R"((module
        (import "env" "ask" (func $ask (param i32) (result i32)))
        (func $inner (param i32) (result i32) (i32.add (call $ask (local.get 0)) (i32.const 1)))
        (func (export "f") (param i32) (result i32) (i32.mul (call $inner (local.get 0)) (i32.const 2)))))"));
    ASSERT_TRUE(module);
    const Instance instance = *linker.instantiate(store, *module);
    std::vector<Execution> all;
    const auto add = [&] {
        all.push_back(*Execution::create(*instance.func("f"), {{Value{1}}}));
        ASSERT_EQ(all.back().resume(), ExecutionState::host_call);
    };
    add();
    const uint64_t before = counted.blocks().live;
    for (int i = 0; i < 1000; ++i)
        add();
    EXPECT_LE(counted.blocks().live - before, 1000u * 1024);
    all.clear();
    EXPECT_LE(counted.blocks().live, before + 8 * 1024) << "what the store keeps for the next ones";
}

TEST(ExecutionMemory, failing_is_an_error) {
    bool finished = false;
    for (size_t budget = 0; !finished; ++budget) {
        ASSERT_LT(budget, 1000u);
        ScarceStore made{with_fuel()};
        auto& [scarce, engine, linker, store] = made;
        ASSERT_TRUE(linker.host_call<int32_t(int32_t)>("env", "ask"));
        const auto module = engine.load(assemble(R"((module
            (import "env" "ask" (func $ask (param i32) (result i32)))
            (func $deep (export "f") (param i32) (result i32)
              (if (result i32) (local.get 0)
                (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
                (else (call $ask (i32.const 77)))))))"));
        ASSERT_TRUE(module);
        const auto instance = linker.instantiate(store, *module);
        ASSERT_TRUE(instance);
        scarce.allow(budget);
        auto execution = Execution::create(*instance->func("f"), {{Value{100}}});
        if (!execution) {
            EXPECT_EQ(execution.error().code(), ErrorCode::out_of_memory);
            continue;
        }
        auto state = execution->resume({.fuel = 10});
        while (state == ExecutionState::out_of_fuel)
            state = execution->resume({.fuel = 10});
        ASSERT_TRUE(state);
        if (*state == ExecutionState::trapped) // the stack could not grow, or the function not be lowered
            continue;
        ASSERT_EQ(*state, ExecutionState::host_call);
        ASSERT_TRUE(execution->answer({{Value{5}}}));
        ASSERT_EQ(execution->resume({.fuel = 1000}), ExecutionState::done);
        finished = true;
    }
}

} // namespace
} // namespace warpbeam
