#include "fixture.hpp"
#include "saved_modules.hpp"
#include "snapshot_fixture.hpp"

/// Executions that are saved wherever they stop, and go on in another store.

namespace warpbeam {
namespace {

class SnapshotTest : public SnapshotFixture {
protected:
    SnapshotTest() {
        store.set_fuel(1'000'000);
        define(linker);
        define(hosts);
        const auto first = linker.instantiate(store, adding);
        EXPECT_TRUE(first);
        EXPECT_TRUE(linker.define_instance("other", *first));
        const auto made = linker.instantiate(store, stopping);
        EXPECT_TRUE(made) << (made ? "" : made.error().message());
        instance = *made;
        modules = {adding, stopping};
    }
    static void define(Linker& into) { EXPECT_TRUE(into.host_call<int32_t(int32_t)>("host", "ask")); }

    struct Outcome {
        int32_t result = 0;
        uint64_t fuel = 0;
        int stops = 0;
    };
    /// Runs a function in slices; `stopped(execution)` is called wherever it stops, and may replace it.
    template <typename Stopped>
    Outcome run(const char* name, int32_t argument, uint64_t slice, Stopped stopped) {
        const Value args[] = {argument};
        Execution execution = std::move(*Execution::create(*instance.func(name), args));
        Outcome outcome;
        for (;; ++outcome.stops) {
            const auto state = execution.resume({.fuel = slice});
            outcome.fuel += slice;
            if (!state || *state == ExecutionState::trapped) {
                ADD_FAILURE() << name << ": "
                              << (state ? execution.trap()->message() : state.error().message());
                return outcome;
            }
            if (*state == ExecutionState::done)
                break;
            stopped(execution);
            if (execution.state() == ExecutionState::host_call) {
                const Value answer{execution.argument(0).as<int32_t>() * 3};
                EXPECT_TRUE(execution.answer({&answer, 1}));
            }
        }
        outcome.fuel -= execution.fuel();
        Value result;
        EXPECT_TRUE(execution.results({&result, 1}));
        outcome.result = result.as<int32_t>();
        return outcome;
    }

