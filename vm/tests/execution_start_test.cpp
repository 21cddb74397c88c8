#include "execution_fixture.hpp"

#include <warpbeam/vm/gc.hpp>

#include <optional>
#include <string>
#include <vector>

/// Execution::start, beside the three functions that it stands for.

namespace warpbeam {
namespace {

/// What a test sees of a call.
struct Seen {
    ExecutionState state;
    uint64_t fuel_used;
    std::string values; ///< of the results, of the arguments of a host call, or the message of a trap
    uint64_t executions;
    friend bool operator==(const Seen&, const Seen&) = default;
};

void PrintTo(const Seen& seen, std::ostream* to) {
    *to << static_cast<int>(seen.state) << " after " << seen.fuel_used << ": " << seen.values << ", "
        << seen.executions << " executions";
}

std::string text_of(std::span<const Value> values) {
    std::string text;
    for (const Value& value : values)
        text += std::to_string(value.slots()[0]) + " ";
    return text;
}

class ExecutionStartTest : public FuelledExecutionTest {
protected:
    std::string seen_of(const Execution& execution) {
        if (execution.trap() != nullptr)
            return std::string{execution.trap()->message()};
        std::string text;
        for (size_t i = 0; i < execution.host_call().type.params.size(); ++i)
            text += text_of({{execution.argument(i)}});
        return text;
    }
    Seen by_parts(const Func& func, const std::vector<Value>& args, uint64_t fuel) {
        Execution execution = std::move(*Execution::create(func, args));
        const ExecutionState state = execution.resume({fuel}).value();
        std::vector<Value> results(func.type().results.size());
        if (state == ExecutionState::done) {
            EXPECT_TRUE(execution.results(results));
        }
        return {state, fuel - execution.fuel() + execution.fuel_debt(),
                state == ExecutionState::done ? text_of(results) : seen_of(execution),
                store.usage().executions};
    }
    /// Also that the execution goes on, if it may, as far as it should.
    Seen at_once(const Func& func, const std::vector<Value>& args, uint64_t fuel) {
        std::vector<Value> results(func.type().results.size());
        auto started = Execution::start(func, args, results, {fuel});
        if (!started)
            return {ExecutionState::ready, 0, std::string{started.error().message()}, 0};
        EXPECT_EQ(static_cast<bool>(started->execution), started->state != ExecutionState::done);
        Seen seen{started->state, started->fuel_used,
                  started->execution ? seen_of(started->execution) : text_of(results),
                  store.usage().executions};
        if (started->state == ExecutionState::done)
            ++seen.executions; // which is the one of the other
        return seen;
    }
    /// The same with slots. Precondition: a call was made before, and the values are numbers.
    Seen in_slots(const Func& func, const std::vector<Value>& args, uint64_t fuel) {
        const FuncType type = func.type();
        uint64_t frame[4] = {};
        for (size_t i = 0; i < args.size(); ++i)
            frame[i] = args[i].slots()[0];
        uint64_t fuel_used = 0;
        std::optional<StartedCall> stopped;
        EXPECT_TRUE(detail::start_slots(func, frame, type.params.size(), type.results.size(), {fuel},
                                        fuel_used, stopped));
        if (stopped) {
            EXPECT_EQ(stopped->fuel_used, fuel_used);
            return {stopped->state, fuel_used, seen_of(stopped->execution), store.usage().executions};
        }
        std::vector<Value> results;
        for (size_t i = 0; i < type.results.size(); ++i)
            results.push_back(Value::from_slots(type.results[i], &frame[i]));
        return {ExecutionState::done, fuel_used, text_of(results), store.usage().executions + 1};
    }
    void expect_the_same(const Func& func, const std::vector<Value>& args, uint64_t fuel,
                         bool has_numbers = true) {
        const Seen expected = by_parts(func, args, fuel);
        for (int i = 0; i < 3; ++i) // the first one prepares what the others use
            EXPECT_EQ(at_once(func, args, fuel), expected) << i;
        for (int i = 0; has_numbers && i < 3; ++i)
            EXPECT_EQ(in_slots(func, args, fuel), expected) << i;
        EXPECT_EQ(store.usage().executions, 0u);
        EXPECT_EQ(store.usage().execution_bytes, 0u);
    }
};

TEST_F(ExecutionStartTest, comes_to_what_its_parts_come_to) {
    const Instance instance = instantiate(adder);
    expect_the_same(*instance.func("count"), {10}, 1000);
    expect_the_same(*instance.func("count"), {1000}, 100);
    expect_the_same(*instance.func("count"), {10}, 0);
    expect_the_same(*instance.func("add"), {0}, 1000);
    expect_the_same(*instance.func("deep"), {100}, 100'000);
    expect_the_same(*instance.func("fail"), {}, 1000);
    const Instance other = instantiate(R"((module
        (func (export "trap") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
        (func (export "endless") (result i32) (call 1))
        (func (export "many") (param i64 f32 v128 f64) (result f64 v128 i64 f32)
          (local.get 3) (local.get 2) (local.get 0) (local.get 1))))");
    expect_the_same(*other.func("trap"), {0}, 1000);
    expect_the_same(*other.func("endless"), {}, 1'000'000'000);
    expect_the_same(*other.func("many"), {Value{int64_t{-1}}, Value{1.5F}, Value{V128{}}, Value{2.5}}, 1000,
                    false);
}

TEST_F(ExecutionStartTest, counts_what_a_host_function_takes_beyond_what_there_is) {
    ASSERT_TRUE(linker.func("env", "take", [](Caller& caller, uint64_t bytes) { caller.take_fuel(bytes); }));
    const Instance instance = instantiate(R"((module (import "env" "take" (func $take (param i64)))
        (func (export "f") (param $bytes i64) (call $take (local.get $bytes)))))");
    const Func f = *instance.func("f");
    for (const uint64_t bytes : {0u, 1u, 64u, 640u, 64'000u, 64'001u}) {
        const uint64_t needed = at_once(f, {Value{bytes}}, 1'000'000).fuel_used;
        EXPECT_LE(bytes / 64, needed);
        EXPECT_LE(needed, (bytes + 63) / 64 + 5);
        for (const uint64_t fuel : {5u, 10u, 11u, 12u, 900u}) {
            expect_the_same(f, {Value{bytes}}, fuel);
            const Seen seen = at_once(f, {Value{bytes}}, fuel);
            EXPECT_EQ(seen.state, ExecutionState::done);
            EXPECT_EQ(seen.fuel_used, needed) << bytes << " with " << fuel;
        }
    }
}

TEST_F(ExecutionStartTest, begins_nothing_with_slots_without_a_call_before) {
    const Instance instance = instantiate(adder);
    uint64_t frame[1] = {5};
    uint64_t fuel_used = 0;
    std::optional<StartedCall> stopped;
    EXPECT_FALSE(detail::start_slots(*instance.func("count"), frame, 1, 1, {1000}, fuel_used, stopped));
    EXPECT_FALSE(detail::start_slots(Func{}, frame, 1, 1, {1000}, fuel_used, stopped));
    EXPECT_FALSE(stopped);
    EXPECT_EQ(fuel_used, 0u);
    EXPECT_EQ(store.usage().executions, 0u);
}

TEST_F(ExecutionStartTest, goes_on) {
    const Instance instance = instantiate(adder);
    Value result;
    for (int i = 0; i < 3; ++i) {
        auto started = Execution::start(*instance.func("count"), {{Value{1000}}}, {&result, 1}, {100});
        ASSERT_TRUE(started);
        ASSERT_EQ(started->state, ExecutionState::out_of_fuel);
        EXPECT_EQ(started->execution.backtrace().size(), 1u);
        ASSERT_EQ(started->execution.resume({100'000}), ExecutionState::done);
        EXPECT_EQ(result_of(started->execution), 1000);

        auto asking = Execution::start(*instance.func("deep"), {{Value{500}}}, {&result, 1}, {100'000});
        ASSERT_TRUE(asking);
        ASSERT_EQ(asking->state, ExecutionState::host_call);
        // Others run meanwhile.
        ASSERT_EQ(Execution::start(*instance.func("count"), {{Value{5}}}, {&result, 1}, {1000})->state,
                  ExecutionState::done);
        EXPECT_EQ(result.as<int32_t>(), 5);
        ASSERT_TRUE(asking->execution.answer({{Value{7}}}));
        ASSERT_EQ(asking->execution.resume({100'000}), ExecutionState::done);
        EXPECT_EQ(result_of(asking->execution), 507);
    }
}

TEST_F(ExecutionStartTest, is_interrupted) {
    const Instance instance = instantiate(adder);
    Value result;
    for (int i = 0; i < 3; ++i) {
        store.interrupt_handle().interrupt();
        auto started = Execution::start(*instance.func("count"), {{Value{10}}}, {&result, 1}, {1000});
        ASSERT_TRUE(started);
        ASSERT_EQ(started->state, ExecutionState::interrupted);
        ASSERT_EQ(started->execution.resume({0}), ExecutionState::done);
        EXPECT_EQ(result_of(started->execution), 10);
    }
}

TEST_F(ExecutionStartTest, says_what_does_not_fit) {
    const Instance instance = instantiate(adder);
    const Func count = *instance.func("count");
    Value result[2];
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(Execution::start(Func{}, {}, {}).error().code(), ErrorCode::usage);
        EXPECT_EQ(Execution::start(count, {}, {result, 1}).error().message(),
                  "the function takes 1 arguments, but 0 were given");
        EXPECT_EQ(Execution::start(count, {{Value{1}, Value{2}}}, {result, 1}).error().message(),
                  "the function takes 1 arguments, but 2 were given");
        EXPECT_EQ(Execution::start(count, {{Value{1.5}}}, {result, 1}).error().message(),
                  "argument 0 has the wrong type");
        EXPECT_EQ(Execution::start(count, {{Value{1}}}, {result, 2}).error().message(),
                  "the function returns 1 results, but there is space for 2");
        EXPECT_EQ(Execution::start(count, {{Value{1}}}, {}).error().message(),
                  "the function returns 1 results, but there is space for 0");
        EXPECT_EQ(Execution::start(count, {{Value{1}}}, {result, 1}, {1000})->state, ExecutionState::done);
    }
    EXPECT_EQ(store.usage().executions, 0u);
}

TEST_F(ExecutionStartTest, keeps_to_the_limits) {
    Value result;
    Store few{engine, {.executions = 1}};
    const Func in_few = *linker.instantiate(few, load(adder))->func("count");
    const auto start_in_few = [&] { return Execution::start(in_few, {{Value{1}}}, {&result, 1}, {1000}); };
    ASSERT_TRUE(start_in_few());
    {
        const Execution taken = *Execution::create(in_few, {{Value{1}}});
        EXPECT_EQ(start_in_few().error().message(), "store execution limit reached (1)");
    }
    EXPECT_TRUE(start_in_few());

    Store small{engine, {.execution_bytes = 1024}};
    const Instance in_small = *linker.instantiate(small, load(adder));
    const auto deep = [&](int32_t depth) {
        return Execution::start(*in_small.func("deep"), {{Value{depth}}}, {&result, 1}, {100'000});
    };
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(deep(1)->state, ExecutionState::host_call);
        auto trapped = deep(1000);
        ASSERT_EQ(trapped->state, ExecutionState::trapped);
        EXPECT_EQ(trapped->execution.trap()->message(),
                  "the stacks of executions exceed the store's limit of 1024 bytes");
        const auto first = deep(1), second = deep(1);
        EXPECT_EQ(small.usage().execution_bytes, 1024u);
        EXPECT_EQ(deep(1).error().message(),
                  "the stacks of executions exceed the store's limit of 1024 bytes");
    }
    EXPECT_EQ(small.usage().executions, 0u);
    EXPECT_EQ(small.usage().execution_bytes, 0u);
}

TEST_F(ExecutionStartTest, nests) {
    std::optional<Func> inner;
    int depth = 0;
    ASSERT_TRUE(linker.func("env", "nest", [&](int32_t n) -> std::expected<int32_t, Trap> {
        ++depth;
        Value result;
        auto started = Execution::start(*inner, {{Value{n - 1}}}, {&result, 1}, {10'000});
        if (!started)
            return std::unexpected{Trap::host("refused")};
        EXPECT_EQ(started->state, ExecutionState::done);
        return result.as<int32_t>() + 1;
    }));
    const Instance instance =
        instantiate(R"((module (import "env" "nest" (func $nest (param i32) (result i32)))
        (func (export "f") (param i32) (result i32)
          (if (result i32) (local.get 0) (then (call $nest (local.get 0))) (else (i32.const 100))))))");
    inner = *instance.func("f");
    Value result;
    for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(Execution::start(*inner, {{Value{10}}}, {&result, 1}, {10'000})->state,
                  ExecutionState::done);
        EXPECT_EQ(result.as<int32_t>(), 110);
    }
    EXPECT_EQ(depth, 30);
}

TEST_F(ExecutionStartTest, may_wait_for_a_host_function_with_a_token) {
    std::optional<AnswerToken> token;
    ASSERT_TRUE(linker.func("env", "later", [&](Caller& caller) -> std::expected<int32_t, Trap> {
        auto taken = caller.token();
        if (!taken)
            return std::unexpected{std::move(taken.error())};
        token = *taken;
        return std::unexpected{caller.suspend()};
    }));
    const Instance instance = instantiate(R"((module (import "env" "later" (func $later (result i32)))
        (func (export "f") (result i32) (call $later))))");
    Value result;
    for (int i = 0; i < 3; ++i) {
        auto started = Execution::start(*instance.func("f"), {}, {&result, 1}, {1000});
        ASSERT_TRUE(started);
        ASSERT_EQ(started->state, ExecutionState::host_call);
        ASSERT_TRUE(token->answer({{Value{i}}}));
        ASSERT_EQ(started->execution.resume(), ExecutionState::done);
        EXPECT_EQ(result_of(started->execution), i);
    }
}

TEST_F(ExecutionStartTest, gives_objects_that_stay) {
    const Instance instance = instantiate(R"((module (type $box (struct (field i32)))
        (func (export "make") (param i32) (result (ref $box)) (struct.new $box (local.get 0)))
        (func (export "open") (param (ref $box)) (result i32) (struct.get $box 0 (local.get 0)))
        (func (export "litter") (loop (drop (struct.new $box (i32.const 0))) (br 0)))))");
    Value box, result;
    for (int32_t i = 0; i < 3; ++i) {
        const RootScope scope{store};
        ASSERT_EQ(Execution::start(*instance.func("make"), {{Value{i}}}, {&box, 1}, {1000})->state,
                  ExecutionState::done);
        // Its own argument, which keeps nothing alive, is not in the way of a collection.
        for (int j = 0; j < 3; ++j)
            EXPECT_EQ(Execution::start(*instance.func("litter"), {}, {}, {100'000})->state,
                      ExecutionState::out_of_fuel);
        ASSERT_EQ(Execution::start(*instance.func("open"), {{box}}, {&result, 1}, {1000})->state,
                  ExecutionState::done);
        EXPECT_EQ(result.as<int32_t>(), i);
    }
    EXPECT_GT(store.heap().collections, 0u);
}

TEST_F(ExecutionStartTest, may_be_left_to_itself_by_a_store_that_ends) {
    Value result;
    auto own = std::make_unique<Store>(engine);
    const Instance instance = *linker.instantiate(*own, load(adder));
    ASSERT_EQ(Execution::start(*instance.func("count"), {{Value{1}}}, {&result, 1}, {1000})->state,
              ExecutionState::done);
    auto waiting = Execution::start(*instance.func("add"), {{Value{1}}}, {&result, 1}, {1000});
    ASSERT_EQ(waiting->state, ExecutionState::host_call);
    own.reset();
    EXPECT_EQ(waiting->execution.state(), ExecutionState::trapped);
    EXPECT_EQ(waiting->execution.resume().error().code(), ErrorCode::usage);
}

TEST(ExecutionStartMemory, failing_is_an_error_or_a_trap) {
    ScarceStore scarce{with_fuel()};
    ASSERT_TRUE(scarce.linker.host_call<int32_t(int32_t)>("env", "ask"));
    const auto module = scarce.engine.load(assemble(R"((module
        (import "env" "ask" (func $ask (param i32) (result i32)))
        (func $deep (export "deep") (param $n i32) (result i32)
          (if (result i32) (local.get $n)
            (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get $n) (i32.const 1)))))
            (else (call $ask (i32.const 77)))))))"));
    ASSERT_TRUE(module);
    const Func deep = *scarce.linker.instantiate(scarce.store, *module)->func("deep");
    bool done = false;
    for (size_t budget = 0; !done; ++budget) {
        ASSERT_LT(budget, 100u);
        scarce.allocator.allow(budget);
        Value result;
        {
            auto started = Execution::start(deep, {{Value{100}}}, {&result, 1}, {100'000});
            done = started && started->state == ExecutionState::host_call;
            if (started && !done) {
                EXPECT_EQ(started->state, ExecutionState::trapped);
            }
        }
        EXPECT_EQ(scarce.store.usage().executions, 0u);
        EXPECT_EQ(scarce.store.usage().execution_bytes, 0u);
    }
}

} // namespace
} // namespace warpbeam
