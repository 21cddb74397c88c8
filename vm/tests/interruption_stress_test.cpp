#include "fixture.hpp"

#include <warpbeam/vm/execution.hpp>

#include <atomic>
#include <thread>
#include <vector>

/// Threads that run the same code and stop each other by changing it. Meant to be run under ThreadSanitizer,
/// too.

namespace warpbeam {
namespace {

class InterruptionStressTest : public VmTest {
protected:
    InterruptionStressTest() : VmTest{{.interruption = true, .patched_interruption = true}} {}
};

TEST_F(InterruptionStressTest, threads_stop_each_other) {
    // Each has a store, runs the same code, and is stopped by all others.
    constexpr size_t threads = 4;
    const Module module = load(R"((module (func (export "count") (param i32) (result i32) (local i32)
        (loop $l
            (local.set 1 (i32.add (local.get 1) (i32.const 1)))
            (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1))))");
    std::vector<Store> stores;
    for (size_t i = 0; i < threads; ++i)
        stores.emplace_back(engine);
    std::atomic<bool> ends = false;
    std::atomic<uint64_t> stopped = 0;
    std::vector<std::thread> running;
    for (size_t i = 0; i < threads; ++i) {
        running.emplace_back([&, i] {
            Linker own{engine};
            const Instance instance = *own.instantiate(stores[i], module);
            for (int run = 0; run < 200; ++run) {
                Execution execution =
                    std::move(*Execution::create(*instance.func("count"), {{Value{5'000}}}));
                while (*execution.resume() == ExecutionState::interrupted)
                    ++stopped;
                Value result;
                ASSERT_TRUE(execution.results({&result, 1}));
                ASSERT_EQ(result.as<int32_t>(), 5'000);
                stores[(i + static_cast<size_t>(run)) % threads].interrupt_handle().interrupt();
            }
        });
    }
    std::thread disturber{[&] {
        while (!ends)
            for (const Store& one : stores)
                one.interrupt_handle().interrupt();
    }};
    for (std::thread& one : running)
        one.join();
    ends = true;
    disturber.join();
    EXPECT_GT(stopped, 0u);
}

} // namespace
} // namespace warpbeam
