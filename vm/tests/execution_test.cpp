#include "execution_fixture.hpp"

#include <warpbeam/vm/exception.hpp>
#include <warpbeam/vm/gc.hpp>

#include <optional>
#include <vector>

/// Executions that stop, wait and go on.

namespace warpbeam {
namespace {

// The callee's records take room, too.
TEST_F(ExecutionTest, whose_stack_grows_at_any_call_of_another_instance) {
    for (int locals = 0; locals < 40; ++locals) {
        SCOPED_TRACE(locals);
        std::string types;
        for (int i = 0; i < locals; ++i)
            types += "i64 ";
        Store own{engine};
        Linker links{engine};
        const auto callee = links.instantiate(own, load(R"((module
            (func (export "wrong") (param i32) (result i32) (unreachable))
            (func (export "f") (param i32) (result i32) (local )" +
                                                        types + R"()
                (i32.add (local.get 0) (i32.const 1)))
            (func $lowered (export "lower") (drop (call 1 (i32.const 1))))))"));
        ASSERT_TRUE(callee);
        ASSERT_TRUE(callee->func("lower")->call());
        ASSERT_TRUE(links.define_instance("callee", *callee));
        // In the callee's instance, its index is that of another function.
        const auto caller = links.instantiate(own, load(R"((module
            (import "callee" "f" (func $f (param i32) (result i32)))
            (func $g (param i32) (result i32) (local )" +
                                                        types + R"()
                (if (i32.eqz (local.get 0)) (then (return (call $f (i32.const 0)))))
                (i32.add (call $f (local.get 0)) (call $g (i32.sub (local.get 0) (i32.const 1)))))
            (func (export "run") (param i32) (result i32) (call $g (local.get 0)))))"));
        ASSERT_TRUE(caller);
        const Value args[] = {20};
        Execution execution = std::move(*Execution::create(*caller->func("run"), args));
        ASSERT_EQ(*execution.resume(), ExecutionState::done)
            << (execution.trap() != nullptr ? execution.trap()->message() : "");
        Value result;
        ASSERT_TRUE(execution.results({&result, 1}));
        EXPECT_EQ(result.as<int32_t>(), 20 * 21 / 2 + 20 + 1);
    }
}

TEST_F(ExecutionTest, runs_to_its_end) {
    const Instance instance = instantiate(adder);
    Execution execution = start(instance, "count", {10});
    EXPECT_EQ(execution.state(), ExecutionState::ready);
    EXPECT_FALSE(execution.results({}));
    EXPECT_EQ(execution.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(execution), 10);
    EXPECT_EQ(execution.resume().error().message(), "the execution has ended");
    EXPECT_EQ(execution.trap(), nullptr);
}

TEST_F(ExecutionTest, has_the_type_of_its_function) {
    const Execution execution = start(instantiate(adder), "add", {1});
    EXPECT_EQ(execution.type().params.size(), 1u);
    EXPECT_EQ(execution.type().results.size(), 1u);
    EXPECT_TRUE(Execution{}.type().params.empty());
}

TEST_F(ExecutionTest, is_not_made_of_what_does_not_fit) {
    const Instance instance = instantiate(adder);
    EXPECT_EQ(Execution::create(Func{}).error().code(), ErrorCode::usage);
    EXPECT_EQ(Execution::create(*instance.func("count")).error().message(),
              "the function takes 1 arguments, but 0 were given");
    EXPECT_EQ(Execution::create(*instance.func("count"), {{Value{1.5}}}).error().message(),
              "argument 0 has the wrong type");
}

TEST_F(FuelledExecutionTest, goes_on_with_more_fuel_and_takes_no_more_of_it) {
    const Instance instance = instantiate(adder);
    store.set_fuel(1'000'000);
    Value result;
    ASSERT_TRUE(instance.func("count")->call({{Value{1000}}}, {&result, 1}));
    const uint64_t needed = 1'000'000 - store.fuel();
    Execution execution = start(instance, "count", {1000});
    uint64_t given = 0;
    while (true) {
        const auto state = execution.resume({.fuel = 7});
        ASSERT_TRUE(state);
        given += 7;
        if (*state == ExecutionState::done)
            break;
        ASSERT_EQ(*state, ExecutionState::out_of_fuel);
        EXPECT_EQ(execution.fuel(), 0u);
        ASSERT_EQ(execution.backtrace().size(), 1u);
    }
    EXPECT_EQ(result_of(execution), 1000);
    EXPECT_EQ(given - execution.fuel(), needed);
    EXPECT_EQ(store.fuel(), 1'000'000 - needed) << "an execution has its own fuel";
}

TEST_F(FuelledExecutionTest, goes_on_after_interrupts_and_takes_no_more_fuel) {
    const Instance instance = instantiate(adder);
    Execution execution = start(instance, "count", {100});
    Execution other = start(instance, "count", {100});
    EXPECT_EQ(other.resume({.fuel = 1000}), ExecutionState::done);
    for (int i = 0; i < 5; ++i) {
        store.interrupt_handle().interrupt();
        EXPECT_EQ(execution.resume({.fuel = 10}), ExecutionState::interrupted);
    }
    EXPECT_EQ(execution.fuel(), 50u);
    EXPECT_EQ(execution.resume({.fuel = 950}), ExecutionState::done);
    EXPECT_EQ(execution.fuel(), other.fuel());
    EXPECT_EQ(result_of(execution), 100);
}

TEST_F(FuelledExecutionTest, owes_what_a_host_function_takes_beyond_what_there_is) {
    ASSERT_TRUE(linker.func("env", "take", [](Caller& caller, uint64_t bytes) { caller.take_fuel(bytes); }));
    const Instance instance = instantiate(R"((module (import "env" "take" (func $take (param i64)))
        (func (export "f") (param $bytes i64)
          (call $take (local.get $bytes)) (call $take (local.get $bytes)) (loop))))");
    constexpr uint64_t unit = 64; // bytes
    for (const uint64_t bytes : {uint64_t{0}, uint64_t{1}, 9 * unit, 10 * unit, 1000 * unit + 1}) {
        Execution whole = start(instance, "f", {Value{bytes}});
        ASSERT_EQ(whole.resume({.fuel = 10'000}), ExecutionState::done);
        EXPECT_EQ(whole.fuel_debt(), 0u);
        const uint64_t needed = 10'000 - whole.fuel();
        Execution parts = start(instance, "f", {Value{bytes}});
        uint64_t given = 0;
        for (auto state = ExecutionState::ready; state != ExecutionState::done; given += 15) {
            ASSERT_LE(given, needed + 15);
            state = parts.resume({.fuel = 15}).value();
            EXPECT_TRUE(parts.fuel() == 0 || parts.fuel_debt() == 0);
        }
        EXPECT_EQ(given - parts.fuel() + parts.fuel_debt(), needed) << bytes;
    }
    EXPECT_EQ(Execution{}.fuel_debt(), 0u);
}

TEST_F(FuelledExecutionTest, goes_on_in_the_middle_of_a_bulk_instruction) {
    const Instance instance = instantiate(R"((module (memory (export "memory") 16)
        (func (export "fill") (result i32)
          (memory.fill (i32.const 0) (i32.const 7) (i32.const 1048576))
          (i32.load8_u (i32.const 1048575)))))");
    Execution execution = start(instance, "fill");
    int slices = 0;
    while (execution.resume({.fuel = 1000}) == ExecutionState::out_of_fuel)
        ++slices;
    EXPECT_EQ(slices, 16);
    EXPECT_EQ(result_of(execution), 7);
}

TEST_F(ExecutionTest, waits_for_the_answers_to_its_host_calls) {
    const Instance instance = instantiate(adder);
    Execution execution = start(instance, "add", {0});
    int32_t sum = 0;
    for (const int32_t answer : {5, 7, 11, 0}) {
        ASSERT_EQ(execution.resume(), ExecutionState::host_call);
        const HostCall call = execution.host_call();
        EXPECT_EQ(call.module, "env");
        EXPECT_EQ(call.name, "ask");
        EXPECT_EQ(call.type.params.size(), 1u);
        ASSERT_TRUE(call.instance);
        EXPECT_EQ(*call.instance, instance);
        EXPECT_EQ(execution.argument(0).as<int32_t>(), sum);
        EXPECT_EQ(execution.argument(1).type(), ValType::i32);
        EXPECT_EQ(execution.backtrace().size(), 1u);
        EXPECT_EQ(execution.resume().error().message(), "the execution waits for the answer to a host call");
        EXPECT_EQ(execution.answer({{Value{1.5f}}}).error().message(), "value 0 has the wrong type");
        EXPECT_EQ(execution.answer({}).error().message(), "the host call returns 1 value, but 0 were given");
        EXPECT_EQ(execution.state(), ExecutionState::host_call);
        ASSERT_TRUE(execution.answer({{Value{answer}}}));
        EXPECT_EQ(execution.answer({{Value{answer}}}).error().code(), ErrorCode::usage) << "only once";
        sum += answer;
    }
    EXPECT_EQ(execution.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(execution), 23 + 4);
    EXPECT_EQ(execution.host_call().name, "");
}

TEST_F(ExecutionTest, is_refused_an_answer_with_a_trap) {
    const Instance instance = instantiate(adder);
    Execution execution = start(instance, "add", {0});
    ASSERT_EQ(execution.resume(), ExecutionState::host_call);
    ASSERT_TRUE(execution.refuse(Trap::host("no answer").with_host_code(7)));
    EXPECT_EQ(execution.resume(), ExecutionState::trapped);
    ASSERT_NE(execution.trap(), nullptr);
    EXPECT_EQ(execution.trap()->message(), "no answer");
    EXPECT_EQ(execution.trap()->host_code(), 7);
    EXPECT_EQ(execution.trap()->backtrace().size(), 1u);
    EXPECT_FALSE(execution.refuse(Trap::host("late")));
}

TEST_F(ExecutionTest, is_answered_with_exceptions) {
    const Instance instance = instantiate(R"((module (import "env" "ask" (func $ask (param i32) (result i32)))
        (tag $t (export "t") (param i32))
        (func (export "f") (result i32)
          (block $caught (result i32)
            (try_table (result i32) (catch $t $caught) (call $ask (i32.const 0)))))))");
    const Tag tag = *instance.tag("t");
    Execution caught = start(instance, "f");
    ASSERT_EQ(caught.resume(), ExecutionState::host_call);
    ASSERT_TRUE(caught.refuse(Trap::thrown(*Exception::create(tag, {{Value{42}}}))));
    ASSERT_EQ(caught.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(caught), 42);
    const Tag other = *Tag::create(store, {});
    Execution uncaught = start(instance, "f");
    ASSERT_EQ(uncaught.resume(), ExecutionState::host_call);
    ASSERT_TRUE(uncaught.refuse(Trap::thrown(*Exception::create(other, {}))));
    ASSERT_EQ(uncaught.resume(), ExecutionState::trapped);
    EXPECT_EQ(uncaught.trap()->code(), TrapCode::uncaught_exception);
    EXPECT_TRUE(uncaught.trap()->exception());
}

TEST_F(ExecutionTest, is_needed_for_host_calls_that_wait) {
    const Instance instance = instantiate(adder);
    Value result;
    const auto called = instance.func("add")->call({{Value{0}}}, {&result, 1});
    ASSERT_FALSE(called);
    EXPECT_EQ(called.error().code(), TrapCode::cannot_suspend);
    EXPECT_EQ(called.error().backtrace().size(), 1u);
    // Also where a host function is in between.
    Func add = *instance.func("add");
    const Func between = *Func::wrap(store, [&]() -> std::expected<int32_t, Trap> {
        Value inner;
        if (auto done = add.call({{Value{0}}}, {&inner, 1}); !done)
            return std::unexpected{std::move(done.error())};
        return inner.as<int32_t>();
    });
    Execution execution = *Execution::create(between);
    EXPECT_EQ(execution.resume(), ExecutionState::trapped);
    EXPECT_EQ(execution.trap()->code(), TrapCode::cannot_suspend);
}

TEST_F(ExecutionTest, waits_for_a_host_function_that_answers_later) {
    int calls = 0;
    ASSERT_TRUE(linker.func("env", "maybe", [&](Caller& caller, int32_t n) -> std::expected<int32_t, Trap> {
        ++calls;
        if (n > 10)
            return std::unexpected{caller.suspend()};
        return n;
    }));
    const Instance instance = instantiate(R"((module
        (import "env" "maybe" (func $maybe (param i32) (result i32)))
        (func (export "f") (result i32) (i32.add (call $maybe (i32.const 1)) (call $maybe (i32.const 20))))))");
    Execution execution = start(instance, "f");
    ASSERT_EQ(execution.resume(), ExecutionState::host_call);
    EXPECT_EQ(execution.host_call().name, "maybe");
    EXPECT_EQ(execution.argument(0).as<int32_t>(), 20);
    ASSERT_TRUE(execution.answer({{Value{300}}}));
    ASSERT_EQ(execution.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(execution), 301);
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(instance.func<int32_t()>("f")->operator()().error().code(), TrapCode::cannot_suspend);
}

TEST_F(ExecutionTest, may_be_of_a_host_function) {
    const Func later = *Func::wrap(store, [](Caller& caller, int32_t) -> std::expected<int32_t, Trap> {
        return std::unexpected{caller.suspend()};
    });
    Execution execution = *Execution::create(later, {{Value{3}}});
    ASSERT_EQ(execution.resume(), ExecutionState::host_call);
    EXPECT_FALSE(execution.host_call().instance);
    EXPECT_EQ(execution.argument(0).as<int32_t>(), 3);
    EXPECT_TRUE(execution.backtrace().empty());
    ASSERT_TRUE(execution.answer({{Value{4}}}));
    ASSERT_EQ(execution.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(execution), 4);
    Execution refused = *Execution::create(later, {{Value{3}}});
    ASSERT_EQ(refused.resume(), ExecutionState::host_call);
    ASSERT_TRUE(refused.refuse(Trap::host("no")));
    EXPECT_EQ(refused.resume(), ExecutionState::trapped);
    EXPECT_EQ(refused.trap()->message(), "no");
}

TEST_F(ExecutionTest, of_a_host_function_that_was_interrupted_calls_it_again) {
    int calls = 0;
    const Func busy = *Func::wrap(store, [&](int32_t n) -> std::expected<int32_t, Trap> {
        if (++calls % 3 != 0)
            return std::unexpected{Trap{TrapCode::interrupted}};
        return n + 1;
    });
    Execution execution = *Execution::create(busy, {{Value{3}}});
    ASSERT_EQ(execution.resume(), ExecutionState::interrupted);
    ASSERT_EQ(execution.resume(), ExecutionState::interrupted);
    ASSERT_EQ(execution.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(execution), 4);
    EXPECT_EQ(calls, 3);
}

TEST_F(ExecutionTest, waits_while_others_run_in_the_same_instance) {
    const Instance instance = instantiate(adder);
    std::vector<Execution> waiting;
    for (int32_t i = 0; i < 1000; ++i) {
        waiting.push_back(start(instance, "add", {i}));
        ASSERT_EQ(waiting.back().resume(), ExecutionState::host_call);
    }
    EXPECT_EQ((*instance.func<int32_t(int32_t)>("count"))(5), 5);
    Execution failing = start(instance, "fail");
    ASSERT_EQ(failing.resume(), ExecutionState::host_call);
    ASSERT_TRUE(failing.answer({{Value{0}}}));
    ASSERT_EQ(failing.resume(), ExecutionState::trapped);
    EXPECT_EQ(failing.trap()->code(), TrapCode::unreachable);
    for (int32_t round = 0; round < 3; ++round)
        for (int32_t i = 999; i >= 0; --i) {
            ASSERT_TRUE(waiting[static_cast<size_t>(i)].answer({{Value{round < 2 ? i + 1 : 0}}}));
            ASSERT_EQ(waiting[static_cast<size_t>(i)].resume(),
                      round < 2 ? ExecutionState::host_call : ExecutionState::done);
        }
    for (int32_t i = 0; i < 1000; ++i)
        EXPECT_EQ(result_of(waiting[static_cast<size_t>(i)]), 2 * (i + 1) + 3);
}

TEST_F(ExecutionTest, runs_inside_of_a_host_function_of_another) {
    const Instance inner_instance = instantiate(adder);
    std::optional<Execution> inner;
    ASSERT_TRUE(linker.func("env", "step", [&]() -> int32_t {
        if (!inner)
            inner = start(inner_instance, "add", {0});
        else
            EXPECT_TRUE(inner->answer({{Value{10}}}));
        EXPECT_EQ(inner->resume(), ExecutionState::host_call);
        return inner->argument(0).as<int32_t>();
    }));
    // Both run code of the same instance in turns, so that each must find its own stack again.
    const Instance outer_instance = instantiate(R"((module
        (import "env" "step" (func $step (result i32)))
        (import "env" "ask" (func $ask (param i32) (result i32)))
        (func (export "f") (result i32)
          (i32.add (i32.add (call $step) (call $step))
                   (i32.add (call $ask (call $step)) (call $step))))))");
    Execution outer = start(outer_instance, "f");
    ASSERT_EQ(outer.resume(), ExecutionState::host_call);
    EXPECT_EQ(outer.argument(0).as<int32_t>(), 20);
    ASSERT_TRUE(outer.answer({{Value{1000}}}));
    ASSERT_EQ(outer.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(outer), 0 + 10 + 1000 + 30);
}

