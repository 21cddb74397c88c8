#include "execution_fixture.hpp"

#include <atomic>
#include <optional>
#include <thread>

/// Answers by other threads.

namespace warpbeam {
namespace {

constexpr ValType funcref_type = funcref;

TEST_F(ExecutionTest, is_answered_by_other_threads) {
    const Instance instance = instantiate(adder);
    Execution execution = start(instance, "add", {0});
    EXPECT_FALSE(execution.token());
    for (const int32_t answer : {5, 0}) {
        ASSERT_EQ(execution.resume(), ExecutionState::host_call);
        const AnswerToken token = *execution.token();
        EXPECT_EQ(token.state(), AnswerToken::State::open);
        std::vector<std::thread> threads;
        std::atomic<int> accepted = 0;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&accepted, token, answer] {
                EXPECT_FALSE(token.answer({{Value{1.5}}}));
                accepted += token.answer({{Value{answer}}}).has_value() ? 1 : 0;
            });
        for (std::thread& thread : threads)
            thread.join();
        EXPECT_EQ(accepted, 1);
        EXPECT_EQ(token.state(), AnswerToken::State::answered);
        EXPECT_EQ(execution.state(), ExecutionState::ready);
        EXPECT_FALSE(execution.answer({{Value{1}}}));
        const auto state = execution.resume();
        EXPECT_EQ(token.state(), AnswerToken::State::closed);
        EXPECT_FALSE(token.refuse(Trap::host("late")));
        ASSERT_EQ(state, answer != 0 ? ExecutionState::host_call : ExecutionState::done);
        if (answer != 0) {
            const AnswerToken next = *execution.token();
            ASSERT_TRUE(next.answer({{Value{2}}}));
        }
    }
    EXPECT_EQ(result_of(execution), 5 + 2 + 3);
}

TEST_F(ExecutionTest, each_value_of_an_answer_has_to_fit) {
    using Three = std::tuple<int32_t, double, int64_t>();
    ASSERT_TRUE(linker.host_call<Three>("env", "three"));
    const Instance instance = instantiate(R"((module
        (import "env" "three" (func $three (result i32 f64 i64)))
        (func (export "f") (result i32 f64 i64) (call $three))))");
    Execution execution = std::move(*Execution::create(*instance.func("f"), {}));
    ASSERT_EQ(execution.resume(), ExecutionState::host_call);
    const AnswerToken token = *execution.token();
    const Value one{1}, two{2.0}, three{int64_t{3}};
    EXPECT_EQ(token.answer({{two, two, three}}).error().message(), "value 0 has the wrong type");
    EXPECT_EQ(token.answer({{one, one, three}}).error().message(), "value 1 has the wrong type");
    EXPECT_EQ(token.answer({{one, two, two}}).error().message(), "value 2 has the wrong type");
    EXPECT_TRUE(token.answer({{one, two, three}}));
    EXPECT_EQ(execution.resume(), ExecutionState::done);
}

TEST_F(ExecutionTest, tells_the_holders_of_its_tokens_that_it_is_gone) {
    const Instance instance = instantiate(adder);
    int dropped = 0;
    const auto count = [](void* data) noexcept { ++*static_cast<int*>(data); };
    AnswerToken token;
    EXPECT_EQ(token.state(), AnswerToken::State::closed);
    EXPECT_EQ(token.answer({}).error().message(), "the token is empty");
    {
        Execution execution = start(instance, "add", {0});
        ASSERT_EQ(execution.resume(), ExecutionState::host_call);
        token = *execution.token(count, &dropped);
    }
    EXPECT_EQ(dropped, 1);
    EXPECT_EQ(token.state(), AnswerToken::State::closed);
    EXPECT_EQ(token.answer({{Value{1}}}).error().code(), ErrorCode::usage);
    Execution survivor;
    {
        Store brief{engine};
        const Instance its = *linker.instantiate(brief, load(adder));
        survivor = *Execution::create(*its.func("add"), {{Value{0}}});
        ASSERT_EQ(survivor.resume(), ExecutionState::host_call);
        token = *survivor.token(count, &dropped);
    }
    EXPECT_EQ(dropped, 2);
    EXPECT_FALSE(token.refuse(Trap::host("late")));
    Execution answered = start(instance, "add", {0});
    ASSERT_EQ(answered.resume(), ExecutionState::host_call);
    token = *answered.token(count, &dropped);
    ASSERT_TRUE(answered.answer({{Value{0}}}));
    EXPECT_EQ(token.state(), AnswerToken::State::closed) << "the owner was first";
    EXPECT_EQ(answered.resume(), ExecutionState::done);
    EXPECT_EQ(dropped, 2);
    Execution refused = start(instance, "add", {0});
    ASSERT_EQ(refused.resume(), ExecutionState::host_call);
    ASSERT_TRUE(refused.token()->refuse(Trap::host("no")));
    EXPECT_EQ(refused.resume(), ExecutionState::trapped);
    EXPECT_EQ(refused.trap()->message(), "no");
}

