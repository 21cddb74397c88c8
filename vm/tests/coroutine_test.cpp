#include "execution_fixture.hpp"

#include <warpbeam/vm/coroutine.hpp>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

/// Executions and host functions in coroutines.

namespace warpbeam {
namespace {

/// A queue for one thread that uses the store, and others that answer.
class QueueExecutor final : public Executor {
public:
    void schedule(Continuation& continuation) noexcept override {
        const std::lock_guard lock{mutex_};
        continuation.next = nullptr;
        *(last_ != nullptr ? &last_->next : &first_) = &continuation;
        last_ = &continuation;
        changed_.notify_one();
    }
    /// Runs what is in the queue; false if there is nothing.
    bool step() {
        Continuation* next = nullptr;
        {
            const std::lock_guard lock{mutex_};
            next = first_;
            if (next == nullptr)
                return false;
            first_ = next->next;
            if (first_ == nullptr)
                last_ = nullptr;
        }
        next->run(*next);
        return true;
    }
    template <typename T>
    auto run(T& task) {
        task.start(*this);
        while (!task.done())
            if (!step()) {
                std::unique_lock lock{mutex_};
                changed_.wait(lock, [&] { return first_ != nullptr; });
            }
        return task.take();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    Continuation* first_ = nullptr;
    Continuation* last_ = nullptr;
};

class CoroutineTest : public ExecutionTest {
protected:
    QueueExecutor executor;
    static constexpr const char* sleeper = R"((module
        (import "env" "sleep" (func $sleep (param i32) (result i32)))
        (func (export "f") (param $n i32) (result i32) (local $sum i32)
          (loop $again
            (local.set $sum (i32.add (local.get $sum) (call $sleep (local.get $n))))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
          (local.get $sum))))";
    /// Lets others run n times before it returns 10 * n.
    void define_sleep(Linker& in) {
        ASSERT_TRUE(in.func("env", "sleep",
                            host_coroutine<int32_t(int32_t)>(executor, [](int32_t n) -> Task<int32_t, Trap> {
                                for (int32_t i = 0; i < n; ++i)
                                    co_await Yield{};
                                co_return 10 * n;
                            })));
    }
    static Task<int32_t> to_its_end(Execution& execution) {
        const auto state = co_await execution;
        if (!state)
            co_return std::unexpected{state.error()};
        if (*state != ExecutionState::done)
            co_return -static_cast<int32_t>(*state);
        co_return result_of(execution);
    }
};

TEST_F(CoroutineTest, awaits_the_end_of_an_execution) {
    Execution execution = start(instantiate(adder), "count", {10});
    auto task = to_its_end(execution);
    EXPECT_TRUE(task);
    EXPECT_FALSE(task.done());
    EXPECT_EQ(execution.state(), ExecutionState::ready) << "it begins when it is started";
    EXPECT_EQ(executor.run(task), 10);
    auto again = to_its_end(execution);
    EXPECT_EQ(executor.run(again).error().message(), "the execution has ended");
}

TEST_F(CoroutineTest, answers_calls_without_tokens_itself) {
    Execution execution = start(instantiate(adder), "add", {0});
    auto task = [](Execution& guest) -> Task<int32_t> {
        for (const int32_t answer : {5, 6, 0}) {
            const auto state = co_await guest;
            EXPECT_EQ(state, ExecutionState::host_call);
            EXPECT_TRUE(guest.answer({{Value{answer}}}));
        }
        EXPECT_EQ(co_await guest, ExecutionState::done);
        co_return result_of(guest);
    }(execution);
    EXPECT_EQ(executor.run(task), 11 + 3);
}

TEST_F(CoroutineTest, calls_host_functions_that_are_coroutines) {
    define_sleep(linker);
    const Instance instance = instantiate(sleeper);
    std::vector<Execution> executions;
    std::vector<Task<int32_t>> tasks;
    for (int32_t i = 1; i <= 20; ++i)
        executions.push_back(start(instance, "f", {i}));
    for (Execution& execution : executions)
        tasks.push_back(to_its_end(execution));
    for (auto& task : tasks)
        task.start(executor);
    EXPECT_FALSE(tasks[0].done());
    for (size_t i = 0; i < tasks.size(); ++i)
        EXPECT_EQ(executor.run(tasks[i]), static_cast<int32_t>(5 * (i + 1) * (i + 2)));
    EXPECT_FALSE(executor.step());
}

TEST_F(CoroutineTest, may_be_awaited_after_they_were_started) {
    define_sleep(linker);
    const Instance instance = instantiate(sleeper);
    Execution one = start(instance, "f", {3});
    Execution two = start(instance, "f", {2});
    auto both = [](Execution& a, Execution& b, Executor& on) -> Task<int32_t> {
        auto first = to_its_end(a);
        auto second = to_its_end(b);
        first.start(on);
        second.start(on);
        second.start(on); // nothing
        const auto x = co_await first;
        const auto y = co_await second;
        co_return x&& y ? 1000 * *x + *y : -1;
    }(one, two, executor);
    EXPECT_EQ(executor.run(both), 60'030);
}

TEST_F(CoroutineTest, of_the_host_run_other_guests) {
    define_sleep(linker);
    const Instance inner = instantiate(sleeper);
    ASSERT_TRUE(linker.func(
        "env", "inner",
        host_coroutine<int32_t(int32_t)>(executor, [&](CoroutineCall call, int32_t n) -> Task<int32_t, Trap> {
            EXPECT_TRUE(call.instance);
            EXPECT_EQ(call.token.state(), AnswerToken::State::open);
            auto guest = Execution::create(*inner.func("f"), {{Value{n}}});
            if (!guest)
                co_return std::unexpected{Trap{TrapCode::host}};
            const auto result = co_await to_its_end(*guest);
            co_return result ? *result : -1;
        })));
    Execution outer =
        start(instantiate(R"((module (import "env" "inner" (func $inner (param i32) (result i32)))
        (func (export "f") (param i32) (result i32)
          (i32.add (call $inner (local.get 0)) (call $inner (i32.const 1))))))"),
              "f", {4});
    auto task = to_its_end(outer);
    EXPECT_EQ(executor.run(task), 100 + 10);
}

TEST_F(CoroutineTest, of_the_host_return_what_functions_return) {
    ASSERT_TRUE(linker.func("env", "nothing",
                            host_coroutine<void()>(executor, []() -> Task<void, Trap> { co_return {}; })));
    ASSERT_TRUE(linker.func("env", "pair",
                            host_coroutine<std::tuple<int32_t, double>(int64_t)>(
                                executor, [](int64_t n) -> Task<std::tuple<int32_t, double>, Trap> {
                                    co_await Yield{};
                                    co_return std::tuple{static_cast<int32_t>(n), 0.5};
                                })));
    ASSERT_TRUE(linker.func("env", "fail", host_coroutine<int32_t()>(executor, []() -> Task<int32_t, Trap> {
                                co_await Yield{};
                                co_return std::unexpected{Trap::host("no more")};
                            })));
    const Instance instance = instantiate(R"((module
        (import "env" "nothing" (func $nothing)) (import "env" "pair" (func $pair (param i64) (result i32 f64)))
        (import "env" "fail" (func $fail (result i32)))
        (func (export "f") (result i32) (call $nothing) (call $pair (i64.const 40))
          (i32.trunc_f64_s (f64.mul (f64.const 4))) (i32.add))
        (func (export "g") (result i32) (call $fail))))");
    Execution good = start(instance, "f");
    auto task = to_its_end(good);
    EXPECT_EQ(executor.run(task), 42);
    Execution bad = start(instance, "g");
    auto failing = to_its_end(bad);
    EXPECT_EQ(executor.run(failing), -static_cast<int32_t>(ExecutionState::trapped));
    EXPECT_EQ(bad.trap()->message(), "no more");
    EXPECT_EQ(instance.func<int32_t()>("g")->operator()().error().code(), TrapCode::cannot_suspend);
}

TEST_F(CoroutineTest, is_continued_by_answers_of_other_threads) {
    std::vector<std::thread> threads;
    ASSERT_TRUE(linker.func("env", "sleep", [&](Caller& caller, int32_t n) -> std::expected<int32_t, Trap> {
        auto token = caller.token();
        if (!token)
            return std::unexpected{std::move(token.error())};
        threads.emplace_back([n, answers = *token] { EXPECT_TRUE(answers.answer({{Value{n}}})); });
        return std::unexpected{caller.suspend()};
    }));
    const Instance instance = instantiate(sleeper);
    std::vector<Execution> executions;
    for (int32_t i = 0; i < 8; ++i)
        executions.push_back(start(instance, "f", {10}));
    std::vector<Task<int32_t>> tasks;
    for (Execution& execution : executions) {
        tasks.push_back(to_its_end(execution));
        tasks.back().start(executor);
    }
    for (auto& task : tasks)
        EXPECT_EQ(executor.run(task), 55);
    for (std::thread& thread : threads)
        thread.join();
}

TEST_F(CoroutineTest, may_be_destroyed_while_it_waits) {
    AnswerToken token;
    ASSERT_TRUE(linker.func("env", "sleep", [&](Caller& caller, int32_t) -> std::expected<int32_t, Trap> {
        token = *caller.token();
        return std::unexpected{caller.suspend()};
    }));
    Execution execution = start(instantiate(sleeper), "f", {1});
    {
        auto task = to_its_end(execution);
        task.start(executor);
        EXPECT_FALSE(task.done());
    }
    ASSERT_TRUE(token.answer({{Value{4}}})) << "the execution is still there";
    EXPECT_FALSE(executor.step());
    auto again = to_its_end(execution);
    EXPECT_EQ(executor.run(again), 4);
}

TEST_F(CoroutineTest, of_the_host_goes_on_when_its_execution_is_dropped) {
    bool ended = false;
    ASSERT_TRUE(linker.func(
        "env", "sleep",
        host_coroutine<int32_t(int32_t)>(executor, [&](CoroutineCall call, int32_t) -> Task<int32_t, Trap> {
            co_await Yield{};
            EXPECT_EQ(call.token.state(), AnswerToken::State::closed);
            ended = true;
            co_return 1;
        })));
    {
        Execution execution = start(instantiate(sleeper), "f", {1});
        auto task = to_its_end(execution);
        task.start(executor);
    }
    EXPECT_FALSE(ended);
    EXPECT_TRUE(executor.step());
    EXPECT_TRUE(ended);
}

Task<int32_t> in_memory_of(std::allocator_arg_t, Allocator&, int32_t n) { co_return n; }
Task<int32_t> of_two(std::allocator_arg_t, Allocator& allocator) {
    const auto one = co_await in_memory_of(std::allocator_arg, allocator, 1);
    if (!one)
        co_return std::unexpected{one.error()};
    const auto two = co_await in_memory_of(std::allocator_arg, allocator, 2);
    co_return two ? *one + *two : std::expected<int32_t, Error>{std::unexpected{two.error()}};
}

TEST_F(CoroutineTest, without_memory_for_its_frame_is_empty) {
    CountingAllocator scarce;
    for (const size_t budget : {0u, 1u, 2u}) {
        scarce.allow(budget);
        auto task = of_two(std::allocator_arg, scarce);
        EXPECT_EQ(static_cast<bool>(task), budget != 0);
        const auto result = executor.run(task);
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code(), ErrorCode::out_of_memory);
    }
    scarce.allow(3);
    auto task = of_two(std::allocator_arg, scarce);
    EXPECT_EQ(executor.run(task), 3);
    task = {};
    EXPECT_EQ(scarce.live(), 0u);
}

