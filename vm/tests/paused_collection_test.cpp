#include "execution_fixture.hpp"

#include <warpbeam/vm/gc.hpp>
#include <warpbeam/vm/host_object.hpp>
#include <warpbeam/vm/root.hpp>

#include <functional>

/// Collections that an interrupt has stopped in the middle, and what comes then.

namespace warpbeam {
namespace {

constexpr std::string_view source = R"((module
    (type $leaf (struct (field (mut i64))))
    (type $node (struct (field (mut (ref null $leaf))) (field (ref null $node)) (field i64 i64 i64)))
    (type $bytes (array (mut i8)))
    (import "host" "stop" (func $stop))
    (import "host" "other" (func $other))
    (global $node (mut (ref null $node)) (ref.null $node))
    (func $make (param $value i64) (result (ref $node))
        (struct.new $node (struct.new $leaf (local.get $value)) (global.get $node)
            (i64.const 1) (i64.const 1) (i64.const 1)))
    (func (export "inner") (call $stop) (drop (array.new_default $bytes (i32.const 5000))))
    (func (export "outer") (result i64) (local $x (ref null $leaf)) (local $i i32)
        (global.set $node (call $make (i64.const 42)))
        (call $other)
        ;; Only the local refers to the leaf now.
        (local.set $x (struct.get $node 0 (global.get $node)))
        (struct.set $node 0 (global.get $node) (ref.null $leaf))
        (drop (array.new_default $bytes (i32.const 5000)))
        (loop $more
            (drop (struct.new $leaf (i64.const 7)))
            (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100000))))
        (struct.get $leaf 0 (local.get $x)))
    (func (export "build") (param $n i32)
        (loop $more
            (global.set $node (call $make (i64.const 1)))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "grow") (param $n i32)
        (loop $more
            (call $stop)
            (global.set $node (struct.new $node (struct.new $leaf (i64.const 1)) (global.get $node)
                (i64.const 1) (i64.const 1) (i64.const 1)))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "sum") (result i64) (local $at (ref null $node)) (local $sum i64)
        (local.set $at (global.get $node))
        (loop $more
            (if (ref.is_null (local.get $at)) (then (return (local.get $sum))))
            (local.set $sum (i64.add (i64.add (local.get $sum) (struct.get $leaf 0 (struct.get $node 0 (local.get $at))))
                (i64.add (struct.get $node 2 (local.get $at))
                    (i64.add (struct.get $node 3 (local.get $at)) (struct.get $node 4 (local.get $at))))))
            (local.set $at (struct.get $node 1 (local.get $at)))
            (br $more))
        (unreachable))
    (func (export "clear") (global.set $node (ref.null $node)))
    (func (export "churn")
        (loop $more (call $stop) (drop (call $make (i64.const 1))) (br $more)))
    (func (export "array") (param $n i32) (call $stop) (drop (array.new_default $bytes (local.get $n))))))";

class PausedCollectionTest : public VmTest {
protected:
    explicit PausedCollectionTest(Config config = all_features(), StoreLimits limits = {})
        : VmTest{config, limits} {
        EXPECT_TRUE(linker.func("host", "stop", [this] { store.interrupt_handle().interrupt(); }));
        EXPECT_TRUE(linker.func("host", "other", [this] {
            if (other)
                other();
        }));
        instance = instantiate(source);
    }
    static Config eager() {
        Config config = all_features();
        config.collect_always = true;
        return config;
    }
    Execution execution(const char* name, std::vector<Value> args = {}) {
        return std::move(*Execution::create(*instance.func(name), args));
    }
    /// The result of the function; executions are resumed until they end.
    int64_t outer() {
        Execution outer = execution("outer");
        ExecutionState state{};
        while ((state = *outer.resume()) == ExecutionState::interrupted) {
        }
        EXPECT_EQ(state, ExecutionState::done);
        Value result;
        EXPECT_TRUE(outer.results({&result, 1}));
        return result.as<int64_t>();
    }

    std::function<void()> other;
    Instance instance;
};

TEST_F(PausedCollectionTest, ends_before_the_caller_of_a_host_function_goes_on) {
    int paused = 0;
    other = [&] {
        for (int i = 0; i < 100'000 && paused == 0; ++i) {
            const uint64_t before = store.heap().collections;
            const auto called = instance.func("inner")->call();
            store.clear_interrupt();
            paused += !called && store.heap().collections != before ? 1 : 0;
        }
    };
    EXPECT_EQ(outer(), 42);
    EXPECT_EQ(paused, 1);
}