    Module adding = load(adding_module);
    Module stopping = load(stopping_module());
    Instance instance;
};

TEST_F(SnapshotTest, goes_on_from_wherever_a_function_stops) {
    for (const char* const name : stopping_functions) {
        SCOPED_TRACE(name);
        const Outcome whole = run(name, 30, 100'000, [](Execution&) {});
        int stops = 0;
        for (const uint64_t slice : {1u, 3u, 50u}) {
            std::optional<Restored> last;
            const Outcome sliced = run(name, 30, slice, [&](Execution& execution) {
                Store& from = last ? last->store : store;
                const Instance instances[] = {last ? last->instances[0] : instance};
                const Execution* const executions[] = {&execution};
                const auto bytes = saved(from, {.instances = instances, .executions = executions});
                auto next = restored(bytes);
                ASSERT_TRUE(next) << next.error().message();
                ASSERT_EQ(next->executions.size(), 1u);
                EXPECT_EQ(next->executions[0].state(), execution.state());
                EXPECT_EQ(next->executions[0].fuel(), execution.fuel());
                // The same state has the same bytes.
                const Instance again_instances[] = {next->instances[0]};
                const Execution* const again[] = {&next->executions[0]};
                EXPECT_EQ(saved(next->store, {.instances = again_instances, .executions = again}), bytes);
                execution = std::move(next->executions[0]);
                last.emplace(std::move(*next));
            });
            EXPECT_EQ(sliced.result, whole.result) << slice;
            EXPECT_EQ(sliced.fuel, whole.fuel) << slice;
            stops += sliced.stops;
        }
        EXPECT_GT(stops, 2);
    }
}

TEST_F(SnapshotTest, forks_go_on_from_wherever_a_function_stops) {
    for (const char* const name : stopping_functions) {
        SCOPED_TRACE(name);
        const Outcome whole = run(name, 30, 100'000, [](Execution&) {});
        for (const uint64_t slice : {1u, 7u}) {
            std::optional<Restored> last;
            const Outcome sliced = run(name, 30, slice, [&](Execution& execution) {
                const Execution* const executions[] = {&execution};
                auto next = fork(last ? last->store : store, {.executions = executions});
                ASSERT_TRUE(next) << next.error().message();
                execution = std::move(next->executions[0]);
                last.emplace(std::move(*next));
            });
            EXPECT_EQ(sliced.result, whole.result) << slice;
            EXPECT_EQ(sliced.fuel, whole.fuel) << slice;
        }
    }
}

TEST_F(SnapshotTest, arguments_of_an_execution_that_has_not_begun_stay_alive) {
    const Instance boxes = instantiate(R"((module (type $box (struct (field i32)))
        (func (export "make") (param i32) (result (ref $box)) (struct.new $box (local.get 0)))
        (func (export "open") (param (ref $box)) (result i32) (struct.get $box 0 (local.get 0)))))");
    modules = {boxes.module()};
    const Value number[] = {77};
    Value box;
    ASSERT_TRUE(boxes.func("make")->call(number, {&box, 1}));
    const Value args[] = {box};
    Execution waiting = std::move(*Execution::create(*boxes.func("open"), args));
    const Instance instances[] = {boxes};
    const Execution* const executions[] = {&waiting};
    const SnapshotContents contents{.instances = instances, .executions = executions};
    for (const bool forks : {false, true}) {
        auto copy = forks ? fork(store, contents) : restored(saved(store, contents));
        ASSERT_TRUE(copy) << copy.error().message();
        copy->store.collect();
        // What is freed is used again.
        copy->store.set_fuel(1000);
        for (int i = 0; i < 100; ++i) {
            Value other;
            const Value zero[] = {i};
            ASSERT_TRUE(copy->instances[0].func("make")->call(zero, {&other, 1}));
        }
        ASSERT_EQ(*copy->executions[0].resume({.fuel = 100}), ExecutionState::done);
        Value result;
        ASSERT_TRUE(copy->executions[0].results({&result, 1}));
        EXPECT_EQ(result.as<int32_t>(), 77);
    }
}

TEST_F(SnapshotTest, a_host_function_that_was_interrupted_is_called_again) {
    int calls = 0;
    for (Linker* const each : {&linker, &hosts})
        ASSERT_TRUE(each->func("host", "read", [&](int32_t n) -> std::expected<int32_t, Trap> {
            if (++calls % 2 != 0)
                return std::unexpected{Trap{TrapCode::interrupted}};
            return n + 1;
        }));
    const Instance reader = instantiate(R"((module
        (import "host" "read" (func $read (param i32) (result i32))) (export "read" (func $read))))");
    modules = {reader.module()};
    const Value args[] = {5};
    for (const bool forks : {false, true}) {
        Execution execution = std::move(*Execution::create(*reader.func("read"), args));
        ASSERT_EQ(*execution.resume({.fuel = 100}), ExecutionState::interrupted);
        const Execution* const executions[] = {&execution};
        const SnapshotContents contents{.executions = executions};
        auto copy = forks ? fork(store, contents) : restored(saved(store, contents));
        ASSERT_TRUE(copy) << copy.error().message();
        copy->store.collect();
        ASSERT_EQ(*copy->executions[0].resume({.fuel = 100}), ExecutionState::done);
        Value result;
        ASSERT_TRUE(copy->executions[0].results({&result, 1}));
        EXPECT_EQ(result.as<int32_t>(), 6);
    }
}

// A collection that another computation began was interrupted once more, before the execution did anything.
TEST_F(SnapshotTest, executions_that_were_interrupted_before_their_next_step) {
    for (Linker* const each : {&linker, &hosts})
        ASSERT_TRUE(each->func("host", "stop", [this] { store.interrupt_handle().interrupt(); }));
    const Instance lists = instantiate(R"((module
        (type $list (struct (field (ref null $list)))) (type $bytes (array i8))
        (import "host" "stop" (func $stop)) (import "host" "ask" (func $ask (param i32) (result i32)))
        (global $list (mut (ref null $list)) (ref.null $list))
        (func (export "build") (param $n i32)
            (loop $more
                (global.set $list (struct.new $list (global.get $list)))
                (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
        (func (export "collect") (call $stop) (drop (array.new_default $bytes (i32.const 100))))
        (func (export "ask") (param i32) (result i32) (call $ask (local.get 0)))))");
    modules = {lists.module()};
    store.set_fuel(1'000'000);
    const Value many[] = {500}, args[] = {5};
    ASSERT_TRUE(lists.func("build")->call(many, {}));
    const auto begin = [&](int steps) {
        auto execution = std::move(*Execution::create(*lists.func("ask"), args));
        if (steps == 0)
            return execution;
        EXPECT_EQ(*execution.resume({.fuel = 1000}), ExecutionState::host_call);
        if (steps == 1)
            EXPECT_TRUE(execution.answer({{Value{6}}}));
        else
            EXPECT_TRUE(execution.refuse(Trap::host("no")));
        return execution;
    };
    for (int steps = 0; steps < 3; ++steps) {
        Execution execution = begin(steps);
        Execution collecting = std::move(*Execution::create(*lists.func("collect")));
        ASSERT_EQ(*collecting.resume({.fuel = 1000}), ExecutionState::interrupted);
        store.interrupt_handle().interrupt();
        ASSERT_EQ(*execution.resume({.fuel = 1000}), ExecutionState::interrupted) << steps;
        const Execution* const executions[] = {&execution};
        for (const bool forks : {false, true}) {
            const SnapshotContents contents{.executions = executions};
            auto copy = forks ? fork(store, contents) : restored(saved(store, contents));
            ASSERT_TRUE(copy) << copy.error().message();
            const ExecutionState state = *copy->executions[0].resume({.fuel = 1000});
            EXPECT_EQ(state, steps == 0   ? ExecutionState::host_call
                             : steps == 1 ? ExecutionState::done
                                          : ExecutionState::trapped);
        }
    }
}

} // namespace
} // namespace warpbeam