TEST(CoroutineMemory, failing_is_an_error) {
    bool finished = false;
    for (size_t budget = 0; !finished; ++budget) {
        ASSERT_LT(budget, 1000u);
        ScarceStore made{all_features()};
        auto& [scarce, engine, linker, store] = made;
        QueueExecutor executor;
        ASSERT_TRUE(linker.func(
            "env", "ask", host_coroutine<int32_t()>(executor, [allocator = &scarce]() -> Task<int32_t, Trap> {
                const auto n = co_await in_memory_of(std::allocator_arg, *allocator, 5);
                co_await Yield{};
                co_return n ? *n
                            : std::expected<int32_t, Trap>{std::unexpected{Trap{TrapCode::out_of_memory}}};
            })));
        const auto module = engine.load(assemble(R"((module (import "env" "ask" (func $ask (result i32)))
            (func (export "f") (result i32) (call $ask))))"));
        ASSERT_TRUE(module);
        const Instance instance = *linker.instantiate(store, *module);
        scarce.allow(budget);
        auto execution = Execution::create(*instance.func("f"));
        if (!execution)
            continue;
        auto task = [](Execution& guest) -> Task<ExecutionState> { co_return co_await guest; }(*execution);
        const auto state = executor.run(task);
        ASSERT_TRUE(state);
        if (*state == ExecutionState::trapped) {
            EXPECT_EQ(execution->trap()->code(), TrapCode::out_of_memory);
            continue;
        }
        ASSERT_EQ(*state, ExecutionState::done);
        finished = true;
    }
}

} // namespace
} // namespace warpbeam
