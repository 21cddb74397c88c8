#include "execution_fixture.hpp"

#include <warpbeam/vm/guest_stacks.hpp>

#include <fstream>
#include <iterator>
#include <optional>

/// Executions of guests that keep C frames in linear memory.

namespace warpbeam {
namespace {

/// As LLVM compiles C: `f` keeps its argument in a frame in memory while it asks.
constexpr const char* c_guest = R"((module (import "env" "ask" (func $ask (param i32) (result i32)))
    (memory (export "memory") 1)
    (global $sp (mut i32) (i32.const 65536))
    (func $frame (param $n i32) (result i32) (local $fp i32)
      (global.set $sp (local.tee $fp (i32.sub (global.get $sp) (i32.const 16))))
      (i32.store (local.get $fp) (local.get $n))
      (drop (call $ask (i32.const 1)))
      (local.set $n (i32.load (local.get $fp)))
      (global.set $sp (i32.add (local.get $fp) (i32.const 16)))
      (local.get $n))
    (func (export "f") (param i32) (result i32) (call $frame (local.get 0)))
    (func (export "leaf") (param i32) (result i32) (call $ask (local.get 0)))
    (func (export "fail") (param i32) (result i32)
      (global.set $sp (i32.sub (global.get $sp) (i32.const 64))) (drop (call $ask (i32.const 1))) (unreachable))
    (func (export "sp") (result i32) (global.get $sp))))";

class CGuestTest : public ExecutionTest {
protected:
    Execution waiting(std::string_view name, int32_t argument) {
        Execution execution = start(instance, name, {argument});
        EXPECT_EQ(execution.resume(), ExecutionState::host_call);
        EXPECT_TRUE(execution.answer({{Value{0}}}));
        return execution;
    }
    [[nodiscard]] int32_t sp() const { return *(*instance.func<int32_t()>("sp"))(); }
    Instance instance = instantiate(c_guest);
};

TEST_F(CGuestTest, goes_on_in_the_reverse_order_only) {
    Execution first = waiting("f", 1);
    Execution second = waiting("f", 2);
    Execution third = waiting("f", 3);
    for (Execution* const early : {&first, &second})
        EXPECT_EQ(early->resume().error().message(),
                  "the guest's stack has frames of executions that began later: finish or drop those first");
    EXPECT_EQ(third.resume(), ExecutionState::done);
    EXPECT_EQ(second.resume(), ExecutionState::done);
    EXPECT_EQ(first.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(first), 1);
    EXPECT_EQ(result_of(second), 2);
    EXPECT_EQ(result_of(third), 3);
    EXPECT_EQ(sp(), 65536);
}

TEST_F(CGuestTest, is_free_without_frames_of_others) {
    Execution framed = waiting("f", 1);
    Execution leaf = waiting("leaf", 2);
    EXPECT_EQ(framed.resume(), ExecutionState::done);
    EXPECT_FALSE(leaf.resume()) << "its caller's frames would be where the other's were";
}

TEST_F(CGuestTest, gives_its_frames_back_when_it_is_dropped_or_traps) {
    Execution first = waiting("f", 1);
    {
        const Execution second = waiting("f", 2);
        EXPECT_FALSE(first.resume());
    }
    Execution failing = waiting("fail", 3);
    EXPECT_EQ(failing.resume(), ExecutionState::trapped);
    EXPECT_EQ(first.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(first), 1);
    EXPECT_EQ(sp(), 65536);
}

TEST_F(CGuestTest, each_has_its_order_in_each_instance) {
    Execution first = waiting("f", 1);
    const Instance other_instance = instantiate(c_guest);
    Execution other = start(other_instance, "f", {5});
    ASSERT_EQ(other.resume(), ExecutionState::host_call);
    EXPECT_EQ(first.resume(), ExecutionState::done);
    ASSERT_TRUE(other.answer({{Value{0}}}));
    EXPECT_EQ(other.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(other), 5);
}

