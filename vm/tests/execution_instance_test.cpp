#include "execution_fixture.hpp"

#include <warpbeam/vm/table.hpp>

/// Executions of instantiations: start functions that stop and go on; and those of functions that come from
/// elsewhere than an export.

namespace warpbeam {
namespace {

class ExecutionInstanceTest : public ExecutionTest {
protected:
    ExecutionInstanceTest() : ExecutionTest{with_fuel()} {}
    [[nodiscard]] Execution begin(std::string_view wat) {
        auto made = Execution::instantiate(linker, store, load(wat));
        EXPECT_TRUE(made) << (made ? std::string_view{} : made.error().message());
        return made ? std::move(*made) : Execution{};
    }
    static constexpr const char* starter =
        R"((module (import "env" "ask" (func $ask (param i32) (result i32)))
        (memory (export "memory") 1) (data (i32.const 8) "\2a")
        (global $got (mut i32) (i32.const 0))
        (func $start
          (loop $again
            (global.set $got (i32.add (global.get $got) (call $ask (i32.load8_u (i32.const 8)))))
            (br_if $again (i32.lt_u (global.get $got) (i32.const 10)))))
        (start $start)
        (func (export "got") (result i32) (global.get $got))))";
};

TEST_F(ExecutionInstanceTest, waits_in_its_start_function) {
    Execution execution = begin(starter);
    EXPECT_EQ(execution.state(), ExecutionState::ready);
    EXPECT_EQ(execution.instance(), Instance{});
    for (const int32_t answer : {4, 7}) {
        ASSERT_EQ(execution.resume({.fuel = 100}), ExecutionState::host_call);
        EXPECT_EQ(execution.host_call().name, "ask");
        EXPECT_EQ(execution.argument(0).as<int32_t>(), 42);
        EXPECT_EQ(execution.instance(), Instance{}) << "it is not complete";
        ASSERT_TRUE(execution.answer({{Value{answer}}}));
    }
    ASSERT_EQ(execution.resume(), ExecutionState::done);
    EXPECT_TRUE(execution.results({}));
    EXPECT_EQ(execution.instance(), execution.instance());
    store.set_fuel(100);
    EXPECT_EQ(value_of(execution.instance(), "got"), 11);
}

TEST_F(ExecutionInstanceTest, runs_out_of_fuel_and_is_interrupted) {
    Execution execution = begin(R"((module (global $i (mut i32) (i32.const 0))
        (func $start (loop $again
          (global.set $i (i32.add (global.get $i) (i32.const 1)))
          (br_if $again (i32.lt_u (global.get $i) (i32.const 100)))))
        (start $start) (func (export "i") (result i32) (global.get $i))))");
    EXPECT_EQ(execution.resume({.fuel = 20}), ExecutionState::out_of_fuel);
    store.interrupt_handle().interrupt();
    EXPECT_EQ(execution.resume({.fuel = 20}), ExecutionState::interrupted);
    ASSERT_EQ(execution.resume({.fuel = 200}), ExecutionState::done);
    store.set_fuel(100);
    EXPECT_EQ(value_of(execution.instance(), "i"), 100);
}

TEST_F(ExecutionInstanceTest, is_done_at_once_without_a_start_function) {
    Execution execution = begin(R"((module (func (export "f") (result i32) (i32.const 6))))");
    EXPECT_EQ(execution.state(), ExecutionState::ready);
    EXPECT_TRUE(execution.backtrace().empty());
    ASSERT_EQ(execution.resume(), ExecutionState::done);
    EXPECT_TRUE(execution.results({}));
    store.set_fuel(100);
    EXPECT_EQ(value_of(execution.instance(), "f"), 6);
    EXPECT_FALSE(execution.resume());
}

TEST_F(ExecutionInstanceTest, may_have_an_import_as_its_start_function) {
    ASSERT_TRUE(linker.host_call<void()>("env", "begin"));
    Execution execution = begin(R"((module (import "env" "begin" (func $begin)) (start $begin)))");
    ASSERT_EQ(execution.resume(), ExecutionState::host_call);
    ASSERT_TRUE(execution.answer({}));
    EXPECT_EQ(execution.resume(), ExecutionState::done);
    EXPECT_NE(execution.instance(), Instance{});
}

TEST_F(ExecutionInstanceTest, reports_what_is_wrong_at_once_and_leaves_nothing) {
    const auto message = [&](std::string_view wat) {
        const auto made = Execution::instantiate(linker, store, load(wat));
        EXPECT_FALSE(made);
        return made ? std::string{} : std::string{made.error().message()};
    };
    EXPECT_EQ(message(R"((module (import "env" "no" (func))))"), "unknown import env.no: func");
    EXPECT_EQ(message(R"((module (memory 1) (data (i32.const 65536) "x") (func $f) (start $f)))"),
              "out of bounds memory access: data segment 0 writes 1 byte at 65536, but the memory has 65536");
    EXPECT_EQ(Execution::instantiate(linker, store, Module{}).error().code(), ErrorCode::usage);
    EXPECT_EQ(Execution::instantiate(LinkedModule{}, store).error().code(), ErrorCode::usage);
    const Engine other;
    Store foreign{other};
    EXPECT_EQ(Execution::instantiate(linker, foreign, load("(module)")).error().code(), ErrorCode::usage);
    Store small{engine, {.executions = 0}};
    EXPECT_EQ(Execution::instantiate(linker, small, load("(module)")).error().code(), ErrorCode::limit);
    EXPECT_EQ(store.usage().executions, 0u);
    EXPECT_EQ(store.usage().memories, 0u);
    EXPECT_EQ(store.usage().instances, 0u);
}

