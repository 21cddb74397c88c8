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

} // namespace
} // namespace warpbeam