// A counter is no stack pointer, though it is the first global and may go down.
TEST_F(ExecutionTest, of_guests_without_a_stack_in_memory_go_on_in_any_order) {
    for (const char* const step : {"(i32.const 1) (i32.add)", "(i32.const 1) (i32.sub)",
                                   "(i32.const 1) (i32.sub) (local.tee $x)", "(i32.const 16) (i32.sub)"}) {
        const Instance instance = instantiate(std::string{R"((module
            (import "env" "ask" (func $ask (param i32) (result i32)))
            (memory 1) (global $count (export "count") (mut i32) (i32.const 100))
            (func $step (local $x i32) (global.get $count) )"} +
                                              step + R"( (global.set $count))
            (func (export "trap") (call $step) (unreachable))
            (func (export "f") (result i32) (call $step) (call $ask (global.get $count)))))");
        Execution trap = start(instance, "trap");
        ASSERT_EQ(trap.resume(), ExecutionState::trapped);
        EXPECT_NE(instance.global("count")->get().as<int32_t>(), 100) << "as after a call that traps";
        Execution first = start(instance, "f");
        Execution second = start(instance, "f");
        ASSERT_EQ(first.resume(), ExecutionState::host_call);
        ASSERT_EQ(second.resume(), ExecutionState::host_call);
        for (Execution* const each : {&first, &second}) {
            ASSERT_TRUE(each->answer({{Value{7}}}));
            EXPECT_EQ(each->resume(), ExecutionState::done);
        }
    }
}

/// The same with an allocator, which counts the blocks that are out.
constexpr const char* allocating_guest = R"((module (import "env" "ask" (func $ask (param i32) (result i32)))
    (memory (export "memory") 2)
    (global $sp (export "sp") (mut i32) (i32.const 65536))
    (global $next (mut i32) (i32.const 66000)) (global $live (export "live") (mut i32) (i32.const 0))
    (func (export "malloc") (param $size i32) (result i32)
      (if (i32.gt_u (i32.add (global.get $next) (local.get $size)) (i32.const 131072))
        (then (return (i32.const 0))))
      (global.set $live (i32.add (global.get $live) (i32.const 1)))
      (global.get $next) (global.set $next (i32.add (global.get $next) (local.get $size))))
    (func (export "free") (param i32)
      (if (i32.eqz (global.get $live)) (then unreachable))
      (global.set $live (i32.sub (global.get $live) (i32.const 1))))
    (func $f (export "f") (param $n i32) (result i32) (local $fp i32)
      (global.set $sp (local.tee $fp (i32.sub (global.get $sp) (i32.const 16))))
      (i32.store (local.get $fp) (local.get $n))
      (drop (call $ask (local.get $fp)))
      (local.set $n (i32.load (local.get $fp)))
      (global.set $sp (i32.add (local.get $fp) (i32.const 16)))
      (local.get $n))
    (func (export "fail") (param i32) (result i32)
      (global.set $sp (i32.sub (global.get $sp) (i32.const 64))) (drop (call $ask (i32.const 1))) (unreachable))))";

class GuestStacksTest : public ExecutionTest {
protected:
    [[nodiscard]] static GuestStacks stacks_of(const Instance& guest, const GuestStackOptions& options = {}) {
        auto made = GuestStacks::of(guest, options);
        EXPECT_TRUE(made) << (made ? std::string_view{} : made.error().message());
        return made ? std::move(*made) : GuestStacks{};
    }
    static Execution waiting(GuestStacks& stacks, const Instance& guest, std::string_view name,
                             std::vector<Value> args) {
        auto made = stacks.create(*guest.func(name), args);
        EXPECT_TRUE(made) << (made ? std::string_view{} : made.error().message());
        if (!made)
            return {};
        EXPECT_EQ(made->resume(), ExecutionState::host_call);
        return std::move(*made);
    }
    static void finish(Execution& execution, int32_t answer, int32_t result) {
        EXPECT_TRUE(execution.answer({{Value{answer}}}));
        EXPECT_EQ(execution.resume(), ExecutionState::done);
        EXPECT_EQ(result_of(execution), result);
    }
    static int32_t global(const Instance& guest, std::string_view name) {
        return guest.global(name)->get().as<int32_t>();
    }
    static constexpr GuestStackOptions small{.size = 1000};
};

