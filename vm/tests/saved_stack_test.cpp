#include "fixture.hpp"
#include "snapshot/saved_stack.hpp"
#include "store/store_impl.hpp"

#include <warpbeam/vm/execution.hpp>

/// Stacks in WebAssembly's terms: wherever a computation stops, its stack is read, destroyed, and made again.

namespace warpbeam {
namespace {

constexpr std::string_view mixed = R"((module
    (import "other" "add" (func $other (param i64 i64) (result i64)))
    (import "host" "ask" (func $ask (param i32) (result i32)))
    (type $node (struct (field i64) (field (ref null $node))))
    (type $numbers (array (mut i32)))
    (type $two (func (param i32 i64) (result i32 i64)))
    (memory 4) (table $t 10 funcref) (elem (table $t) (i32.const 0) func $sum $ask)
    (tag $e (param i32))
    (func $sum (export "sum") (param $n i32) (result i32)
        (if (result i32) (local.get $n)
            (then (i32.add (local.get $n) (call $sum (i32.sub (local.get $n) (i32.const 1)))))
            (else (i32.const 0))))
    (func (export "operands") (param $n i32) (result i32) (local $x i64) (local $f f64) (local $v v128)
        (local.set $v (i32x4.splat (local.get $n)))
        (local.set $f (f64.convert_i32_s (local.get $n)))
        (i32.const 7) (local.get $n) (f32.const 1.5) (local.get $f) (local.get $v) (i64.const -5) (local.get $x)
        (v128.const i32x4 1 2 3 4)
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (local.set $x (call $other (local.get $x) (i64.const 3)))
        (loop $more
            (local.set $x (i64.add (local.get $x) (i64.extend_i32_s (call $sum (i32.const 5)))))
            (local.set $f (f64.add (local.get $f) (f64.const 0.5)))
            (br_if $more (i64.lt_s (local.get $x) (i64.const 100))))
        (i32x4.extract_lane 2 (i32x4.add (local.get $v)))
        (i64.extend_i32_s) (i64.add) (i64.add)
        (local.set $x)
        (i32x4.extract_lane 1) (f64.convert_i32_s) (f64.add) (f64.add (local.get $f))
        (f64.add (f64.convert_i64_s (local.get $x))) (f64.promote_f32 (f32.demote_f64)) (i32.trunc_f64_s)
        (drop) (drop) (i32.add (local.get $n)) (i32.add))
    (func (export "loops") (param $n i32) (result i32) (local $s i32)
        (i32.const 1) (i64.const 2)
        (loop $a (type $two)
            (i64.add (i64.const 3))
            (block (loop $b (local.set $s (i32.add (local.get $s) (i32.const 1)))
                (br_if $b (i32.rem_u (local.get $s) (i32.const 7)))))
            (br_if $a (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (i32.wrap_i64) (i32.add) (i32.add (local.get $s)))
    (func (export "indirect") (param $n i32) (result i32) (local $i i32)
        (loop $more
            (local.set $n (i32.add (local.get $n)
                (call_indirect $t (param i32) (result i32) (local.get $i) (i32.and (local.get $i) (i32.const 1)))))
            (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8))))
        (local.get $n))
    (func $even (param $n i32) (result i32)
        (if (i32.eqz (local.get $n)) (then (return (i32.const 1))))
        (return_call $odd (i32.sub (local.get $n) (i32.const 1))))
    (func $odd (param $n i32) (result i32)
        (if (i32.eqz (local.get $n)) (then (return (i32.const 0))))
        (return_call $even (i32.sub (local.get $n) (i32.const 1))))
    (func (export "tail") (param $n i32) (result i32) (i32.add (call $even (local.get $n)) (i32.const 40)))
    (func (export "bulk") (param $n i32) (result i32)
        (memory.fill (i32.const 3) (local.get $n) (i32.const 200000))
        (memory.copy (i32.const 100) (i32.const 3) (i32.const 100000))
        (i32.load (i32.const 1000)))
    (func $throws (param $n i32) (call $ask (local.get $n)) (throw $e))
    (func (export "catches") (param $n i32) (result i32)
        (i32.const 5)
        (block $h (result i32)
            (try_table (catch $e $h) (call $throws (local.get $n)) (call $throws (local.get $n)))
            (i32.const 0))
        (i32.add))
    (func $ends_with_loop (param $n i32) (local $i i32)
        (if (i32.eqz (local.get $n)) (then (return)))
        (call $ends_with_loop (i32.sub (local.get $n) (i32.const 1)))
        (loop $more (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 9)))))
    (func (export "loop after a call") (param $n i32) (result i32)
        (call $ends_with_loop (local.get $n)) (local.get $n))
    (func (export "many locals") (param $n i32) (result i32) (local MANY)
        (i32.add (local.get $n) (i32.wrap_i64 (local.get 7))))
    (func (export "objects") (param $n i32) (result i32)
        (local $list (ref null $node)) (local $s i64) (local $a (ref null $numbers))
        (loop $more
            (local.set $list (struct.new $node (i64.extend_i32_u (local.get $n)) (local.get $list)))
            (local.set $a (array.new $numbers (local.get $n) (i32.const 100)))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (loop $more
            (local.set $s (i64.add (local.get $s) (struct.get $node 0 (local.get $list))))
            (br_if $more (i32.eqz (ref.is_null (local.tee $list (struct.get $node 1 (local.get $list)))))))
        (i32.add (i32.wrap_i64 (local.get $s)) (array.get $numbers (local.get $a) (i32.const 50))))))";

constexpr std::string_view other = R"((module
    (func $slow (param i64) (result i64) (local $i i32)
        (loop $more (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5))))
        (local.get 0))
    (func (export "add") (param i64 i64) (result i64)
        (i64.add (call $slow (local.get 0)) (call $slow (local.get 1))))))";

class SavedStackTest : public VmTest {
protected:
    explicit SavedStackTest(StoreLimits limits = {}) : VmTest{config(), limits} {
        store.set_fuel(1'000'000);
        EXPECT_TRUE(linker.host_call<int32_t(int32_t)>("host", "ask"));
        const auto first = linker.instantiate(store, load(other));
        EXPECT_TRUE(first);
        EXPECT_TRUE(linker.define_instance("other", *first));
        std::string text{mixed};
        std::string locals;
        for (int i = 0; i < 400; ++i)
            locals += "i64 ";
        text.replace(text.find("MANY"), 4, locals);
        const auto made = linker.instantiate(store, load(text));
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
            vm::SavedStack saved{Allocator::standard()};
            EXPECT_EQ(saved.read(execution), vm::Exit::none);
            std::memset(static_cast<void*>(execution.stack), 0xa5, vm::block_size(execution));
            execution.acc = execution.l0 = execution.l1 = 0xa5a5a5a5a5a5a5a5;
            execution.facc = execution.f0 = vm::Vector{-1.5, -1.5};
            EXPECT_EQ(saved.write(execution), vm::Exit::none);
        });
    }

    Linker linker{engine};
    Instance instance;
};

TEST_F(SavedStackTest, is_the_same_wherever_a_function_stops) {
    for (const char* const name : {"sum", "operands", "loops", "indirect", "tail", "bulk", "catches",
                                   "loop after a call", "many locals", "objects"}) {
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
        vm::SavedStack saved{Allocator::standard()};
        ASSERT_EQ(saved.read(stopped), vm::Exit::none);
        ASSERT_GE(saved.frames().size(), 2u);
        func = saved.frames().back().func;
        code = saved.frames().back().inst->code;
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