TEST_F(ExecutionInstanceTest, that_traps_or_is_dropped_leaves_what_the_specification_says) {
    const Instance owner = instantiate(R"((module (memory (export "memory") 1)
        (table (export "table") 1 funcref) (func (export "read") (result i32) (i32.load8_u (i32.const 0)))))");
    ASSERT_TRUE(linker.define_instance("owner", owner));
    const char* const writer = R"((module (import "env" "ask" (func $ask (param i32) (result i32)))
        (import "owner" "memory" (memory 1)) (import "owner" "table" (table 1 funcref))
        (data (i32.const 0) "\05") (elem (i32.const 0) $seven) (func $seven (result i32) (i32.const 7))
        (func $start (drop (call $ask (i32.const 0))) (unreachable)) (start $start)))";
    for (const bool drops : {true, false}) {
        Execution execution = begin(writer);
        ASSERT_EQ(execution.resume({.fuel = 100}), ExecutionState::host_call);
        if (!drops) {
            ASSERT_TRUE(execution.answer({{Value{0}}}));
            EXPECT_EQ(execution.resume(), ExecutionState::trapped);
            EXPECT_EQ(execution.trap()->code(), TrapCode::unreachable);
            EXPECT_EQ(execution.instance(), Instance{});
        }
    }
    EXPECT_EQ(store.usage().executions, 0u);
    store.set_fuel(100);
    EXPECT_EQ(value_of(owner, "read"), 5);
    Value result;
    ASSERT_TRUE(owner.table("table")->get(0)->as<Func>().call({}, {&result, 1}));
    EXPECT_EQ(result.as<int32_t>(), 7);
}

TEST_F(ExecutionInstanceTest, is_made_of_resolved_modules_and_of_imports_in_order) {
    const auto resolved = linker.resolve(load(starter));
    ASSERT_TRUE(resolved);
    auto linked = Execution::instantiate(*resolved, store);
    ASSERT_TRUE(linked);
    EXPECT_EQ(linked->resume({.fuel = 100}), ExecutionState::host_call);
    const Func ask = *Func::wrap(store, [](int32_t n) { return n; });
    auto ordered = Execution::instantiate(store, load(starter), {{ask}});
    ASSERT_TRUE(ordered);
    EXPECT_EQ(ordered->resume({.fuel = 100}), ExecutionState::done);
    store.set_fuel(100);
    EXPECT_EQ(value_of(ordered->instance(), "got"), 42);
}

TEST_F(ExecutionInstanceTest, may_outlive_its_store) {
    Execution execution;
    {
        Store brief{engine};
        execution = *Execution::instantiate(linker, brief, load(starter));
        ASSERT_EQ(execution.resume({.fuel = 100}), ExecutionState::host_call);
    }
    EXPECT_EQ(execution.state(), ExecutionState::trapped);
    EXPECT_EQ(execution.instance(), Instance{});
}

TEST_F(ExecutionTest, is_made_of_a_table_entry) {
    const Instance instance = instantiate(R"((module (import "env" "ask" (func $ask (param i32) (result i32)))
        (table (export "table") 2 funcref) (elem (i32.const 0) $f $ask)
        (func $f (param i32) (result i32) (i32.add (local.get 0) (call $ask (i32.const 3))))))");
    const Table table = *instance.table("table");
    for (const auto& [index, argument, result] : {std::tuple{0u, 3, 30}, std::tuple{1u, 10, 20}}) {
        Execution execution = *Execution::create(table.get(index)->as<Func>(), {{Value{10}}});
        ASSERT_EQ(execution.resume(), ExecutionState::host_call);
        EXPECT_EQ(execution.argument(0).as<int32_t>(), argument);
        ASSERT_TRUE(execution.answer({{Value{20}}}));
        ASSERT_EQ(execution.resume(), ExecutionState::done);
        EXPECT_EQ(result_of(execution), result);
    }
    EXPECT_FALSE(table.get(2));
}

TEST(ExecutionInstanceMemory, failing_is_an_error) {
    bool finished = false;
    for (size_t budget = 0; !finished; ++budget) {
        ASSERT_LT(budget, 1000u);
        ScarceStore made{all_features()};
        auto& [scarce, engine, linker, store] = made;
        ASSERT_TRUE(linker.host_call<int32_t(int32_t)>("env", "ask"));
        const auto module = engine.load(assemble(R"((module
            (import "env" "ask" (func $ask (param i32) (result i32))) (memory 1)
            (func $start (drop (call $ask (i32.const 1)))) (start $start)))"));
        ASSERT_TRUE(module);
        scarce.allow(budget);
        auto execution = Execution::instantiate(linker, store, *module);
        if (!execution) {
            EXPECT_EQ(execution.error().code(), ErrorCode::out_of_memory) << execution.error().message();
            EXPECT_EQ(store.usage().executions, 0u);
            EXPECT_EQ(store.usage().instances, 0u);
            continue;
        }
        const auto state = execution->resume();
        ASSERT_TRUE(state);
        if (*state == ExecutionState::trapped)
            continue;
        ASSERT_EQ(*state, ExecutionState::host_call);
        finished = true;
    }
}

} // namespace
} // namespace warpbeam