class EagerPausedCollectionTest : public PausedCollectionTest {
protected:
    EagerPausedCollectionTest() : PausedCollectionTest{eager()} {}
};

TEST_F(EagerPausedCollectionTest, of_an_execution_that_a_host_function_has_resumed) {
    Execution inner = execution("inner");
    other = [&] { EXPECT_EQ(*inner.resume(), ExecutionState::interrupted); };
    EXPECT_EQ(outer(), 42);
}

TEST_F(EagerPausedCollectionTest, objects_are_made_after_it_and_not_in_its_middle) {
    Execution grow = execution("grow", {Value{200}});
    ExecutionState state{};
    uint64_t slices = 0;
    while ((state = *grow.resume()) == ExecutionState::interrupted && ++slices < 1'000'000)
        if (slices % 16 != 0) // it can't go on from a poll that finds an interrupt
            store.interrupt_handle().interrupt();
    ASSERT_EQ(state, ExecutionState::done);
    EXPECT_GT(slices, 2000u);
    store.clear_interrupt();
    Value sum;
    ASSERT_TRUE(instance.func("sum")->call({}, {&sum, 1}));
    EXPECT_EQ(sum.as<int64_t>(), 200 * 4);
}

TEST_F(EagerPausedCollectionTest, looks_at_a_long_array_in_pieces) {
    const Instance long_array = instantiate(R"((module
        (type $all (array (mut anyref)))
        (type $one (struct (field i64)))
        (import "host" "stop" (func $stop))
        (global $all (mut (ref null $all)) (ref.null $all))
        (func (export "hold") (param $n i32) (global.set $all (array.new_default $all (local.get $n))))
        (func (export "make") (call $stop) (drop (struct.new $one (i64.const 1))))))");
    const auto steps = [&](int32_t length) {
        EXPECT_TRUE(long_array.func("hold")->call(std::array{Value{length}}, {}));
        Execution make = std::move(*Execution::create(*long_array.func("make"), {}));
        uint64_t count = 0;
        while (*make.resume() == ExecutionState::interrupted && ++count < 10'000)
            store.interrupt_handle().interrupt();
        EXPECT_EQ(make.state(), ExecutionState::done);
        store.clear_interrupt();
        return count;
    };
    const uint64_t few = steps(1);
    // A step looks at 10,000 references, and at the rest of a piece.
    EXPECT_GE(steps(2'000'000) - few, 190u);
}

/// 1000 lists of 200 nodes, all of which wait in the mark stack, since the next beginning is followed before
/// the list. The array has no room beside them.
constexpr std::string_view lists = R"((module
    (type $node (struct (field (ref null $node))))
    (type $begin (struct (field (ref null $node)) (field (ref null $begin))))
    (type $bytes (array (mut i8)))
    (import "host" "stop" (func $stop))
    (global $all (mut (ref null $begin)) (ref.null $begin))
    (func (export "build") (local $i i32) (local $j i32) (local $list (ref null $node))
        (local.set $i (i32.const 1000))
        (loop $more
            (local.set $list (ref.null $node))
            (local.set $j (i32.const 200))
            (loop $longer
                (local.set $list (struct.new $node (local.get $list)))
                (br_if $longer (local.tee $j (i32.sub (local.get $j) (i32.const 1)))))
            (global.set $all (struct.new $begin (local.get $list) (global.get $all)))
            (br_if $more (local.tee $i (i32.sub (local.get $i) (i32.const 1))))))
    (func (export "array") (call $stop) (drop (array.new_default $bytes (i32.const 2000000))))))";

