#include "fixture.hpp"
#include "handlers/stop_points.hpp"
#include "store/compiled_module.hpp"

#include <warpbeam/vm/disassembly.hpp>
#include <warpbeam/vm/execution.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <thread>
#include <vector>

#ifndef _WIN32
#include <sys/time.h>
#endif

/// Config::patched_interruption, where it differs from code that checks. Test vm.patched-interruption runs
/// all tests of the virtual machine with it.

namespace warpbeam {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view endless = R"((module
    (func (export "forever") (loop $l (br $l)))
    (func (export "around") (loop $l (block $b (br $b)) (br $l)))
    (func (export "back_and_forth") (loop $a (loop $b (br $a))))
    (func $again (export "tail") (return_call $again))
    (func (export "first") (param i64) (result i64)
        (loop $l (local.set 0 (i64.add (local.get 0) (i64.const 1))) (br $l)) (local.get 0))
    (func (export "count") (param i32) (result i32) (local i32)
        (loop $l
            (local.set 1 (i32.add (local.get 1) (i32.const 1)))
            (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1))))";

class PatchedInterruptionTest : public VmTest {
public:
    static Config with(Config config) {
        config.interruption = config.patched_interruption = true;
        return config;
    }

protected:
    explicit PatchedInterruptionTest(Config config = {}) : VmTest{with(config)} {}
    vm::ModuleCode& module_of(const Module& module) { return vm::CompiledModule::of(module, engine)->code(); }
};

TEST_F(PatchedInterruptionTest, stops_every_kind_of_loop) {
    const Instance instance = instantiate(endless);
    for (const std::string_view name : {"forever", "around", "back_and_forth", "tail"}) {
        const InterruptHandle handle = store.interrupt_handle();
        std::thread other{[handle] {
            std::this_thread::sleep_for(2ms);
            handle.interrupt();
        }};
        EXPECT_EQ(trap_of(instance, name), "interrupted") << name;
        other.join();
    }
    const auto count = *instance.func<int32_t(int32_t)>("count");
    EXPECT_EQ(count(10), 10) << "one request stops one computation, and the code is as before";
}

TEST_F(PatchedInterruptionTest, code_that_is_lowered_later_stops_too) {
    store.interrupt_handle().interrupt();
    const Instance instance = instantiate(endless);
    EXPECT_EQ(trap_of(instance, "forever"), "interrupted");
}