TEST_F(ExecutionTest, keeps_its_place_in_deep_and_foreign_calls) {
    const Instance lower = instantiate(adder);
    ASSERT_TRUE(linker.define_instance("lower", lower));
    const Instance upper = instantiate(R"((module
        (import "lower" "deep" (func $deep (param i32) (result i32)))
        (memory 3)
        (func (export "f") (param i32) (result i32)
          (i32.add (call $deep (local.get 0)) (i32.mul (memory.size) (i32.const 1000000))))))");
    std::vector<Execution> all;
    for (const int32_t depth : {0, 1, 10, 1000, 20'000}) {
        all.push_back(start(upper, "f", {depth}));
        ASSERT_EQ(all.back().resume(), ExecutionState::host_call) << depth;
        EXPECT_EQ(*all.back().host_call().instance, lower);
    }
    for (size_t i = 0; i < all.size(); ++i) {
        ASSERT_TRUE(all[i].answer({{Value{5}}}));
        ASSERT_EQ(all[i].resume(), ExecutionState::done);
    }
    EXPECT_EQ(result_of(all[0]), 3'000'005);
    EXPECT_EQ(result_of(all[4]), 3'020'005);
}

TEST_F(ExecutionTest, may_be_dropped_at_every_stage) {
    const Instance instance = instantiate(adder);
    {
        const Execution ready = start(instance, "count", {1});
    }
    {
        Execution waiting = start(instance, "deep", {1000});
        ASSERT_EQ(waiting.resume(), ExecutionState::host_call);
        Execution moved{std::move(waiting)};
        EXPECT_FALSE(waiting); // NOLINT(bugprone-use-after-move)
        EXPECT_EQ(moved.state(), ExecutionState::host_call);
        moved = start(instance, "count", {2});
        EXPECT_EQ(moved.state(), ExecutionState::ready);
    }
    {
        Execution interrupted = start(instance, "count", {1000});
        store.interrupt_handle().interrupt();
        ASSERT_EQ(interrupted.resume(), ExecutionState::interrupted);
    }
    {
        Execution done = start(instance, "count", {2});
        ASSERT_EQ(done.resume(), ExecutionState::done);
    }
    Execution last = start(instance, "deep", {3});
    ASSERT_EQ(last.resume(), ExecutionState::host_call);
    ASSERT_TRUE(last.answer({{Value{4}}}));
    EXPECT_EQ(last.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(last), 7);
}