TEST_F(ExecutionTest, may_be_destroyed_while_the_answer_of_a_token_waits_for_it) {
    const Instance instance = instantiate(adder);
    int dropped = 0;
    AnswerToken token;
    {
        Execution execution = start(instance, "add", {0});
        ASSERT_EQ(execution.resume(), ExecutionState::host_call);
        token = *execution.token([](void* data) noexcept { ++*static_cast<int*>(data); }, &dropped);
        ASSERT_TRUE(token.answer({{Value{1}}}));
        EXPECT_EQ(token.state(), AnswerToken::State::answered);
    }
    EXPECT_EQ(token.state(), AnswerToken::State::closed);
    EXPECT_EQ(dropped, 1);
}

TEST_F(ExecutionTest, refuses_references_of_other_stores_from_tokens) {
    ASSERT_TRUE(linker.host_call("env", "func", FuncType{{}, {&funcref_type, 1}}));
    const Instance instance = instantiate(R"((module (import "env" "func" (func $func (result funcref)))
        (func (export "f") (result i32) (ref.is_null (call $func)))))");
    Store other{engine};
    Execution execution = start(instance, "f");
    ASSERT_EQ(execution.resume(), ExecutionState::host_call);
    const AnswerToken token = *execution.token();
    ASSERT_TRUE(token.answer({{Value{*Func::wrap(other, [] {})}}}));
    EXPECT_EQ(execution.resume().error().message(), "value 0 of the answer has the wrong type");
    EXPECT_EQ(execution.state(), ExecutionState::host_call);
    ASSERT_TRUE(token.answer({{Value{*Func::wrap(store, [] {})}}}));
    EXPECT_EQ(execution.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(execution), 0);
}

/// What is called when there is an answer; it returns when the test says so.
struct SlowTell {
    std::atomic<int> calls = 0;
    std::atomic<bool> may_return = false;
    std::atomic<bool> has_returned = false;
    static void tell(void* data) noexcept {
        auto& self = *static_cast<SlowTell*>(data);
        for (++self.calls; !self.may_return && self.calls == 1;)
            std::this_thread::yield();
        self.has_returned = true;
    }
};

/// A call is open again, since an answer can't be used, while what that answer has called still runs.
class ReopenedTest : public ExecutionTest {
protected:
    ReopenedTest() {
        EXPECT_TRUE(linker.host_call("env", "func", FuncType{{}, {&funcref_type, 1}}));
        execution = start(instantiate(R"((module (import "env" "func" (func $func (result funcref)))
            (func (export "f") (result i32) (ref.is_null (call $func)))))"),
                          "f");
        EXPECT_EQ(execution.resume(), ExecutionState::host_call);
        token = *execution.token();
        EXPECT_TRUE(execution.notify(SlowTell::tell, &first));
        answering = std::thread{[this] { EXPECT_TRUE(token.answer({{misfit}})); }};
        while (first.calls == 0)
            std::this_thread::yield();
        EXPECT_FALSE(execution.resume());
        EXPECT_EQ(token.state(), AnswerToken::State::open);
    }
    ~ReopenedTest() override {
        first.may_return = true;
        answering.join();
    }
    /// Lets what is called return soon.
    std::thread release() {
        return std::thread{[this] {
            std::this_thread::sleep_for(std::chrono::milliseconds{20});
            first.may_return = true;
        }};
    }
    Store other{engine};
    const Value misfit{*Func::wrap(other, [] {})};
    const Value fit{*Func::wrap(store, [] {})};
    SlowTell first;
    Execution execution;
    AnswerToken token;
    std::thread answering;
};

TEST_F(ReopenedTest, does_not_tell_again) {
    ASSERT_TRUE(token.answer({{fit}}));
    EXPECT_EQ(first.calls, 1);
    EXPECT_EQ(execution.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(execution), 0);
}

TEST_F(ReopenedTest, is_told_anew_once_the_first_has_returned) {
    SlowTell second;
    second.may_return = true;
    std::thread releasing = release();
    EXPECT_TRUE(execution.notify(SlowTell::tell, &second));
    EXPECT_TRUE(first.has_returned);
    releasing.join();
    ASSERT_TRUE(token.answer({{fit}}));
    EXPECT_EQ(first.calls, 1);
    EXPECT_EQ(second.calls, 1);
    EXPECT_EQ(execution.resume(), ExecutionState::done);
}

TEST_F(ReopenedTest, is_dropped_once_the_first_has_returned) {
    std::thread releasing = release();
    execution = {};
    EXPECT_TRUE(first.has_returned);
    releasing.join();
    EXPECT_FALSE(token.answer({{fit}}));
}

/// `f` adds the results of `host.now` and `host.later`, the second of which may wait.
constexpr const char* two_calls = R"((module
    (import "host" "now" (func $now (result i32))) (import "host" "later" (func $later (param i32) (result i32)))
    (func (export "f") (result i32) (i32.add (call $now) (call $later (i32.const 5))))))";

