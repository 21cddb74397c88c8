#include "fixture.hpp"

#include <warpbeam/vm/execution.hpp>
#include <warpbeam/vm/gc.hpp>
#include <warpbeam/vm/root.hpp>

/// What a frame keeps alive: what WebAssembly code can still use, and nothing else.

namespace warpbeam {
namespace {

constexpr std::string_view source = R"((module
    (type $bytes (array (mut i8)))
    (type $pair (struct (field anyref anyref)))
    (import "host" "collect" (func $collect))
    (import "host" "wait" (func $wait (param anyref) (result anyref)))
    (func $make (export "make") (result (ref $bytes)) (array.new_default $bytes (i32.const 1000)))
    (func (export "number") (param $n i64) (result i64)
        (local.get $n) (i64.add (local.get $n) (i64.const 0)) (call $collect) (i64.add))
    (func (export "dropped") (drop (call $make)) (call $collect))
    (func (export "dropped from a local") (local $a anyref)
        (local.set $a (call $make)) (local.set $a (ref.null any)) (call $collect))
    (func (export "operand") (call $make) (call $collect) (drop))
    (func (export "local") (local $a anyref) (local.set $a (call $make)) (call $collect) (drop (local.get $a)))
    (func (export "of a local") (local $a anyref)
        (local.set $a (call $make))
        (local.get $a) (local.set $a (ref.null any)) (call $collect) (drop))
    (func (export "many") (local $a anyref) (local $b anyref)
        (local.set $a (call $make))
        (ref.null any) (local.get $a) (call $make) (i64.const 5) (call $make)
        (local.set $a (call $make)) (local.set $b (local.get $a)) (local.get $b)
        (call $collect)
        (drop) (drop) (drop) (drop) (drop) (drop))
    (func (export "loop") (param $n i32)
        (call $make)
        (loop $more (param anyref) (result anyref)
            (call $make) (call $collect) (drop)
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (drop))
    (func $nested (param $n i32) (param $own anyref)
        (if (local.get $n)
            (then (call $nested (i32.sub (local.get $n) (i32.const 1)) (call $make)))
            (else (call $collect))))
    (func (export "nested") (param $n i32) (call $nested (local.get $n) (ref.null any)))
    (func (export "argument") (param $n i32) (drop (call $wait (call $make))))
    (func (export "results") (result anyref i64 anyref) (call $make) (i64.const 1) (call $make))
    (func (export "turn") (param $a anyref) (param $n i32) (result i32)
        (loop $more (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $n))))";

class ExactFramesTest : public VmTest {
protected:
    ExactFramesTest()
        : VmTest{[] {
              Config config;
              config.features = FeatureSet::all();
              config.fuel = true;
              return config;
          }()} {
        store.set_fuel(1'000'000);
        EXPECT_TRUE(linker.func("host", "collect", [this](Caller& caller) {
            caller.store().collect();
            survived = arrays();
        }));
        const ValType any = ValType::reference(HeapType::any, true);
        EXPECT_TRUE(linker.host_call("host", "wait", FuncType{std::span{&any, 1}, std::span{&any, 1}}));
        const auto made = linker.instantiate(store, load(source));
        EXPECT_TRUE(made);
        instance = *made;
    }
    /// How many arrays survived the last collection.
    [[nodiscard]] uint64_t arrays() const { return store.heap().survived / 1016; }
    uint64_t collected() {
        store.collect();
        return arrays();
    }
    uint64_t after(const char* name, std::vector<Value> args = {}) {
        const auto type = instance.func(name)->type();
        std::vector<Value> results(type.results.size());
        const RootScope scope{store};
        const auto called = instance.func(name)->call(args, results);
        EXPECT_TRUE(called) << name << ": " << called.error().message();
        return survived;
    }
    Execution execution(const char* name, std::vector<Value> args = {}) {
        return std::move(*Execution::create(*instance.func(name), args));
    }

    Linker linker{engine};
    Instance instance;
    uint64_t survived = 0;
};

TEST_F(ExactFramesTest, neither_numbers_nor_dead_slots_keep_an_object) {
    uint64_t address = 0;
    {
        const RootScope scope{store};
        Value made;
        ASSERT_TRUE(instance.func("make")->call({}, {&made, 1}));
        address = made.slots()[0];
        EXPECT_EQ(after("number", {Value{static_cast<int64_t>(address)}}), 1u);
    }
    EXPECT_EQ(after("number", {Value{static_cast<int64_t>(address)}}), 0u);
    EXPECT_EQ(after("dropped"), 0u);
    EXPECT_EQ(after("dropped from a local"), 0u);
}

TEST_F(ExactFramesTest, locals_and_operands_do) {
    EXPECT_EQ(after("operand"), 1u);
    EXPECT_EQ(after("local"), 1u);
    EXPECT_EQ(after("of a local"), 1u);
    EXPECT_EQ(after("many"), 4u);
    EXPECT_EQ(after("loop", {Value{5}}), 2u);
    EXPECT_EQ(after("nested", {Value{100}}), 100u);
    EXPECT_EQ(collected(), 0u);
}

TEST_F(ExactFramesTest, executions_that_do_not_run) {
    {
        const RootScope scope{store};
        Value made;
        ASSERT_TRUE(instance.func("make")->call({}, {&made, 1}));
        Execution waiting = execution("argument", {Value{0}});
        Execution begun = execution("turn", {made, Value{100}});
        Execution not_begun = execution("turn", {made, Value{100}});
        Execution done = execution("results");
        EXPECT_EQ(*waiting.resume({.fuel = 100}), ExecutionState::host_call);
        EXPECT_EQ(*begun.resume({.fuel = 10}), ExecutionState::out_of_fuel);
        EXPECT_EQ(*done.resume({.fuel = 100}), ExecutionState::done);
        EXPECT_EQ(collected(), 1u + 1 + 2);
        // The answer replaces the argument.
        ASSERT_TRUE(waiting.answer({&made, 1}));
        EXPECT_EQ(collected(), 1u + 0 + 2);
        done = {};
        EXPECT_EQ(collected(), 1u);
        EXPECT_EQ(*waiting.resume({.fuel = 100}), ExecutionState::done);
    }
    EXPECT_EQ(collected(), 0u);
}

TEST_F(ExactFramesTest, the_last_of_many_executions) {
    Value made;
    Execution begun;
    Execution not_begun;
    {
        const RootScope scope{store};
        ASSERT_TRUE(instance.func("make")->call({}, {&made, 1}));
        begun = execution("turn", {made, Value{100}});
        not_begun = execution("turn", {made, Value{100}});
    }
    EXPECT_EQ(*begun.resume({.fuel = 10}), ExecutionState::out_of_fuel);
    not_begun = {};
    EXPECT_EQ(collected(), 1u);
    EXPECT_EQ(*begun.resume({.fuel = 1000}), ExecutionState::done);
    EXPECT_EQ(collected(), 0u);
}

} // namespace
} // namespace warpbeam
