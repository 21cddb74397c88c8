#include "fixture.hpp"

#include <warpbeam/memory/accounting_allocator.hpp>
#include <warpbeam/vm/observer.hpp>
#include <warpbeam/vm/worker_pool.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

/// Engine::lower, which lowers a module on the embedder's threads. Meant to be run under ThreadSanitizer too
/// (preset `tsan`).

namespace warpbeam {
namespace {

/// Runs the parts on this number of threads; without any, on the calling one, the last part first.
class Threads final : public WorkerPool {
public:
    explicit Threads(size_t count) : count_{count} {}
    void run(Work& work, size_t count) noexcept override {
        parts = count;
        if (count_ == 0)
            for (size_t number = count; number-- > 0;)
                work.part(number);
        std::atomic<size_t> next = 0;
        std::vector<std::thread> threads;
        for (size_t i = 0; i < count_; ++i)
            threads.emplace_back([&] {
                for (size_t number = 0; (number = next++) < count;)
                    work.part(number);
            });
        for (std::thread& thread : threads)
            thread.join();
    }
    size_t parts = 0;

private:
    size_t count_;
};

/// Counts how often the lowering of each function begins.
class Lowered final : public Observer {
public:
    void observe(const Observation&) noexcept override {}
    void lower(const Module&, uint32_t func, bool begins) noexcept override {
        if (begins)
            ++times[func];
        else
            ++ended;
    }
    std::array<std::atomic<int>, 1001> times{};
    std::atomic<int> ended = 0;
};

constexpr uint32_t func_count = 1000; // besides an imported one

/// Functions f0, f1, ... of some 400 bytes each; fN returns N plus the number of its instructions.
std::string many_functions() {
    std::string text = "(module (import \"m\" \"f\" (func))";
    for (uint32_t i = 0; i < func_count; ++i) {
        text += "(func (export \"f" + std::to_string(i) +
                "\") (result i32) (local i32) (local.set 0 (i32.const " + std::to_string(i) + "))";
        for (int k = 0; k < 50; ++k)
            text += "(local.set 0 (i32.add (i32.const 1) (local.get 0)))";
        text += "(local.get 0))";
    }
    return text + ")";
}

class LowerAllTest : public VmTest {
protected:
    explicit LowerAllTest(const Config& config = {}) : VmTest{config} {}
    Instance make(const Module& module) {
        EXPECT_TRUE(linker.define("m", "f", *Func::wrap(store, [] {})));
        return *linker.instantiate(store, module);
    }
    void expect_results(const Instance& instance) {
        for (uint32_t i = 0; i < func_count; ++i)
            ASSERT_EQ(value_of(instance, "f" + std::to_string(i)), static_cast<int32_t>(i + 50)) << i;
    }
};

/// The same with an observer.
class ObservedLowerAllTest : public LowerAllTest {
protected:
    explicit ObservedLowerAllTest(Lowered* seen = new Lowered)
        : LowerAllTest{Config{.observer = seen}}, lowered{seen} {}
    void expect_each_once() {
        EXPECT_EQ(lowered->times[0], 0) << "an imported function has no code";
        for (uint32_t func = 1; func <= func_count; ++func)
            EXPECT_EQ(lowered->times[func], 1) << func;
        EXPECT_EQ(lowered->ended, static_cast<int>(func_count));
    }
    std::unique_ptr<Lowered> lowered;
};

TEST_F(ObservedLowerAllTest, lowers_each_function_once) {
    const Module module = *engine.load(assemble(many_functions()));
    Threads threads{3};
    ASSERT_TRUE(engine.lower(module, threads));
    EXPECT_GE(threads.parts, 4u);
    EXPECT_LE(threads.parts, 20u);
    expect_each_once();
    expect_results(make(module));
    expect_each_once();
    ASSERT_TRUE(engine.lower(module, threads)) << "nothing is left to do";
    expect_each_once();
}

TEST_F(ObservedLowerAllTest, takes_a_pool_without_threads) {
    const Module module = *engine.load(assemble(many_functions()));
    Threads threads{0};
    ASSERT_TRUE(engine.lower(module, threads));
    expect_each_once();
    expect_results(make(module));
}

TEST(LowerAll, refuses_a_frame_that_instructions_can_not_address) {
    // Only an embedder that allows them gets such modules: here, with 2^30 + 1 locals.
    Engine engine{{.limits = {.locals = UINT32_MAX, .frame_slots = UINT32_MAX}}};
    constexpr uint8_t bytes[] = {0, 'a', 's', 'm', 1,  0, 0, 0, 1,    4,    1,    0x60, 0, 0,    3,
                                 2, 1,   0,   10,  10, 1, 8, 1, 0x81, 0x80, 0x80, 0x80, 4, 0x7e, 0x0b};
    const auto module = engine.load(bytes);
    ASSERT_TRUE(module) << module.error().message();
    Threads threads{0};
    const auto lowered = engine.lower(*module, threads);
    ASSERT_FALSE(lowered);
    EXPECT_EQ(lowered.error().code(), ErrorCode::limit);
    EXPECT_EQ(lowered.error().message(), "a function is too large: its frame exceeds the engine's limit");
}

TEST_F(LowerAllTest, leaves_what_is_lowered) {
    const Module module = *engine.load(assemble(many_functions()));
    const Instance instance = make(module);
    EXPECT_EQ(value_of(instance, "f7"), 57);
    Threads threads{2};
    ASSERT_TRUE(engine.lower(module, threads));
    expect_results(instance);
}

TEST_F(LowerAllTest, goes_on_while_the_module_runs) {
    const Module module = *engine.load(assemble(many_functions()));
    const Instance instance = make(module);
    std::thread other{[&] {
        Threads threads{2};
        EXPECT_TRUE(engine.lower(module, threads));
    }};
    expect_results(instance);
    other.join();
    expect_results(instance);
}

TEST_F(LowerAllTest, takes_two_pools_at_once) {
    const Module module = *engine.load(assemble(many_functions()));
    std::thread other{[&] {
        Threads threads{2};
        EXPECT_TRUE(engine.lower(module, threads));
    }};
    Threads threads{2};
    EXPECT_TRUE(engine.lower(module, threads));
    other.join();
    expect_results(make(module));
}

TEST_F(LowerAllTest, takes_modules_without_functions) {
    Threads threads{2};
    EXPECT_TRUE(engine.lower(*engine.load(assemble("(module)")), threads));
    EXPECT_TRUE(engine.lower(*engine.load(assemble("(module (import \"m\" \"f\" (func)))")), threads));
    EXPECT_EQ(threads.parts, 0u);
}

/// Has memory until it is told otherwise.
class Exhaustible final : public Allocator {
public:
    void* allocate(size_t size, size_t alignment) noexcept override {
        return left-- > 0 ? standard().allocate(size, alignment) : nullptr;
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        standard().deallocate(block, size, alignment);
    }
    std::atomic<int64_t> left = INT64_MAX;
};

TEST(LowerAll, loops_with_many_parameters_take_little_memory) {
    AccountingAllocator memory{Allocator::standard(), 16 << 20};
    const Engine engine{{.allocator = &memory}};
    std::string types, numbers, dropped, loops;
    for (int i = 0; i < 1000; ++i) {
        types += " i32";
        numbers += "(i32.const 0)";
        dropped += "(drop)";
    }
    for (int i = 0; i < 4000; ++i)
        loops += "(loop (type 0))";
    const std::string text = "(module (type (func (param" + types + ") (result" + types + "))) (func " +
                             numbers + loops + dropped + "))";
    const Module module = *engine.load(assemble(text));
    Threads threads{0};
    const auto lowered = engine.lower(module, threads);
    EXPECT_TRUE(lowered) << (lowered ? "" : lowered.error().message());
}

TEST(LowerAll, reports_that_memory_ran_out_and_can_be_repeated) {
    Exhaustible memory;
    const Engine engine{{.allocator = &memory}};
    const Module module = *engine.load(assemble(many_functions()));
    Threads threads{2};
    for (const int allocations : {0, 1, 100}) {
        memory.left = allocations;
        const auto lowered = engine.lower(module, threads);
        ASSERT_FALSE(lowered) << allocations;
        EXPECT_EQ(lowered.error().code(), ErrorCode::out_of_memory);
    }
    memory.left = INT64_MAX;
    EXPECT_TRUE(engine.lower(module, threads));
}

} // namespace
} // namespace warpbeam
