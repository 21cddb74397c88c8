#include "fixture.hpp"

#include <warpbeam/vm/execution.hpp>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

/// Threads that share nothing but a module. Run under ThreadSanitizer too (preset `tsan`).

namespace warpbeam {
namespace {

constexpr int thread_count = 8;
constexpr int func_count = 40;

/// A chain of functions, each lowered by the thread that calls it first, over data that instances
/// share.
std::string chain() {
    std::string data;
    for (int i = 0; i < 70'000; ++i)
        data += "\\01";
    std::string wat =
        "(module (memory (export \"m\") 2 4) (global $g (mut i32) (i32.const 0)) (table 40 funcref) "
        "(data (i32.const 0) \"" +
        data + "\") (elem (i32.const 0) func";
    for (int i = 0; i < func_count; ++i)
        wat += " $f" + std::to_string(i);
    wat += ") (type $t (func (param i32) (result i32)))";
    for (int i = 0; i < func_count; ++i) {
        const std::string next = i + 1 < func_count ? "(call_indirect (type $t) (local.get 0) (i32.const " +
                                                          std::to_string(i + 1) + "))"
                                                    : "(local.get 0)";
        wat += "(func $f" + std::to_string(i) + " (type $t) (i32.add " + next + " (i32.load8_u (i32.const " +
               std::to_string(i * 1700) + "))))";
    }
    return wat + R"((func (export "run") (param i32) (result i32)
            (global.set $g (i32.add (global.get $g) (i32.const 1)))
            (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1)))
            (i32.add (call $f0 (local.get 0)) (global.get $g)))
        (func $trap (export "trap") (drop (i32.load (i32.const 300000))))
        (func (export "grow") (result i32) (memory.grow (i32.const 1))))";
}

class Stress : public VmTest, public ::testing::WithParamInterface<bool> {
protected:
    static Config config() {
        Config config;
        config.guard_pages = GetParam();
        return config;
    }
    Stress() : VmTest{config()} {}
};

TEST_P(Stress, eight_threads_with_a_store_each_share_a_module) {
    const std::string wat = chain() + ")";
    for (int round = 0; round < 3; ++round) {
        const Module module = load(wat);
        std::atomic<int> waiting = thread_count;
        std::vector<std::thread> threads;
        for (int t = 0; t < thread_count; ++t)
            threads.emplace_back([&] {
                // All at once, so that they meet where code is lowered.
                for (--waiting; waiting != 0;)
                    std::this_thread::yield();
                for (int i = 0; i < 5; ++i) {
                    Store own{engine};
                    Linker own_linker{engine};
                    const auto instance = own_linker.instantiate(own, module);
                    ASSERT_TRUE(instance) << instance.error().message();
                    for (int repeat = 0; repeat < 2; ++repeat) {
                        const auto run = *instance->func<int32_t(int32_t)>("run");
                        EXPECT_EQ(run(100).value(), 100 + func_count + 1 + 1);
                        EXPECT_EQ(run(100).value(), 100 + func_count + 2 + 2);
                        EXPECT_EQ(value_of(*instance, "grow"), 2);
                        EXPECT_EQ(trap_of(*instance, "trap"),
                                  "out of bounds memory access: 4 bytes at 300000, memory has 196608");
                        EXPECT_TRUE(instance->reset());
                    }
                }
            });
        for (std::thread& thread : threads)
            thread.join();
    }
}

INSTANTIATE_TEST_SUITE_P(Bounds, Stress, ::testing::Bool(),
                         [](const auto& param) { return param.param ? "guard_pages" : "comparisons"; });

/// Answers that can't be used, and others, while it changes what is called.
TEST(AnswerStress, calls_that_are_answered_again) {
    Engine engine;
    Store store{engine};
    Store other{engine};
    const Value misfit{*Func::wrap(other, [] {})};
    const Value fit{*Func::wrap(store, [] {})};
    Linker linker{engine};
    constexpr ValType type = funcref;
    ASSERT_TRUE(linker.host_call("h", "f", FuncType{{}, {&type, 1}}));
    const auto instance = linker.instantiate(store, *engine.load(assemble(R"((module
        (import "h" "f" (func $f (result funcref))) (func (export "f") (drop (call $f)))))")));
    ASSERT_TRUE(instance);
    for (int round = 0; round < 300; ++round) {
        Execution execution = std::move(*Execution::create(*instance->func("f")));
        ASSERT_EQ(execution.resume(), ExecutionState::host_call);
        const AnswerToken token = *execution.token();
        std::atomic<bool> ends = false;
        const auto answer = [&, token](const Value& value) {
            while (!ends) {
                (void)token.answer({{value}});
                std::this_thread::yield();
            }
        };
        std::thread bad{[&] { answer(misfit); }};
        std::thread good{[&] {
            std::this_thread::sleep_for(std::chrono::microseconds{round});
            answer(fit);
        }};
        while (execution.state() != ExecutionState::done) {
            int told = 0; // gone when the call may be answered again
            const bool is_set =
                execution.notify([](void* data) noexcept { ++*static_cast<int*>(data); }, &told);
            while (execution.state() == ExecutionState::host_call)
                std::this_thread::yield();
            (void)execution.notify(nullptr, nullptr);
            EXPECT_EQ(told, is_set ? 1 : 0);
            (void)execution.resume();
        }
        ends = true;
        bad.join();
        good.join();
    }
}

} // namespace
} // namespace warpbeam