TEST_F(GuestStacksTest, let_executions_go_on_in_any_order) {
    const Instance guest = instantiate(allocating_guest);
    GuestStacks stacks = stacks_of(guest, small);
    Execution shared = start(guest, "f", {99});
    ASSERT_EQ(shared.resume(), ExecutionState::host_call);
    std::vector<Execution> all;
    for (int32_t i = 0; i < 20; ++i) {
        all.push_back(waiting(stacks, guest, "f", {i}));
        const int32_t frame = all.back().argument(0).as<int32_t>();
        EXPECT_EQ(frame, 66000 + 1024 * i + 1008 - 16) << "each frame is in a block of its own";
        EXPECT_EQ(global(guest, "sp"), 65536 - 16) << "that of the others";
    }
    EXPECT_EQ(stacks.size(), 20u);
    for (const size_t i : {3u, 17u, 0u, 19u, 4u})
        finish(all[i], 0, static_cast<int32_t>(i));
    finish(shared, 0, 99);
    EXPECT_EQ(stacks.unused(), 5u);
    EXPECT_EQ(global(guest, "sp"), 65536);
}

TEST_F(GuestStacksTest, are_free_again_after_the_end) {
    const Instance guest = instantiate(allocating_guest);
    GuestStacks stacks = stacks_of(guest, small);
    {
        Execution done = waiting(stacks, guest, "f", {1});
        Execution failing = waiting(stacks, guest, "fail", {1});
        const Execution dropped = waiting(stacks, guest, "f", {1});
        const Execution fresh = *stacks.create(*guest.func("f"), {{Value{1}}});
        EXPECT_EQ(stacks.size(), 4u);
        finish(done, 0, 1);
        EXPECT_EQ(stacks.unused(), 1u);
        ASSERT_TRUE(failing.answer({{Value{0}}}));
        EXPECT_EQ(failing.resume(), ExecutionState::trapped);
        EXPECT_EQ(stacks.unused(), 2u);
        EXPECT_EQ(global(guest, "sp"), 65536);
    }
    EXPECT_EQ(stacks.unused(), 4u);
    EXPECT_EQ(global(guest, "live"), 4) << "dropping runs nothing";
    {
        const Execution again = waiting(stacks, guest, "f", {1});
        EXPECT_EQ(stacks.size(), 4u);
        EXPECT_TRUE(stacks.trim());
        EXPECT_EQ(stacks.size(), 1u);
        EXPECT_EQ(global(guest, "live"), 1);
    }
    {
        const GuestStacks moved = std::move(stacks);
        EXPECT_EQ(moved.size(), 1u);
    }
    EXPECT_EQ(global(guest, "live"), 0);
    EXPECT_EQ(stacks.size(), 0u); // NOLINT(bugprone-use-after-move)
}

TEST_F(GuestStacksTest, are_used_by_what_the_execution_calls) {
    std::optional<Instance> guest;
    std::optional<GuestStacks> stacks;
    std::optional<Execution> inner;
    ASSERT_TRUE(linker.func("env", "begin", [&](int32_t outer_frame) {
        // A call runs below its caller's frame, an execution has another stack.
        EXPECT_LT(value_of(*guest, "frame"), outer_frame);
        EXPECT_GT(value_of(*guest, "frame"), outer_frame - 100);
        inner = waiting(*stacks, *guest, "f", {5});
        EXPECT_GT(std::abs(inner->argument(0).as<int32_t>() - outer_frame), 500);
    }));
    std::string text = allocating_guest;
    text.replace(text.find("(memory"), 0, R"((import "env" "begin" (func $begin (param i32))))");
    text.insert(text.rfind(')'), R"((func (export "outer") (result i32)
        (global.set $sp (i32.sub (global.get $sp) (i32.const 32))) (call $begin (global.get $sp))
        (global.set $sp (i32.add (global.get $sp) (i32.const 32)))
        (call $f (i32.const 8)))
      (func (export "frame") (result i32) (i32.sub (global.get $sp) (i32.const 16))))");
    guest = instantiate(text);
    stacks = stacks_of(*guest, small);
    Execution outer = waiting(*stacks, *guest, "outer", {});
    finish(outer, 0, 8);
    finish(*inner, 0, 5);
    stacks.reset();
}

