#include "execution_fixture.hpp"

#include <warpbeam/vm/exception.hpp>
#include <warpbeam/vm/gc.hpp>

/// Continuations, beyond what the proposal's own tests cover. https://github.com/WebAssembly/stack-switching

namespace warpbeam {
namespace {

Config with_switching(Config config = {}) {
    config.features.enable(Feature::stack_switching);
    return config;
}

class ContinuationTest : public ExecutionTest {
protected:
    explicit ContinuationTest(const Config& config = with_switching(), const StoreLimits& limits = {})
        : ExecutionTest{config, limits} {}
};

/// A module with types, tags and functions that most of them need. `later` suspends $n times and returns 7.
std::string module_of(std::string_view rest) {
    return R"((module
    (import "env" "ask" (func $host (param i32) (result i32)))
    (type $f (func)) (type $k (cont $f))
    (type $fi (func (result i32))) (type $ki (cont $fi))
    (type $ii (func (param i32) (result i32))) (type $kii (cont $ii))
    (tag $yield) (tag $ask (result i32)) (tag $give (param i32)) (tag $fault (param i32))
    (func $later (param $n i32) (result i32)
      (loop $again
        (suspend $yield)
        (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (i32.const 7))
    (func $deep (param $n i32) (result i32)
      (if (result i32) (local.get $n)
        (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get $n) (i32.const 1)))))
        (else (suspend $ask))))
    (elem declare func $later $deep $host)
    )" + std::string{rest} +
           ")";
}

TEST_F(ContinuationTest, a_generator) {
    const std::string text = module_of(R"(
        (func $count (param $n i32) (result i32) (local $i i32)
          (loop $again
            (suspend $give (local.get $i))
            (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
          (i32.const 1000))
        (elem declare func $count)
        (func (export "f") (param $n i32) (result i32) (local $sum i32) (local $k (ref null $ki))
          (local.set $k (cont.bind $kii $ki (local.get $n) (cont.new $kii (ref.func $count))))
          (loop $again
            (block $on_give (result i32 (ref $ki))
              (return (i32.add (local.get $sum) (resume $ki (on $give $on_give) (local.get $k)))))
            (local.set $k)
            (local.set $sum (i32.add (local.get $sum)))
            (br $again))
          unreachable))");
    EXPECT_EQ(call_f(text, 1), 1000);
    EXPECT_EQ(call_f(text, 100), 1000 + 99 * 50);
}

constexpr std::string_view nested = R"(
    (func $inner (result i32) (i32.add (i32.const 1) (suspend $ask)))
    (func $outer (result i32)
      (block $no (result (ref $ki))
        (return (i32.mul (i32.const 10) (resume $ki (on $yield $no) (cont.new $ki (ref.func $inner))))))
      drop (i32.const 0))
    (elem declare func $inner $outer)
    (func $begin (result (ref $kii))
      (block $on_ask (result (ref $kii))
        (drop (resume $ki (on $ask $on_ask) (cont.new $ki (ref.func $outer))))
        unreachable)))";

TEST_F(ContinuationTest, a_list_of_stacks_is_suspended_and_resumed_as_one) {
    const Instance instance = instantiate(module_of(std::string{nested} + R"(
        (func (export "run") (result i32) (resume $kii (i32.const 41) (call $begin)))
        (func (export "twice") (result i32) (local $k (ref $kii))
          (local.set $k (call $begin))
          (drop (resume $kii (i32.const 1) (local.get $k)))
          (resume $kii (i32.const 1) (local.get $k))))"));
    EXPECT_EQ(value_of(instance, "run"), 420);
    const auto twice = (*instance.func<int32_t()>("twice"))();
    ASSERT_FALSE(twice);
    EXPECT_EQ(twice.error().code(), TrapCode::continuation_consumed);
}

TEST_F(ContinuationTest, each_function_has_the_memory_and_globals_of_its_own_instance) {
    const Instance other = instantiate(R"((module
        (tag $give (export "give") (param i32)) (memory 1) (global $g (mut i32) (i32.const 100))
        (func (export "count") (param i32) (result i32)
            (global.set $g (i32.add (global.get $g) (local.get 0)))
            (i32.store (i32.const 0) (global.get $g))
            (suspend $give (global.get $g))
            (i32.add (i32.load (i32.const 0)) (global.get $g)))))");
    ASSERT_TRUE(linker.define_instance("other", other));
    const Instance own = instantiate(R"((module
        (type $ii (func (param i32) (result i32))) (type $kii (cont $ii))
        (type $fi (func (result i32))) (type $ki (cont $fi))
        (import "other" "count" (func $count (type $ii))) (import "other" "give" (tag $give (param i32)))
        (memory 1) (data (i32.const 0) "\07") (global $g (mut i32) (i32.const 5)) (elem declare func $count)
        (func $local (result i32) (i32.add (i32.load (i32.const 0)) (global.get $g)))
        (func (export "f") (param i32) (result i32) (local $sum i32) (local $k (ref null $ki))
            (block $on_give (result i32 (ref $ki))
                (resume $kii (on $give $on_give) (local.get 0) (cont.new $kii (ref.func $count)))
                (unreachable))
            (local.set $k)
            (local.set $sum (i32.add (i32.add (i32.load (i32.const 0)) (global.get $g))))
            (i32.add (local.get $sum) (resume $ki (local.get $k)))
            (i32.add (i32.add (i32.load (i32.const 0)) (global.get $g)))
            (i32.add (call $local)))))");
    const auto f = own.func<int32_t(int32_t)>("f");
    ASSERT_TRUE(f);
    EXPECT_EQ(*(*f)(1), 101 + 12 + 202 + 12 + 12);
    EXPECT_EQ(*(*f)(1), 102 + 12 + 204 + 12 + 12);
}