TEST(PausedCollection, looks_at_all_objects_again_in_steps_if_there_is_no_memory_to_remember_some) {
    const auto steps = [](bool scarce) {
        CountingAllocator allocator;
        Config config = all_features();
        config.allocator = &allocator;
        Engine engine{config};
        Store store{engine, {.heap_bytes = 4 << 20}};
        Linker linker{engine};
        EXPECT_TRUE(linker.func("host", "stop", [&] { store.interrupt_handle().interrupt(); }));
        const Instance instance = *linker.instantiate(store, *engine.load(assemble(lists)));
        EXPECT_TRUE(instance.func("build")->call());
        Execution array = std::move(*Execution::create(*instance.func("array")));
        EXPECT_EQ(*array.resume(), ExecutionState::interrupted); // in `stop`
        if (scarce)
            allocator.allow(0);
        uint64_t count = 0;
        do
            store.interrupt_handle().interrupt();
        while (*array.resume() == ExecutionState::interrupted && ++count < 10'000);
        EXPECT_EQ(array.state(), ExecutionState::trapped);
        allocator.allow(SIZE_MAX);
        return count;
    };
    const uint64_t usual = steps(false);
    // Of each object its reference is looked at, too, and 10,000 of both in a step, which ends with a block
    // of 4026 objects.
    EXPECT_GE(usual, 40u);
    EXPECT_GE(steps(true), usual + 200'000 / 4026 / 3);
}

int finalized = 0;
struct Thing {
    Thing() = default;
    Thing(Thing&& other) noexcept : real{std::exchange(other.real, false)} {}
    ~Thing() { finalized += real ? 1 : 0; }
    bool real = true;
};

/// An execution waits with an object as its argument, and another one with a deep stack; then a collection
/// stops after its first step, in which it has looked at the roots of the host.
class PausedRootsTest : public VmTest {
protected:
    PausedRootsTest()
        : VmTest{[] {
              Config config = all_features();
              config.collect_always = true;
              return config;
          }()} {
        const ValType any = ValType::reference(HeapType::any, true);
        EXPECT_TRUE(linker.host_call("host", "wait", FuncType{std::span{&any, 1}, {}}));
        EXPECT_TRUE(linker.func("host", "stop", [this] { store.interrupt_handle().interrupt(); }));
        instance = *linker.instantiate(store, load(R"((module (type $s (struct (field i32)))
            (import "host" "wait" (func $wait (param anyref))) (import "host" "stop" (func $stop))
            (func (export "argument") (call $wait (struct.new $s (i32.const 7))))
            (func $deep (export "deep") (param i32)
                (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1))))
                    (else (call $wait (ref.null any)))))
            (func (export "collect") (call $stop) (drop (struct.new $s (i32.const 1))))
            (func (export "more") (result anyref) (struct.new $s (i32.const 666)))))"));
        waiting = std::move(*Execution::create(*instance.func("argument")));
        EXPECT_EQ(waiting.resume(), ExecutionState::host_call);
        deep = std::move(*Execution::create(*instance.func("deep"), {{Value{20'000}}}));
        EXPECT_EQ(deep.resume(), ExecutionState::host_call);
        collecting = std::move(*Execution::create(*instance.func("collect")));
        EXPECT_EQ(collecting.resume(), ExecutionState::interrupted);
    }
    void expect_kept(const Root& root) {
        store.clear_interrupt();
        Value other;
        const RootScope scope{store};
        EXPECT_TRUE(instance.func("more")->call({}, {&other, 1}));
        const auto object = StructRef::from(store, root.value());
        ASSERT_TRUE(object);
        EXPECT_EQ(object->get(0)->as<int32_t>(), 7);
    }
    Instance instance;
    Execution waiting, deep, collecting;
};

TEST_F(PausedRootsTest, what_becomes_a_root_before_its_frame_goes_on_is_kept) {
    const Root root{store, waiting.argument(0)};
    ASSERT_TRUE(waiting.answer({}));
    expect_kept(root);
}

TEST_F(PausedRootsTest, what_becomes_a_root_before_its_frame_is_refused_is_kept) {
    const Root root{store, waiting.argument(0)};
    ASSERT_TRUE(waiting.refuse(Trap::host("no")));
    expect_kept(root);
}

/// Runs code when something grows.
class Running final : public GrowthPolicy {
public:
    bool allow_memory(const Store&, const MemoryType&, uint64_t, uint64_t) noexcept override { return run(); }
    bool allow_table(const Store&, const TableType&, uint64_t, uint64_t) noexcept override { return run(); }
    std::function<void()> what;

private:
    bool run() const noexcept {
        if (what)
            what();
        return true;
    }
};

TEST(PausedCollection, ends_before_code_goes_on_that_lets_something_grow) {
    for (const auto& [definition, growth] :
         {std::pair{"(memory 1 10)", "(drop (memory.grow (i32.const 1)))"},
          std::pair{"(memory 1 10 shared)", "(drop (memory.grow (i32.const 1)))"},
          std::pair{"(table 1 funcref)", "(drop (table.grow (ref.null func) (i32.const 1)))"}}) {
        std::string text{source};
        text.replace(text.find("(call $other)"), std::string_view{"(call $other)"}.size(), growth);
        text.insert(text.find("(global $node"), definition);
        Config config = all_features();
        config.collect_always = true;
        const Engine engine{config};
        Running policy;
        Store store{engine, {.growth = &policy}};
        Linker linker{engine};
        EXPECT_TRUE(linker.func("host", "stop", [&] { store.interrupt_handle().interrupt(); }));
        EXPECT_TRUE(linker.func("host", "other", [] {}));
        const auto module = engine.load(assemble(text));
        ASSERT_TRUE(module);
        const auto instance = linker.instantiate(store, *module);
        ASSERT_TRUE(instance);
        Execution inner = std::move(*Execution::create(*instance->func("inner")));
        int paused = 0;
        policy.what = [&] {
            paused += *inner.resume() == ExecutionState::interrupted ? 1 : 0;
            store.clear_interrupt();
        };
        Value result;
        const auto called = instance->func("outer")->call({}, {&result, 1});
        EXPECT_TRUE(called) << called.error().message();
        EXPECT_EQ(result.as<int64_t>(), 42) << definition;
        EXPECT_EQ(paused, 1);
    }
}

TEST(PausedCollection, when_its_store_is_destroyed) {
    for (int steps = 0; steps < 24; ++steps) {
        SCOPED_TRACE(steps);
        CountingAllocator allocator;
        finalized = 0;
        constexpr int things = 20'000;
        {
            Config config = all_features();
            config.allocator = &allocator;
            Engine engine{config};
            Store store{engine};
            Linker linker{engine};
            ASSERT_TRUE(linker.func("host", "stop", [&] { store.interrupt_handle().interrupt(); }));
            ASSERT_TRUE(linker.func("host", "other", [] {}));
            const auto module = engine.load(assemble(source));
            ASSERT_TRUE(module);
            const auto instance = linker.instantiate(store, *module);
            ASSERT_TRUE(instance);
            ASSERT_TRUE(instance->func("build")->call(std::array{Value{20'000}}, {}));
            ASSERT_TRUE(instance->func("clear")->call());
            {
                const RootScope scope{store};
                for (int i = 0; i < things; ++i)
                    ASSERT_TRUE(ExternRef::create(store, Thing{}));
            }
            Execution churn = std::move(*Execution::create(*instance->func("churn")));
            for (const uint64_t before = store.heap().collections; store.heap().collections == before;)
                ASSERT_EQ(*churn.resume(), ExecutionState::interrupted);
            for (int i = 0; i < steps; ++i) {
                store.interrupt_handle().interrupt();
                ASSERT_EQ(*churn.resume(), ExecutionState::interrupted);
            }
        }
        EXPECT_EQ(allocator.live(), 0u);
        EXPECT_EQ(finalized, things);
    }
}

class FullPausedCollectionTest : public PausedCollectionTest {
protected:
    FullPausedCollectionTest() : PausedCollectionTest{all_features(), {.heap_bytes = 4 << 20}} {}
};

TEST_F(FullPausedCollectionTest, is_not_repeated_when_it_did_not_help) {
    ASSERT_TRUE(instance.func("build")->call(std::array{Value{40'000}}, {}));
    Execution array = execution("array", {Value{2'000'000}});
    uint64_t slices = 0;
    ExecutionState state{};
    while ((state = *array.resume()) == ExecutionState::interrupted && ++slices < 10'000)
        store.interrupt_handle().interrupt();
    EXPECT_EQ(state, ExecutionState::trapped);
    ASSERT_TRUE(array.trap());
    EXPECT_EQ(array.trap()->code(), TrapCode::heap_exhausted);
    EXPECT_GT(slices, 2u);
    // What it can do without is found, even if nothing was allocated since then.
    store.clear_interrupt();
    ASSERT_TRUE(instance.func("clear")->call());
    Execution again = execution("array", {Value{2'000'000}});
    while ((state = *again.resume()) == ExecutionState::interrupted) {
    }
    EXPECT_EQ(state, ExecutionState::done);
}

// The stacks of executions serve plain calls too.
TEST_F(EagerPausedCollectionTest, calls_in_the_stack_of_an_execution_that_was_dropped) {
    (void)execution("build", {Value{1}}); // never begins
    other = [] {};
    Value result;
    ASSERT_TRUE(instance.func("outer")->call({}, {&result, 1}));
    EXPECT_EQ(result.as<int64_t>(), 42);
}

} // namespace
} // namespace warpbeam