TEST_F(GuestStacksTest, report_what_is_wrong) {
    const auto message = [](const auto& made) {
        EXPECT_FALSE(made);
        return made ? std::string{} : std::string{made.error().message()};
    };
    const Instance guest = instantiate(allocating_guest);
    EXPECT_EQ(message(GuestStacks::of(guest, {.pointer = "nothing"})),
              "the guest has no mutable global nothing of the type of its addresses");
    EXPECT_EQ(message(GuestStacks::of(instantiate(R"((module (memory (export "memory") 1)))"))),
              "the guest has no mutable global __stack_pointer of the type of its addresses");
    EXPECT_EQ(message(GuestStacks::of(instantiate("(module)"))),
              "the guest does not export a memory named memory");
    EXPECT_EQ(GuestStacks::of(Instance{}).error().code(), TrapCode::usage);
    GuestStacks named = stacks_of(guest, {.size = 40000, .pointer = "sp"});
    const Func f = *guest.func("f");
    const Execution first = *named.create(f, {{Value{1}}});
    EXPECT_EQ(message(named.create(f, {{Value{1}}})), "the guest could not allocate 40016 bytes");
    GuestStacks endless = stacks_of(guest, {.size = UINT64_MAX, .pointer = "sp"});
    EXPECT_EQ(endless.create(f, {{Value{1}}}).error().code(), TrapCode::out_of_memory);
    EXPECT_EQ(message(named.create(f)), "the function takes 1 arguments, but 0 were given");
    EXPECT_EQ(store.usage().executions, 1u);
    Store other{engine};
    EXPECT_EQ(message(named.create(*Func::wrap(other, [] {}))), "the function belongs to another store");
    GuestStacks empty;
    EXPECT_EQ(message(empty.create(f)), "the GuestStacks are empty");
    EXPECT_TRUE(empty.trim());
}

TEST_F(GuestStacksTest, may_be_outlived_by_their_executions) {
    Execution waits;
    {
        Store brief{engine};
        const Instance guest = *linker.instantiate(brief, load(allocating_guest));
        GuestStacks stacks = stacks_of(guest, small);
        waits = waiting(stacks, guest, "f", {1});
    }
    EXPECT_EQ(waits.state(), ExecutionState::trapped);
}

TEST(GuestStacksMemory, failing_is_an_error) {
    bool finished = false;
    for (size_t budget = 0; !finished; ++budget) {
        ASSERT_LT(budget, 1000u);
        ScarceStore made{all_features()};
        auto& [scarce, engine, linker, store] = made;
        ASSERT_TRUE(linker.host_call<int32_t(int32_t)>("env", "ask"));
        const auto module = engine.load(assemble(allocating_guest));
        ASSERT_TRUE(module);
        const Instance guest = *linker.instantiate(store, *module);
        scarce.allow(budget);
        auto stacks = GuestStacks::of(guest, {.size = 1000});
        if (!stacks) {
            EXPECT_EQ(stacks.error().code(), TrapCode::out_of_memory);
            continue;
        }
        auto execution = stacks->create(*guest.func("f"), {{Value{4}}});
        scarce.allow(SIZE_MAX); // freeing the blocks may lower a function
        if (!execution) {
            EXPECT_EQ(execution.error().code(), TrapCode::out_of_memory);
            EXPECT_EQ(store.usage().executions, 0u);
            continue;
        }
        ASSERT_EQ(execution->resume(), ExecutionState::host_call);
        finished = true;
    }
}