TEST_F(ContinuationTest, tags_of_the_host_have_results) {
    const ValType asked[] = {ValType::i64, ValType::f64};
    const ValType got[] = {ValType::i32};
    const auto tag = Tag::create(store, asked, got);
    ASSERT_TRUE(tag);
    ASSERT_TRUE(linker.define("host", "ask", *tag));
    EXPECT_EQ(call_f(R"((module
        (type $f (func (result i32))) (type $k (cont $f)) (type $r (func (param i32) (result i32))) (type $kr (cont $r))
        (import "host" "ask" (tag $ask (param i64 f64) (result i32)))
        (func $asking (result i32) (i32.mul (suspend $ask (i64.const 20) (f64.const 1.5)) (i32.const 2)))
        (elem declare func $asking)
        (func (export "f") (param i32) (result i32) (local $k (ref null $kr)) (local $float f64)
            (block $on (result i64 f64 (ref $kr))
                (return (resume $k (on $ask $on) (cont.new $k (ref.func $asking)))))
            (local.set $k) (local.set $float)
            (i32.add (i32.wrap_i64) (i32.trunc_f64_s (local.get $float)))
            (resume $kr (local.get $k)))))",
                     0),
              42);
}

TEST_F(ContinuationTest, exceptions_pass_through_stacks) {
    const Instance instance = instantiate(module_of(R"(
        (func $fail (result i32) (suspend $yield) (throw $fault (i32.const 5)))
        (func $between (result i32) (resume $ki (cont.new $ki (ref.func $fail))))
        (elem declare func $fail $between)
        (func (export "caught") (result i32) (local $k (ref null $ki))
          (block $on_yield (result (ref $ki))
            (drop (resume $ki (on $yield $on_yield) (cont.new $ki (ref.func $between))))
            unreachable)
          (local.set $k)
          (block $caught (result i32)
            (try_table (result i32) (catch $fault $caught)
              (i32.mul (i32.const 100) (resume $ki (local.get $k))))))
        (func (export "uncaught") (result i32)
          (block $on_yield (result (ref $ki))
            (drop (resume $ki (on $yield $on_yield) (cont.new $ki (ref.func $between))))
            unreachable)
          (resume $ki))
        (func (export "again") (result i32) (i32.const 3)))"));
    EXPECT_EQ(value_of(instance, "caught"), 5);
    const auto uncaught = instance.func<int32_t()>("uncaught");
    const auto called = (*uncaught)();
    ASSERT_FALSE(called);
    EXPECT_TRUE(called.error().exception());
    // The functions of all stacks, innermost first.
    ASSERT_EQ(called.error().backtrace().size(), 3u);
    EXPECT_EQ(called.error().backtrace()[0].func, 3u);
    EXPECT_EQ(called.error().backtrace()[1].func, 4u);
    EXPECT_EQ(called.error().backtrace()[2].func, 6u);
    EXPECT_EQ(value_of(instance, "again"), 3);
}

TEST_F(ContinuationTest, traps_end_all_stacks) {
    const Instance instance = instantiate(module_of(R"(
        (func $fail (result i32) (i32.div_u (i32.const 1) (i32.const 0)))
        (func $between (result i32) (resume $ki (cont.new $ki (ref.func $fail))))
        (elem declare func $fail $between)
        (func (export "run") (result i32) (resume $ki (cont.new $ki (ref.func $between))))
        (func (export "again") (result i32) (i32.const 3)))"));
    const auto run = instance.func<int32_t()>("run");
    for (int i = 0; i < 3; ++i) {
        const auto called = (*run)();
        ASSERT_FALSE(called);
        EXPECT_EQ(called.error().code(), TrapCode::integer_divide_by_zero);
        EXPECT_EQ(called.error().backtrace().size(), 3u);
        EXPECT_EQ(value_of(instance, "again"), 3);
    }
}

TEST_F(ContinuationTest, host_calls_wait_with_all_stacks) {
    const Instance instance = instantiate(module_of(R"(
        (func $asks (result i32) (i32.add (call $host (i32.const 20)) (suspend $ask)))
        (func $between (result i32)
          (i32.mul (i32.const 2) (resume $ki (cont.new $ki (ref.func $asks)))))
        (elem declare func $asks $between)
        (func (export "run") (result i32) (local $k (ref $kii))
          (block $on_ask (result (ref $kii))
            (return (resume $ki (on $ask $on_ask) (cont.new $ki (ref.func $between)))))
          (local.set $k)
          (resume $kii (i32.const 1) (local.get $k)))
        (func (export "host") (result i32)
          (resume $kii (i32.const 8) (cont.new $kii (ref.func $host)))))"));
    Execution execution = start(instance, "run");
    ASSERT_EQ(execution.resume(), ExecutionState::host_call);
    EXPECT_EQ(execution.argument(0).as<int32_t>(), 20);
    EXPECT_EQ(execution.backtrace().size(), 3u);
    EXPECT_EQ(execution.host_call().name, "ask");
    {
        // Others can use the instance in between.
        Execution other = start(instance, "run");
        ASSERT_EQ(other.resume(), ExecutionState::host_call);
    }
    ASSERT_TRUE(execution.answer({{Value{50}}}));
    ASSERT_EQ(execution.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(execution), 102);
    // A host function may be all that a continuation runs.
    Execution host = start(instance, "host");
    ASSERT_EQ(host.resume(), ExecutionState::host_call);
    EXPECT_EQ(host.argument(0).as<int32_t>(), 8);
    ASSERT_TRUE(host.answer({{Value{9}}}));
    ASSERT_EQ(host.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(host), 9);
    // Without an execution they can't wait.
    const auto run = instance.func<int32_t()>("run");
    const auto called = (*run)();
    ASSERT_FALSE(called);
    EXPECT_EQ(called.error().code(), TrapCode::cannot_suspend);
}

TEST_F(ContinuationTest, stacks_grow_and_have_one_limit) {
    const Instance instance = instantiate(module_of(R"(
        (func (export "deep") (param $n i32) (result i32) (local $k (ref $kii))
          (block $on_ask (result (ref $kii))
            (return (resume $kii (on $ask $on_ask) (local.get $n) (cont.new $kii (ref.func $deep)))))
          (local.set $k)
          (resume $kii (i32.const 7) (local.get $k)))
        (func $nest (param $n i32) (result i32)
          (resume $kii (i32.add (local.get $n) (i32.const 1)) (cont.new $kii (ref.func $nest))))
        (elem declare func $nest)
        (func (export "nest") (result i32) (call $nest (i32.const 0))))"));
    const auto deep = instance.func<int32_t(int32_t)>("deep");
    EXPECT_EQ((*deep)(1000).value(), 1007);
    const auto exhausted = (*deep)(100'000'000);
    ASSERT_FALSE(exhausted);
    EXPECT_EQ(exhausted.error().code(), TrapCode::call_stack_exhausted);
    for (int i = 0; i < 2; ++i) {
        const auto nest = (*instance.func<int32_t()>("nest"))();
        ASSERT_FALSE(nest);
        EXPECT_EQ(nest.error().code(), TrapCode::call_stack_exhausted);
    }
    EXPECT_EQ((*deep)(10).value(), 17);
}

TEST_F(ContinuationTest, an_exception_gives_back_the_stacks_that_it_leaves) {
    // $times continuations throw, for each of which the stack of $depth calls waits.
    const auto f = instantiate(module_of(R"(
        (func $throws (result i32) (throw $fault (i32.const 1)))
        (elem declare func $throws)
        (func $f (export "f") (param $depth i32) (param $times i32) (result i32) (local $sum i32)
          (if (local.get $depth)
            (then (return (i32.add (i32.const 1)
              (call $f (i32.sub (local.get $depth) (i32.const 1)) (local.get $times))))))
          (loop $again
            (block $caught (result i32)
              (try_table (result i32) (catch $fault $caught)
                (resume $ki (cont.new $ki (ref.func $throws)))))
            (local.set $sum (i32.add (local.get $sum)))
            (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
          (local.get $sum)))"))
                       .func<int32_t(int32_t, int32_t)>("f");
    ASSERT_TRUE(f);
    int32_t most = 100;
    while ((*f)(most + most / 10, 1))
        most += most / 10;
    // What waits takes less than half of the room, but more than a third of it.
    const int32_t depth = most * 2 / 5;
    EXPECT_EQ((*f)(depth, 1).value_or(0), depth + 1);
    EXPECT_EQ((*f)(depth, 10).value_or(0), depth + 10);
}

TEST_F(ContinuationTest, suspensions_stay_inside_of_a_run) {
    const Instance instance = instantiate(module_of(R"(
        (func (export "alone") (suspend $yield))
        (func (export "other tag") (result i32)
          (block $on_give (result i32 (ref $ki))
            (return (resume $ki (on $give $on_give)
              (cont.bind $kii $ki (i32.const 1) (cont.new $kii (ref.func $later))))))
          drop))"));
    EXPECT_EQ(trap_of(instance, "alone").substr(0, 13), "unhandled tag");
    const auto other = (*instance.func<int32_t()>("other tag"))();
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code(), TrapCode::unhandled_suspension);
}

TEST_F(ContinuationTest, vectors_and_several_results) {
    const Instance instance = instantiate(module_of(R"(
        (tag $pair (param v128 i64) (result f64 v128))
        (type $fp (func (result v128 f64))) (type $kp (cont $fp))
        (type $fq (func (param f64 v128) (result v128 f64))) (type $kq (cont $fq))
        (func $swap (result v128 f64) (local $d f64) (local $v v128)
          (suspend $pair (v128.const i32x4 1 2 3 4) (i64.const 5))
          (local.set $v) (local.set $d)
          (i32x4.add (local.get $v) (local.get $v)) (f64.add (local.get $d) (f64.const 1)))
        (elem declare func $swap)
        (func (export "run") (result i32) (local $l i64) (local $k (ref null $kq)) (local $v v128)
          (local $d f64)
          (block $on (result v128 i64 (ref $kq))
            (resume $kp (on $pair $on) (cont.new $kp (ref.func $swap)))
            unreachable)
          (local.set $k) (local.set $l) (local.set $v)
          (resume $kq (f64.const 0.5) (local.get $v) (local.get $k))
          (local.set $d) (local.set $v)
          (i32.add (i32x4.extract_lane 3 (local.get $v))
            (i32.add (i32.wrap_i64 (local.get $l)) (i32.trunc_f64_s (f64.mul (local.get $d) (f64.const 10)))))))"));
    EXPECT_EQ(value_of(instance, "run"), 8 + 5 + 15);
}

TEST_F(ContinuationTest, references_to_continuations_pass_through_the_host) {
    const Instance instance = instantiate(module_of(R"(
        (global $kept (export "kept") (mut contref) (ref.null cont))
        (func (export "make") (result contref) (cont.new $kii (ref.func $later)))
        (func (export "same") (param contref) (result i32) (ref.is_null (local.get 0))))"));
    Value made;
    ASSERT_TRUE(instance.func("make")->call({}, {&made, 1}));
    EXPECT_FALSE(made.is_null());
    EXPECT_TRUE(instance.global("kept")->set(made));
    Value null;
    ASSERT_TRUE(instance.func("same")->call({&made, 1}, {&null, 1}));
    EXPECT_EQ(null.as<int32_t>(), 0);
    // An exception is something else.
    const Value wrong = Value::from_slots(ValType::reference(HeapType::exn, true), made.slots());
    EXPECT_FALSE(instance.func("same")->call({&wrong, 1}, {&null, 1}));
}

/// Runs $n coroutines in turn until all have ended.
constexpr std::string_view scheduler = R"(
    (table $queue 1000 (ref null $ki))
    (func (export "f") (param $n i32) (result i32)
      (local $i i32) (local $done i32) (local $sum i32) (local $k (ref null $ki))
      (loop $fill
        (table.set $queue (local.get $i)
          (cont.bind $kii $ki (i32.const 3) (cont.new $kii (ref.func $later))))
        (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
      (loop $next
        (local.set $i (i32.rem_u (i32.add (local.get $i) (i32.const 1)) (local.get $n)))
        (local.set $k (table.get $queue (local.get $i)))
        (table.set $queue (local.get $i) (ref.null $ki))
        (if (i32.eqz (ref.is_null (local.get $k))) (then
          (block $end
            (block $on_yield (result (ref $ki))
              (local.set $sum (i32.add (local.get $sum)
                (resume $ki (on $yield $on_yield) (local.get $k))))
              (local.set $done (i32.add (local.get $done) (i32.const 1)))
              (br $end))
            (local.set $k)
            (table.set $queue (local.get $i) (local.get $k)))))
        (br_if $next (i32.lt_u (local.get $done) (local.get $n))))
      (local.get $sum)))";

TEST_F(ContinuationTest, a_scheduler) { EXPECT_EQ(call_f(module_of(scheduler), 1000), 7000); }

class CollectAlwaysContinuationTest : public ContinuationTest {
protected:
    CollectAlwaysContinuationTest() : ContinuationTest{with_switching({.collect_always = true})} {}
};

TEST_F(CollectAlwaysContinuationTest, stacks_keep_what_they_refer_to) {
    EXPECT_EQ(call_f(module_of(scheduler), 20), 140);
    const Instance instance = instantiate(module_of(R"(
        (type $box (struct (field i32)))
        (tag $boxes (param (ref $box)) (result (ref $box)))
        (type $fb (func (param (ref $box)) (result i32))) (type $kb (cont $fb))
        (func $body (param $a (ref $box)) (result i32) (local $b (ref null $box))
          (local.set $b (struct.new $box (i32.const 1)))
          (struct.get $box 0 (suspend $boxes (struct.new $box (i32.const 10))))
          (struct.get $box 0 (local.get $a)) (struct.get $box 0 (local.get $b)) i32.add i32.add)
        (elem declare func $body)
        (func (export "run") (result i32) (local $k (ref null $kb)) (local $got (ref null $box)) (local $l (ref null $ki))
          (block $on (result (ref $box) (ref $kb))
            (return (resume $kb (on $boxes $on) (struct.new $box (i32.const 100))
              (cont.new $kb (ref.func $body)))))
          (local.set $k) (local.set $got)
          (local.set $l (cont.bind $kb $ki (struct.new $box (i32.const 1000)) (local.get $k)))
          (drop (struct.new $box (i32.const 3)))
          (i32.add (resume $ki (local.get $l)) (struct.get $box 0 (local.get $got))))
        (type $fbb (func (param (ref $box) i32 (ref $box)) (result i32))) (type $kbb (cont $fbb))
        (type $fb2 (func (param i32 (ref $box)) (result i32))) (type $kb2 (cont $fb2))
        (func $sum (param $a (ref $box)) (param i32) (param $b (ref $box)) (result i32)
          (i32.add (struct.get $box 0 (local.get $a)) (i32.add (local.get 1) (struct.get $box 0 (local.get $b)))))
        (elem declare func $sum)
        (func $bind (result (ref $kb2))
          (cont.bind $kbb $kb2 (struct.new $box (i32.const 100)) (cont.new $kbb (ref.func $sum))))
        (func (export "not begun") (result i32) (local $k (ref null $kb2))
          (local.set $k (call $bind))
          (drop (struct.new $box (i32.const 3)))
          (drop (struct.new $box (i32.const 4)))
          (resume $kb2 (i32.const 20) (struct.new $box (i32.const 5)) (local.get $k))))"));
    EXPECT_EQ(value_of(instance, "run"), 1000 + 100 + 1 + 10);
    EXPECT_EQ(value_of(instance, "not begun"), 100 + 20 + 5);
}

/// Suspends $n continuations and drops them.
constexpr std::string_view dropper = R"(
    (func $once (export "f") (param $n i32) (result i32)
      (loop $again
        (block $on_yield (result (ref $ki))
          (drop (resume $ki (on $yield $on_yield)
            (cont.bind $kii $ki (i32.const 1) (cont.new $kii (ref.func $later)))))
          unreachable)
        drop
        (drop (cont.new $kii (ref.func $later)))
        (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (i32.const 1)))";

class SmallHeapContinuationTest : public ContinuationTest {
protected:
    SmallHeapContinuationTest() : ContinuationTest{with_switching(), {.heap_bytes = 256 * 1024}} {}
};

TEST_F(SmallHeapContinuationTest, dropped_ones_are_collected) {
    EXPECT_EQ(call_f(module_of(dropper), 20'000), 1);
    // Those that are kept fill the heap.
    const Instance instance = instantiate(module_of(R"(
        (table $all 0 (ref null $kii))
        (func (export "fill")
          (loop $again
            (drop (table.grow $all (cont.new $kii (ref.func $later)) (i32.const 1)))
            (br $again))))"));
    EXPECT_EQ(trap_of(instance, "fill").substr(0, 14), "heap exhausted");
}

TEST(ContinuationMemory, nothing_is_left) {
    CountingAllocator counting;
    {
        Config config = with_switching();
        config.allocator = &counting;
        Engine engine{config};
        Store store{engine};
        Linker linker{engine};
        ASSERT_TRUE(linker.host_call<int32_t(int32_t)>("env", "ask"));
        const auto module = engine.load(assemble(module_of(std::string{dropper} + R"(
            (global $kept (mut (ref null $kii)) (ref.null $kii))
            (func (export "keep") (global.set $kept (cont.new $kii (ref.func $later)))
              (drop (resume $kii (i32.const 1) (cont.new $kii (ref.func $host)))))
        )")));
        ASSERT_TRUE(module);
        const auto instance = linker.instantiate(store, *module);
        ASSERT_TRUE(instance);
        ASSERT_TRUE((*instance->func<int32_t(int32_t)>("f"))(5000));
        // One ends with its store while it waits inside of a continuation, another one before.
        auto first = Execution::create(*instance->func("keep"), {});
        auto second = Execution::create(*instance->func("keep"), {});
        ASSERT_EQ(first->resume(), ExecutionState::host_call);
        ASSERT_EQ(second->resume(), ExecutionState::host_call);
        first = Execution{};
        Store moved{std::move(store)};
    }
    EXPECT_EQ(counting.live(), 0u);
}

TEST(ContinuationMemory, missing_memory_is_reported) {
    CountingAllocator flaky;
    size_t failures = 0;
    for (size_t n = 0; n < 400; ++n) {
        flaky.allow(SIZE_MAX);
        Config config = with_switching();
        config.allocator = &flaky;
        Engine engine{config};
        Store store{engine};
        Linker linker{engine};
        ASSERT_TRUE(linker.host_call<int32_t(int32_t)>("env", "ask"));
        const auto module = engine.load(assemble(module_of(scheduler)));
        ASSERT_TRUE(module);
        const auto instance = linker.instantiate(store, *module);
        ASSERT_TRUE(instance);
        const auto f = instance->func<int32_t(int32_t)>("f");
        flaky.allow(n);
        const auto called = (*f)(40);
        flaky.allow(SIZE_MAX);
        if (called) {
            EXPECT_EQ(*called, 280);
            break;
        }
        ++failures;
        EXPECT_TRUE(called.error().code() == TrapCode::out_of_memory ||
                    called.error().code() == TrapCode::call_stack_exhausted)
            << called.error().message();
        EXPECT_EQ((*f)(40).value(), 280);
    }
    EXPECT_GT(failures, 80u);
    EXPECT_EQ(flaky.live(), 0u);
}

class FuelContinuationTest : public ContinuationTest {
protected:
    FuelContinuationTest() : ContinuationTest{with_switching({.fuel = true, .interruption = true})} {}
};

TEST_F(FuelContinuationTest, executions_stop_inside_of_continuations) {
    const Instance instance = instantiate(module_of(scheduler));
    uint64_t whole = 0;
    {
        Execution execution = start(instance, "f", {Value{50}});
        ASSERT_EQ(execution.resume({.fuel = 1'000'000}), ExecutionState::done);
        EXPECT_EQ(result_of(execution), 350);
        whole = 1'000'000 - execution.fuel();
    }
    Execution execution = start(instance, "f", {Value{50}});
    uint64_t given = 0;
    ExecutionState state = ExecutionState::ready;
    while (state != ExecutionState::done) {
        ++given;
        ASSERT_LT(given, 2 * whole + 100);
        const auto stopped = execution.resume({.fuel = 1});
        ASSERT_TRUE(stopped);
        state = *stopped;
        ASSERT_TRUE(state == ExecutionState::done || state == ExecutionState::out_of_fuel ||
                    state == ExecutionState::interrupted);
        if (given % 7 == 0) {
            store.interrupt_handle().interrupt();
            (void)execution.resume({.fuel = 0});
        }
    }
    EXPECT_EQ(result_of(execution), 350);
    EXPECT_EQ(given - execution.fuel(), whole);
}

TEST_F(FuelContinuationTest, a_call_that_runs_out_of_fuel_leaves_nothing_behind) {
    const Instance instance = instantiate(module_of(scheduler));
    const auto f = instance.func<int32_t(int32_t)>("f");
    for (uint64_t fuel = 0; fuel < 300; fuel += 7) {
        store.set_fuel(fuel);
        const auto stopped = (*f)(50);
        ASSERT_FALSE(stopped);
        EXPECT_EQ(stopped.error().code(), TrapCode::out_of_fuel);
    }
    store.set_fuel(1'000'000);
    EXPECT_EQ((*f)(50).value(), 350);
}

} // namespace
} // namespace warpbeam