TEST_F(ExecutionTest, may_be_dropped_or_resumed_by_what_it_calls) {
    std::optional<Execution> self;
    bool drops = false;
    std::optional<Error> again;
    ASSERT_TRUE(linker.func("env", "self", [&] {
        if (const auto resumed = self->resume(); !resumed)
            again = resumed.error();
        if (drops)
            self.reset();
    }));
    const Instance instance = instantiate(R"((module (import "env" "self" (func $self))
        (func (export "f") (result i32) (call $self) (i32.const 5))))");
    self = start(instance, "f");
    EXPECT_EQ(self->resume(), ExecutionState::done);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->message(), "the execution is running already");
    EXPECT_EQ(result_of(*self), 5);
    drops = true;
    self = start(instance, "f");
    Execution& held = *self;
    EXPECT_EQ(held.resume(), ExecutionState::done);
    EXPECT_FALSE(self);
}

TEST_F(ExecutionTest, may_outlive_its_store) {
    Execution execution;
    EXPECT_EQ(execution.resume().error().code(), ErrorCode::usage);
    EXPECT_EQ(execution.state(), ExecutionState::trapped);
    EXPECT_EQ(execution.trap(), nullptr);
    {
        Store brief{engine};
        const Instance instance = *linker.instantiate(brief, load(adder));
        execution = *Execution::create(*instance.func("add"), {{Value{0}}});
        ASSERT_EQ(execution.resume(), ExecutionState::host_call);
    }
    EXPECT_EQ(execution.state(), ExecutionState::trapped);
    EXPECT_EQ(execution.answer({{Value{0}}}).error().code(), ErrorCode::usage);
    EXPECT_EQ(execution.resume().error().code(), ErrorCode::usage);
    EXPECT_TRUE(execution.backtrace().empty());
    EXPECT_EQ(execution.host_call().name, "");
}

