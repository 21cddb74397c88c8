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
    (func (export "null at first") (param $n i32)
        (ref.null any)
        (loop $more (param anyref)
            (call $collect) (drop)
            (if (local.get $n)
                (then (local.set $n (i32.sub (local.get $n) (i32.const 1))) (call $make) (br $more)))))
    (func (export "null at an earlier stop") (param $n i32)
        (drop (call $make)) (ref.null any) (call $collect)
        (loop $more (param anyref)
            (call $collect) (drop)
            (if (local.get $n)
                (then (local.set $n (i32.sub (local.get $n) (i32.const 1))) (call $make) (br $more)))))
    (func (export "null beside a number") (param $n i32) (local $i i32)
        (ref.null any) (i32.const 9) (ref.null any)
        (loop $more (param anyref i32 anyref)
            (call $collect) (drop) (local.set $i) (drop)
            (local.set $i (i32.add (local.get $i) (i32.add (local.get $i) (local.get $i))))
            (if (local.get $n)
                (then
                    (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                    (call $make) (local.get $i) (call $make) (br $more)))))
    (func $nested (param $n i32) (param $own anyref)
        (if (local.get $n)
            (then (call $nested (i32.sub (local.get $n) (i32.const 1)) (call $make)))
            (else (call $collect))))
    (func (export "nested") (param $n i32) (call $nested (local.get $n) (ref.null any)))
    (type $resumed (func (param i64 anyref) (result i64))) (type $waiting (cont $resumed))
    (type $rest (func (result i64))) (type $full (cont $rest))
    (tag $ask (result i64 anyref)) (global $full (mut (ref null $full)) (ref.null $full))
    (func $asking (result i64) (suspend $ask) (drop))
    (func (export "suspended") (param $n i64) (local $left (ref null $waiting))
        (block $asked (result (ref $waiting))
            (drop (resume $full (on $ask $asked) (cont.new $full (ref.func $asking)))) (unreachable))
        (local.set $left)
        (global.set $full (cont.bind $waiting $full (local.get $n) (call $make) (local.get $left)))
        (call $collect))
    (rec (type $turn (func (param i64 anyref (ref null $turns)))) (type $turns (cont $turn)))
    (type $last (func (param (ref null $turns)))) (type $bound (cont $last))
    (tag $swap) (global $n (mut i64) (i64.const 0)) (global $bound (mut (ref null $bound)) (ref.null $bound))
    (func $first (type $turn) (switch $turns $swap (i64.const 0) (ref.null any) (local.get 2)) (drop) (drop) (drop))
    (func $second (type $turn)
        (global.set $bound (cont.bind $turns $bound (global.get $n) (call $make) (local.get 2)))
        (call $collect))
    (elem declare func $asking $first $second)
    (func (export "switched") (param $n i64)
        (global.set $n (local.get $n))
        (resume $turns (on $swap switch)
            (i64.const 0) (ref.null any) (cont.new $turns (ref.func $second)) (cont.new $turns (ref.func $first))))
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

TEST_F(ExactFramesTest, of_what_a_continuation_was_given_only_references_do) {
    for (const char* const name : {"suspended", "switched"}) {
        const uint64_t kept = after(name, {Value{int64_t{0}}});
        EXPECT_GE(kept, 1u) << name;
        uint64_t address = 0;
        {
            const RootScope scope{store};
            Value made;
            ASSERT_TRUE(instance.func("make")->call({}, {&made, 1}));
            address = made.slots()[0];
            EXPECT_EQ(after(name, {Value{static_cast<int64_t>(address)}}), kept + 1) << name;
        }
        EXPECT_EQ(after(name, {Value{static_cast<int64_t>(address)}}), kept) << name;
    }
}

TEST_F(ExactFramesTest, locals_and_operands_do) {
    EXPECT_EQ(after("operand"), 1u);
    EXPECT_EQ(after("local"), 1u);
    EXPECT_EQ(after("of a local"), 1u);
    EXPECT_EQ(after("many"), 4u);
    EXPECT_EQ(after("loop", {Value{5}}), 2u);
    EXPECT_EQ(after("null at first", {Value{3}}), 1u);
    EXPECT_EQ(after("null at an earlier stop", {Value{3}}), 1u);
    EXPECT_EQ(after("null beside a number", {Value{3}}), 2u);
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
