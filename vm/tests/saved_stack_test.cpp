#include "fixture.hpp"
#include "saved_modules.hpp"
#include "snapshot/saved_stack.hpp"
#include "store/store_impl.hpp"

#include <warpbeam/vm/execution.hpp>

/// Stacks in WebAssembly's terms: wherever a computation stops, its stack is read, destroyed, and made again.

namespace warpbeam {
namespace {

class SavedStackTest : public VmTest {
protected:
    explicit SavedStackTest(StoreLimits limits = {}) : VmTest{config(), limits} {
        store.set_fuel(1'000'000);
        EXPECT_TRUE(linker.host_call<int32_t(int32_t)>("host", "ask"));
        const auto first = linker.instantiate(store, load(adding_module));
        EXPECT_TRUE(first);
        EXPECT_TRUE(linker.define_instance("other", *first));
        const auto made = linker.instantiate(store, load(stopping_module()));
        EXPECT_TRUE(made) << made.error().message();
        instance = *made;
    }
    static Config config() {
        Config config;
        config.features = FeatureSet::all();
        config.fuel = true;
        config.collect_always = true;
        return config;
    }

    struct Outcome {
        int32_t result = 0;
        uint64_t fuel = 0;
        int stops = 0;
    };
    /// Runs a function in slices; `stopped` is called wherever it stops.
    template <typename Stopped>
    Outcome run(const char* name, int32_t argument, uint64_t slice, Stopped stopped) {
        const Value args[] = {argument};
        Execution execution = std::move(*Execution::create(*instance.func(name), args));
        Outcome outcome;
        for (;; ++outcome.stops) {
            const auto state = execution.resume({.fuel = slice});
            outcome.fuel += slice;
            if (!state) {
                ADD_FAILURE() << state.error().message();
                return outcome;
            }
            if (*state == ExecutionState::done)
                break;
            if (*state == ExecutionState::trapped) {
                ADD_FAILURE() << name << ": " << execution.trap()->message();
                return outcome;
            }
            stopped();
            if (*state == ExecutionState::host_call) {
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
    /// Reads the only stack, overwrites it, and makes it again.
    void make_again() {
        vm::Internal::impl(store)->stacks.visit_all([](const vm::Execution& stopped) {
            auto& execution = const_cast<vm::Execution&>(stopped);
            vm::FrameShapes shapes{Allocator::standard()};
            vm::SavedStack saved{Allocator::standard()};
            EXPECT_EQ(saved.read(execution, shapes), vm::Exit::none);
            std::memset(static_cast<void*>(execution.stack), 0xa5, vm::block_size(execution));
            execution.acc = execution.l0 = execution.l1 = 0xa5a5a5a5a5a5a5a5;
            execution.facc = execution.f0 = vm::Vector{-1.5, -1.5};
            execution.inst = nullptr;
            EXPECT_EQ(saved.write(execution, true, shapes), vm::Exit::none);
        });
    }

    Linker linker{engine};
    Instance instance;
};

TEST_F(SavedStackTest, is_the_same_wherever_a_function_stops) {
    for (const char* const name : stopping_functions) {
        SCOPED_TRACE(name);
        const Outcome whole = run(name, 30, 100'000, [] {});
        int stops = 0;
        for (const uint64_t slice : {1u, 2u, 3u, 7u, 50u}) {
            const Outcome sliced = run(name, 30, slice, [&] { make_again(); });
            EXPECT_EQ(sliced.result, whole.result) << slice;
            EXPECT_EQ(sliced.fuel, whole.fuel) << slice;
            stops += sliced.stops;
        }
        EXPECT_GT(stops, 2);
    }
}

TEST_F(SavedStackTest, of_deep_calls) {
    const Outcome whole = run("sum", 10'000, 100'000, [] {});
    const Outcome sliced = run("sum", 10'000, 1'117, [&] { make_again(); });
    EXPECT_EQ(sliced.result, whole.result);
    EXPECT_EQ(sliced.fuel, whole.fuel);
}

TEST_F(SavedStackTest, refuses_points_at_which_a_function_does_not_stop) {
    const Value args[] = {30};
    Execution execution = std::move(*Execution::create(*instance.func("operands"), args));
    ASSERT_EQ(*execution.resume({.fuel = 10}), ExecutionState::out_of_fuel);
    uint32_t func = 0;
    vm::ModuleCode* code = nullptr;
    vm::Internal::impl(store)->stacks.visit_all([&](const vm::Execution& stopped) {
        vm::FrameShapes shapes{Allocator::standard()};
        vm::SavedStack saved{Allocator::standard()};
        ASSERT_EQ(saved.read(stopped, shapes), vm::Exit::none);
        ASSERT_GE(saved.frames.size(), 2u);
        func = shapes[saved.frames.back().shape].func;
        code = saved.frames.back().inst->code;
    });
    int known = 0;
    for (const auto kind : {vm::FramePoint::entry, vm::FramePoint::before, vm::FramePoint::call})
        for (uint32_t offset = 0; offset < 200; ++offset) {
            vm::FrameState state{Allocator::standard()};
            const vm::Exit exit = code->state_of(func, {kind, offset}, state);
            EXPECT_TRUE(exit == vm::Exit::none || exit == vm::Exit::invalid_code);
            known += exit == vm::Exit::none ? 1 : 0;
        }
    // The entry, two calls, the head of the loop.
    EXPECT_EQ(known, 4);
}

} // namespace
} // namespace warpbeam