TEST_F(ExecutionTest, keeps_objects_alive_while_it_waits) {
    Config config = all_features();
    config.collect_always = true;
    Engine own{config};
    Store own_store{own};
    Linker own_linker{own};
    const ValType any = ValType::reference(HeapType::any, true);
    ASSERT_TRUE(own_linker.host_call("env", "swap", FuncType{{&any, 1}, {&any, 1}}));
    const auto module = own.load(assemble(R"((module (type $box (struct (field i32)))
        (import "env" "swap" (func $swap (param anyref) (result anyref)))
        (func (export "box") (param i32) (result anyref) (struct.new $box (local.get 0)))
        (func (export "f") (result i32) (local $kept (ref null $box))
          (local.set $kept (struct.new $box (i32.const 1)))
          (i32.add (struct.get $box 0 (ref.cast (ref $box) (call $swap (struct.new $box (i32.const 20)))))
                   (struct.get $box 0 (local.get $kept))))))"));
    ASSERT_TRUE(module);
    const Instance instance = *own_linker.instantiate(own_store, *module);
    Execution execution = *Execution::create(*instance.func("f"));
    ASSERT_EQ(execution.resume(), ExecutionState::host_call);
    own_store.collect();
    const auto argument = StructRef::from(own_store, execution.argument(0));
    ASSERT_TRUE(argument);
    EXPECT_EQ(argument->get(0)->as<int32_t>(), 20);
    {
        Value box;
        ASSERT_TRUE(instance.func("box")->call({{Value{300}}}, {&box, 1}));
        ASSERT_TRUE(execution.answer({&box, 1}));
    }
    own_store.collect();
    ASSERT_EQ(execution.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(execution), 301);
}

} // namespace
} // namespace warpbeam