TEST_F(PatchedInterruptionTest, a_request_of_one_store_does_not_change_what_others_compute) {
    const Module module = load(endless);
    const Instance instance = *linker.instantiate(store, module);
    Store idle{engine};
    const Instance waiting = *linker.instantiate(idle, module);
    idle.interrupt_handle().interrupt();
    const auto count = *instance.func<int32_t(int32_t)>("count");
    EXPECT_EQ(count(10'000), 10'000);
    EXPECT_EQ(trap_of(waiting, "forever"), "interrupted");
    EXPECT_EQ(count(10'000), 10'000);
}

TEST_F(PatchedInterruptionTest, a_request_ends_with_its_store_or_period) {
    const Module module = load(endless);
    ASSERT_TRUE(module_of(module).lower_all() == vm::Exit::none);
    const auto is_changed = [&] {
        size_t changed = 0;
        for (uint32_t func = 0; func < 6; ++func)
            changed += module_of(module).code(func).entry()->handler == vm::stop_handler() ? 1 : 0;
        EXPECT_TRUE(changed == 0 || changed == 6) << changed;
        return changed != 0;
    };
    EXPECT_FALSE(is_changed());
    std::optional<Store> other{engine};
    const InterruptHandle handle = other->interrupt_handle();
    handle.interrupt();
    EXPECT_TRUE(is_changed());
    other->clear_interrupt();
    EXPECT_FALSE(is_changed());
    handle.interrupt();
    handle.interrupt();
    EXPECT_TRUE(is_changed());
    other.reset();
    EXPECT_FALSE(is_changed());
    handle.interrupt();
    EXPECT_FALSE(is_changed()) << "the store has ended";
    other.emplace(engine);
    const InterruptHandle old = other->new_interrupt_handle();
    old.interrupt();
    (void)other->next_interrupt_handle();
    EXPECT_FALSE(is_changed()) << "the period has ended";
    old.interrupt();
    EXPECT_FALSE(is_changed());
}

/// Keeps all memory, and what was in it when it was given back.
class KeepingAllocator final : public Allocator {
public:
    ~KeepingAllocator() {
        for (const Kept& kept : kept_)
            standard().deallocate(kept.block, kept.bytes.size(), kept.alignment);
    }
    void* allocate(size_t size, size_t alignment) noexcept override {
        return standard().allocate(size, alignment);
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        const auto* const bytes = static_cast<const char*>(block);
        kept_.push_back({block, alignment, {bytes, bytes + size}});
    }
    [[nodiscard]] bool is_as_it_was() const {
        return std::ranges::all_of(kept_, [](const Kept& kept) {
            return std::memcmp(kept.block, kept.bytes.data(), kept.bytes.size()) == 0;
        });
    }

private:
    struct Kept {
        void* block;
        size_t alignment;
        std::vector<char> bytes;
    };
    std::vector<Kept> kept_;
};

TEST(PatchedInterruption, a_request_does_not_change_code_that_was_freed) {
    KeepingAllocator allocator;
    {
        Config config = PatchedInterruptionTest::with({});
        config.allocator = &allocator;
        const Engine engine{config};
        Store store{engine};
        {
            const auto module = engine.load(assemble(endless));
            ASSERT_TRUE(module);
            ASSERT_TRUE(vm::CompiledModule::of(*module, engine)->code().lower_all() == vm::Exit::none);
        }
        store.interrupt_handle().interrupt();
        EXPECT_TRUE(allocator.is_as_it_was());
    }
}

TEST_F(PatchedInterruptionTest, a_listing_shows_the_code_as_it_was_lowered) {
    const Module module = load(endless);
    const auto text = [&] {
        std::string all;
        for (uint32_t func = 0; func < 6; ++func) {
            const auto listing = list_code(engine, module, func);
            EXPECT_TRUE(listing && listing->finding().empty());
            for (const CodeLine& line : listing->lines())
                all += std::string{line.text} + "\n";
        }
        return all;
    };
    const std::string before = text();
    EXPECT_EQ(before.find("poll"), std::string::npos) << before;
    store.interrupt_handle().interrupt();
    EXPECT_EQ(text(), before);
}

#ifndef _WIN32 // which has no signals that come at any moment
/// A handle for a signal handler.
std::atomic<const InterruptHandle*> of_signal = nullptr;
void on_signal(int) { of_signal.load()->interrupt(); }

TEST_F(PatchedInterruptionTest, signals_come_at_any_moment) {
    const InterruptHandle handle = store.interrupt_handle();
    of_signal = &handle;
    struct sigaction action{};
    struct sigaction before{};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    ASSERT_EQ(sigaction(SIGPROF, &action, &before), 0);
    const itimerval every{{0, 200}, {0, 200}};
    ASSERT_EQ(setitimer(ITIMER_PROF, &every, nullptr), 0);
    // While modules are loaded, lowered, run and freed.
    size_t interrupted = 0;
    for (int i = 0; i < 300; ++i) {
        const Instance instance = instantiate(endless);
        Execution execution = std::move(*Execution::create(*instance.func("count"), {{Value{20'000}}}));
        while (*execution.resume() == ExecutionState::interrupted)
            ++interrupted;
        Value result;
        ASSERT_TRUE(execution.results({&result, 1}));
        ASSERT_EQ(result.as<int32_t>(), 20'000);
        if (i % 10 == 0)
            store.clear_interrupt();
    }
    const itimerval never{};
    ASSERT_EQ(setitimer(ITIMER_PROF, &never, nullptr), 0);
    ASSERT_EQ(sigaction(SIGPROF, &before, nullptr), 0);
    of_signal = nullptr;
    EXPECT_GT(interrupted, 0u);
    store.clear_interrupt();
}
#endif

TEST_F(PatchedInterruptionTest, allocation_failures_are_reported) {
    const Vec<uint8_t> bytes = assemble(endless);
    bool worked = false;
    for (size_t n = 0; !worked; ++n) {
        ASSERT_LT(n, 10'000u);
        CountingAllocator allocator;
        allocator.allow(n);
        {
            Config config = with({});
            config.allocator = &allocator;
            Engine scarce{config};
            const auto module = scarce.load(bytes);
            if (module) {
                Store scarce_store{scarce};
                const auto instance = Linker{scarce}.instantiate(scarce_store, *module);
                if (instance) {
                    const auto func = instance->func<int32_t(int32_t)>("count");
                    worked = func && (*func)(5) == 5;
                }
            }
        }
        EXPECT_EQ(allocator.live(), 0u) << n;
    }
}

} // namespace
} // namespace warpbeam