TEST(GuestStacksMemory, is_there_for_stacks_that_are_made_while_another_is_allocated) {
    ScarceStore made{all_features()};
    auto& [scarce, engine, linker, store] = made;
    std::optional<Instance> guest;
    std::optional<GuestStacks> stacks;
    std::vector<Execution> inner;
    ASSERT_TRUE(linker.func("env", "malloc", [&] {
        if (inner.empty()) {
            inner.emplace_back();
            inner.back() = stacks->create(*guest->func("f")).value_or(Execution{});
        }
    }));
    const auto module = engine.load(assemble(R"((module (import "env" "malloc" (func $malloc))
        (memory (export "memory") 1) (global (export "sp") (mut i32) (i32.const 65536))
        (global $next (mut i32) (i32.const 1024))
        (func (export "malloc") (param i32) (result i32)
          (call $malloc)
          (global.set $next (i32.add (global.get $next) (i32.const 1024))) (global.get $next))
        (func (export "free") (param i32))
        (func (export "f"))))"));
    ASSERT_TRUE(module);
    guest = *linker.instantiate(store, *module);
    stacks = *GuestStacks::of(*guest, {.size = 512, .pointer = "sp"});
    Execution outer = *stacks->create(*guest->func("f"));
    EXPECT_EQ(stacks->size(), 2u);
    scarce.allow(0);
    inner.clear();
    outer = {};
    scarce.allow(SIZE_MAX);
    EXPECT_EQ(stacks->unused(), 2u);
    stacks.reset();
}

/// A guest that clang has compiled, with the allocator of wasi-libc.
class CompiledGuestTest : public GuestStacksTest {
protected:
    void SetUp() override {
#ifdef WARPBEAM_C_GUEST
        std::ifstream file{WARPBEAM_C_GUEST, std::ios::binary};
        const std::vector<char> bytes{std::istreambuf_iterator<char>{file}, {}};
        const auto module = engine.load({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
        ASSERT_TRUE(module) << module.error().message();
        auto made = linker.instantiate(store, *module);
        ASSERT_TRUE(made) << made.error().message();
        guest = *made;
        ASSERT_TRUE(guest.func("_initialize")->call());
#else
        GTEST_SKIP() << "no compiler for WebAssembly";
#endif
    }
    /// What `run` returns: the answer, and the seeds on the way.
    static int32_t sum(int32_t answer, int32_t seed, int32_t depth) {
        for (int32_t i = 0; i <= depth; ++i)
            answer += seed + i;
        return answer;
    }
    Instance guest;
};

TEST_F(CompiledGuestTest, goes_on_in_the_reverse_order_on_one_stack) {
    const int32_t end = value_of(guest, "here");
    Execution first = start(guest, "run", {100, 2});
    Execution second = start(guest, "run", {200, 1});
    ASSERT_EQ(first.resume(), ExecutionState::host_call);
    ASSERT_EQ(second.resume(), ExecutionState::host_call);
    ASSERT_TRUE(first.answer({{Value{1}}}));
    EXPECT_FALSE(first.resume());
    finish(second, 2, sum(2, 200, 1));
    EXPECT_EQ(first.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(first), sum(1, 100, 2));
    EXPECT_EQ(value_of(guest, "here"), end);
}

TEST_F(CompiledGuestTest, goes_on_in_any_order_with_a_stack_for_each) {
    const int32_t end = value_of(guest, "here");
    for (const std::string_view name : {"", "__stack_pointer"}) {
        GuestStacks stacks = stacks_of(guest, {.size = 8192, .pointer = name});
        constexpr size_t count = 50;
        std::vector<Execution> runs;
        std::vector<Execution> copies;
        const auto seed = [](size_t i) { return static_cast<int32_t>(1000 * i); };
        const auto depth = [](size_t i) { return static_cast<int32_t>(i % 7); };
        for (size_t i = 0; i < count; ++i) {
            runs.push_back(waiting(stacks, guest, "run", {seed(i), depth(i)}));
            copies.push_back(waiting(stacks, guest, "copy", {static_cast<int32_t>(i + 1)}));
        }
        copies[7] = Execution{}; // dropped, with what it has allocated
        Execution failing = waiting(stacks, guest, "fail", {1});
        ASSERT_TRUE(failing.answer({{Value{1}}}));
        EXPECT_EQ(failing.resume(), ExecutionState::trapped);
        for (size_t k = 0; k < count; ++k) {
            const size_t i = 17 * k % count;
            finish(runs[i], 5, sum(5, seed(i), depth(i)));
            if (i != 7)
                finish(copies[i], 0, 1);
            EXPECT_EQ(value_of(guest, "here"), end);
        }
        EXPECT_EQ(stacks.unused(), stacks.size());
        EXPECT_TRUE(stacks.trim());
        EXPECT_EQ(stacks.size(), 0u);
    }
}

} // namespace
} // namespace warpbeam