class HostTokenTest : public ExecutionTest {
protected:
    /// What the last host function of that name took.
    AnswerToken of_now;
    AnswerToken of_later;
    int dropped = 0;
    static void count(void* data) noexcept { ++*static_cast<int*>(data); }
    void define(bool takes, bool waits) {
        EXPECT_TRUE(linker.func("host", "now", [this](Caller& caller) -> int32_t {
            of_now = caller.token(count, &dropped).value_or(AnswerToken{});
            return 20;
        }));
        EXPECT_TRUE(linker.func("host", "later",
                                [=, this](Caller& caller, int32_t n) -> std::expected<int32_t, Trap> {
                                    if (takes) {
                                        auto token = caller.token(count, &dropped);
                                        if (!token)
                                            return std::unexpected{std::move(token.error())};
                                        of_later = *token;
                                        EXPECT_TRUE(caller.token()); // the same once more
                                    }
                                    if (waits)
                                        return std::unexpected{caller.suspend()};
                                    return n;
                                }));
    }
};

TEST_F(HostTokenTest, is_taken_by_the_host_function_itself) {
    define(true, true);
    Execution execution = start(instantiate(two_calls), "f");
    ASSERT_EQ(execution.resume(), ExecutionState::host_call);
    EXPECT_EQ(of_now.state(), AnswerToken::State::closed) << "that function has returned";
    EXPECT_EQ(dropped, 1);
    ASSERT_EQ(of_later.state(), AnswerToken::State::open);
    ASSERT_TRUE(execution.token()->answer({{Value{300}}})) << "it is the same call";
    EXPECT_EQ(of_later.state(), AnswerToken::State::answered);
    ASSERT_EQ(execution.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(execution), 320);
    EXPECT_EQ(dropped, 1);
}

TEST_F(HostTokenTest, may_be_used_before_the_function_has_returned) {
    ASSERT_TRUE(linker.func("env", "at-once", [](Caller& caller) -> std::expected<int32_t, Trap> {
        const AnswerToken token = *caller.token();
        std::thread{[token] { EXPECT_TRUE(token.answer({{Value{6}}})); }}.join();
        return std::unexpected{caller.suspend()};
    }));
    Execution execution = start(instantiate(R"((module (import "env" "at-once" (func $f (result i32)))
        (func (export "f") (result i32) (call $f))))"),
                                "f");
    EXPECT_EQ(execution.resume(), ExecutionState::host_call);
    EXPECT_EQ(execution.state(), ExecutionState::ready);
    EXPECT_EQ(execution.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(execution), 6);
}

TEST_F(HostTokenTest, is_closed_if_the_function_does_not_wait) {
    define(true, false);
    Execution execution = start(instantiate(two_calls), "f");
    ASSERT_EQ(execution.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(execution), 25);
    EXPECT_EQ(of_later.state(), AnswerToken::State::closed);
    EXPECT_FALSE(of_later.answer({{Value{1}}}));
    EXPECT_EQ(dropped, 2);
}

TEST_F(HostTokenTest, of_an_earlier_call_does_not_answer_a_later_one) {
    define(false, true);
    Execution execution = start(instantiate(two_calls), "f");
    ASSERT_EQ(execution.resume(), ExecutionState::host_call);
    EXPECT_FALSE(of_now.answer({{Value{1}}}));
    EXPECT_EQ(dropped, 1);
    ASSERT_TRUE(execution.answer({{Value{30}}}));
    ASSERT_EQ(execution.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(execution), 50);
}

TEST_F(HostTokenTest, needs_an_execution) {
    define(true, true);
    const Instance instance = instantiate(two_calls);
    Value result;
    EXPECT_EQ(instance.func("f")->call({}, {&result, 1}).error().code(), TrapCode::cannot_suspend);
    EXPECT_EQ(of_now.state(), AnswerToken::State::closed);
    EXPECT_EQ(dropped, 0);
}

TEST_F(HostTokenTest, tells_that_it_was_answered) {
    const Instance instance = instantiate(adder);
    std::atomic<int> told = 0;
    const auto tell = [](void* data) noexcept { ++*static_cast<std::atomic<int>*>(data); };
    Execution execution = start(instance, "add", {0});
    EXPECT_FALSE(execution.notify(tell, &told)) << "it does not wait";
    ASSERT_EQ(execution.resume(), ExecutionState::host_call);
    EXPECT_FALSE(execution.notify(tell, &told)) << "there is no token";
    const AnswerToken token = *execution.token();
    ASSERT_TRUE(execution.notify(tell, &told));
    EXPECT_EQ(told, 0);
    std::thread{[token] { EXPECT_TRUE(token.answer({{Value{4}}})); }}.join();
    EXPECT_EQ(told, 1);
    EXPECT_FALSE(execution.notify(tell, &told)) << "it is answered";
    ASSERT_EQ(execution.resume(), ExecutionState::host_call);
    const AnswerToken refusing = *execution.token();
    ASSERT_TRUE(execution.notify(tell, &told));
    ASSERT_TRUE(execution.notify(nullptr, nullptr));
    ASSERT_TRUE(refusing.refuse(Trap::host("no")));
    EXPECT_EQ(told, 1);
    EXPECT_EQ(execution.resume(), ExecutionState::trapped);
    EXPECT_FALSE(Execution{}.notify(tell, &told));
}

} // namespace
} // namespace warpbeam
