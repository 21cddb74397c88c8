#include "fixture.hpp"

#include <warpbeam/vm/exception.hpp>

#include <ctime>

/// Exceptions as code throws and catches them; host functions are in exception_host_test.cpp.

namespace warpbeam {
namespace {

class ExceptionTest : public VmTest {
protected:
    explicit ExceptionTest(const Config& config = {.features = FeatureSet::all()}) : VmTest{config} {}

    /// Calls `f` of a module with these tags: $e (param i32), $none, $pair (param i32 i64).
    int32_t run(std::string_view functions, int32_t argument = 0) {
        const std::string module = "(module (tag $e (param i32)) (tag $none) (tag $pair (param i32 i64))" +
                                   std::string{functions} + ")";
        return call_f(module, argument);
    }
    /// The same for the body of `f`, whose parameter is $n.
    int32_t run_body(std::string_view body, int32_t argument = 0) {
        return run("(func $throw (param i32) (throw $e (local.get 0)))"
                   "(func $maybe (param i32) (result i32) (if (i32.lt_s (local.get 0) (i32.const 0)) (then"
                   " (throw $e (local.get 0)))) (i32.mul (local.get 0) (i32.const 2)))"
                   "(func (export \"f\") (param $n i32) (result i32) " +
                       std::string{body} + ")",
                   argument);
    }
};

TEST_F(ExceptionTest, passes_through_frames_to_the_innermost_clause_that_fits) {
    constexpr std::string_view functions = R"(
        (func $throw (param i32) (if (i32.and (local.get 0) (i32.const 1))
            (then (throw $e (local.get 0)))) (throw $none))
        (func $between (param i32) (result i32) (i32.const 5) (call $throw (local.get 0)))
        (func $middle (param i32) (result i32)
            (block $none (try_table (catch $none $none) (return (call $between (local.get 0)))))
            (i32.const -1))
        (func (export "f") (param i32) (result i32)
            (i32.const 1000)
            (block $e (result i32)
                (try_table (result i32) (catch $e $e) (call $middle (local.get 0))))
            (i32.add)))";
    EXPECT_EQ(run(functions, 7), 1007);
    EXPECT_EQ(run(functions, 8), 999);
}

TEST_F(ExceptionTest, tries_clauses_in_their_order) {
    constexpr std::string_view first = R"((func (export "f") (param i32) (result i32)
        (block $all (block $none (block $e (result i32)
            (try_table (catch $none $none) (catch_all $all) (catch $e $e) (throw $e (i32.const 3)))
            (unreachable)) (return)) (return (i32.const 1))) (i32.const 2)))";
    EXPECT_EQ(run(first), 2);
    constexpr std::string_view second = R"((func (export "f") (param i32) (result i32)
        (block $all (block $again (result i32) (block $e (result i32)
            (try_table (catch $none $all) (catch $e $e) (catch $e $again) (catch_all $all)
                (throw $e (i32.const 3)))
            (unreachable)) (return)) (return (i32.const 1))) (i32.const 2)))";
    EXPECT_EQ(run(second), 3);
    // A try_table without clauses hands on to the one around it.
    EXPECT_EQ(run(R"((func (export "f") (param i32) (result i32)
        (block $e (result i32) (try_table (catch $e $e) (try_table (throw $e (i32.const 4)))) (unreachable))))"),
              4);
}

TEST_F(ExceptionTest, leaves_a_block_that_catches_by_a_branch_or_its_end) {
    // What is thrown after the block, or by a clause's target, is not the block's.
    constexpr std::string_view functions = R"(
        (func $throw (param i32) (throw $e (local.get 0)))
        (func $inner (param i32) (result i32)
            (block $e (result i32)
                (block $out
                    (try_table (catch $e $e)
                        (br_if $out (local.get 0)))
                    (call $throw (i32.const 10)))
                (call $throw (i32.const 20))
                (i32.const 30)))
        (func (export "f") (param i32) (result i32)
            (block $e (result i32) (try_table (result i32) (catch $e $e) (call $inner (local.get 0))))))";
    EXPECT_EQ(run(functions, 0), 10);
    EXPECT_EQ(run(functions, 1), 20);
    constexpr std::string_view again = R"(
        (func $inner (result i32)
            (block $e (result i32) (try_table (catch $e $e) (throw $e (i32.const 1))) (unreachable))
            (throw $e (i32.add (i32.const 1))))
        (func (export "f") (param i32) (result i32)
            (block $e (result i32) (try_table (result i32) (catch $e $e) (call $inner)))))";
    EXPECT_EQ(run(again), 2);
}

TEST_F(ExceptionTest, has_the_labels_of_functions_and_loops_as_targets) {
    EXPECT_EQ(run_body("(try_table (catch $e 0) (call $throw (i32.const 12))) (unreachable)"), 12);
    constexpr std::string_view pair = R"(
        (func $pair (param i32) (result i32 i64)
            (try_table (catch $pair 0) (throw $pair (i32.const 5) (i64.const 6))) (unreachable))
        (func (export "f") (param i32) (result i32)
            (call $pair (i32.const 0)) (i32.wrap_i64) (i32.sub)))";
    EXPECT_EQ(run(pair), -1);
    // Each turn takes one off what it caught, until it is zero.
    constexpr std::string_view loop = R"(
        (local $turns i32)
        (local.get $n)
        (loop $again (param i32) (result i32)
            (local.set $n)
            (local.set $turns (i32.add (local.get $turns) (i32.const 1)))
            (if (i32.eqz (local.get $n)) (then (return (local.get $turns))))
            (try_table (catch $e $again) (call $throw (i32.sub (local.get $n) (i32.const 1))))
            (unreachable)))";
    EXPECT_EQ(run_body(loop, 9), 10);
}

TEST_F(ExceptionTest, finds_pinned_locals_as_they_were_at_the_throw) {
    // Every loop pins other locals; what is caught outside a loop must find those pinned there.
    constexpr std::string_view body = R"(
        (local $a i32) (local $b i32) (local $c i32) (local $d i32) (local $i i32) (local $caught i32)
        (loop $outer
            (local.set $a (i32.add (local.get $a) (i32.const 3)))
            (local.set $b (i32.xor (local.get $b) (local.get $a)))
            (block $e (result i32)
                (try_table (catch $e $e)
                    (local.set $i (i32.const 0))
                    (loop $inner
                        (local.set $c (i32.add (local.get $c) (local.get $i)))
                        (local.set $d (i32.xor (local.get $d) (local.get $c)))
                        (local.set $i (i32.add (local.get $i) (i32.const 1)))
                        (if (i32.eq (local.get $i) (local.get $a)) (then (call $throw (local.get $d))))
                        (br_if $inner (i32.lt_s (local.get $i) (i32.const 20)))))
                (i32.const 1))
            (local.set $caught (i32.add (local.get $caught)))
            (br_if $outer (i32.lt_s (local.get $a) (local.get $n))))
        (i32.add (i32.mul (i32.add (local.get $a) (local.get $b)) (i32.const 31))
            (i32.add (i32.add (local.get $c) (local.get $d)) (local.get $caught))))";
    const auto expected = [](int32_t n) {
        int32_t a = 0, b = 0, c = 0, d = 0, caught = 0;
        do {
            a += 3;
            b ^= a;
            int32_t thrown = 1;
            for (int32_t i = 0; i < 20;) {
                c += i;
                d ^= c;
                if (++i == a) {
                    thrown = d;
                    break;
                }
            }
            caught += thrown;
        } while (a < n);
        return (a + b) * 31 + c + d + caught;
    };
    for (const int32_t n : {1, 5, 10, 18, 30})
        EXPECT_EQ(run_body(body, n), expected(n)) << n;
}

TEST_F(ExceptionTest, keeps_a_local_that_an_unfinished_call_was_to_set) {
    EXPECT_EQ(
        run_body("(local $x i32) (local.set $x (i32.const 8)) (block $e (result i32) (try_table (catch $e "
                 "$e) (local.set $x (call $maybe (local.get $n)))) (i32.const 100)) (i32.add (local.get $x))",
                 -3),
        5);
    // Operands below the block wait in their homes: locals as they were before, and results of instructions.
    constexpr std::string_view below = R"(
        (local.get $n) (i32.mul (local.get $n) (i32.const 10)) (i32.const 1)
        (block $e (result i32)
            (try_table (result i32) (catch $e $e)
                (local.set $n (i32.const 77))
                (i32.const 9) (drop)
                (call $maybe (i32.const -5))))
        (i32.add) (i32.add) (i32.add) (i32.add (local.get $n)))";
    EXPECT_EQ(run_body(below, 2), 2 + 20 + 1 - 5 + 77);
    // An instruction before the block, or after its end, is not taken into one inside.
    constexpr std::string_view borders = R"(
        (local $r i32)
        (i32.add (local.get $n) (i32.const 1))
        (block $e (param i32) (result i32)
            (try_table (param i32) (result i32) (catch $e $e)
                (local.set $r)
                (if (result i32) (i32.eqz (local.get $r)) (then (throw $e (i32.const -1)))
                    (else (i32.lt_s (local.get $r) (i32.const 5)))))
            (local.set $r) (local.get $r))
        (i32.add (i32.mul (local.get $r) (i32.const 10))))";
    EXPECT_EQ(run_body(borders, -1), -1);
    EXPECT_EQ(run_body(borders, 3), 11);
    EXPECT_EQ(run_body(borders, 7), 0);
}

TEST_F(ExceptionTest, carries_values_of_every_type) {
    const Instance instance = instantiate(R"((module
        (tag $all (param i32 v128 i64 f32 v128 f64 externref funcref))
        (elem declare func $throw)
        (func $throw (param v128 v128 externref) (throw $all (i32.const 1) (local.get 0) (i64.const 2)
            (f32.const 3) (local.get 1) (f64.const 4) (local.get 2) (ref.func $throw)))
        (func (export "f") (param v128 v128 externref)
            (result i32 v128 i64 f32 v128 f64 externref funcref exnref)
            (try_table (catch_ref $all 0) (call $throw (local.get 0) (local.get 1) (local.get 2)))
            (unreachable))))");
    V128 a;
    V128 b;
    for (uint8_t i = 0; i < 16; ++i) {
        a.bytes[i] = i;
        b.bytes[i] = static_cast<uint8_t>(0xff - i);
    }
    std::array<Value, 9> results;
    const auto f = instance.func("f");
    ASSERT_TRUE(f);
    const auto called = f->call(std::array<Value, 3>{a, b, ExternRef::host(9)}, results);
    ASSERT_TRUE(called) << called.error().message();
    EXPECT_EQ(results[0].as<int32_t>(), 1);
    EXPECT_EQ(results[1].as<V128>(), a);
    EXPECT_EQ(results[2].as<int64_t>(), 2);
    EXPECT_EQ(results[3].as<float>(), 3);
    EXPECT_EQ(results[4].as<V128>(), b);
    EXPECT_EQ(results[5].as<double>(), 4);
    EXPECT_EQ(results[6].as<ExternRef>(), ExternRef::host(9));
    EXPECT_FALSE(results[7].as<Func>().is_null());
    const auto exception = Exception::from(store, results[8]);
    ASSERT_TRUE(exception) << exception.error().message();
    EXPECT_EQ(exception->size(), 8u);
    EXPECT_EQ((*exception)[4].as<V128>(), b);
    EXPECT_EQ((*exception)[5].as<double>(), 4);
}

TEST_F(ExceptionTest, restores_the_instance_that_catches) {
    const Instance inner = instantiate(R"((module
        (memory 1 1) (data (i32.const 0) "\0b")
        (tag $a (export "a") (param i32)) (tag $b (export "b") (param i32))
        (table (export "table") 2 funcref)
        (func (export "throw") (param i32)
            (if (i32.eqz (local.get 0)) (then (throw $a (i32.load8_u (i32.const 0)))))
            (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $b (i32.load8_u (i32.const 0)))))
            (call_indirect (i32.const 0)))
        (func (export "tail") (param i32)
            (return_call_indirect (param i32) (local.get 0) (i32.const 1)))))");
    ASSERT_TRUE(linker.define_instance("inner", inner));
    const Instance outer = instantiate(R"((module
        (import "inner" "a" (tag $a (param i32))) (import "inner" "b" (tag $b (param i32)))
        (import "inner" "throw" (func $throw (param i32)))
        (import "inner" "tail" (func $tail (param i32)))
        (import "inner" "table" (table 2 funcref))
        (tag $own (param i32))
        (memory 1 1) (data (i32.const 0) "\16")
        (elem (i32.const 0) $back $throw_own)
        (func $throw_own (param i32) (throw $own (local.get 0)))
        ;; Is called by the inner instance, and calls that again.
        (func $back
            (block $own (result i32)
                (try_table (catch $own $own) (call $throw (i32.const 0)))
                (unreachable))
            (drop))
        (func (export "f") (param i32) (result i32)
            (i32.mul (i32.load8_u (i32.const 0)) ;; 22
                (block $b (result i32) (block $a (result i32)
                    (try_table (catch $own $b) (catch $b $b) (catch $a $a)
                        (if (i32.eq (local.get 0) (i32.const 3)) (then (call $tail (i32.const 5))))
                        (call $throw (local.get 0)))
                    (unreachable))
                (i32.add (i32.load8_u (i32.const 0)))))))
        )");
    const auto f = outer.func<int32_t(int32_t)>("f");
    ASSERT_TRUE(f);
    EXPECT_EQ((*f)(0), 22 * (11 + 22));
    EXPECT_EQ((*f)(1), 22 * 11);
    EXPECT_EQ((*f)(2), 22 * (11 + 22)) << "through both instances twice";
    EXPECT_EQ((*f)(3), 22 * 5) << "by tail calls";
    // Another instance of the same module has tags of its own.
    linker.allow_shadowing(true);
    const Instance other = instantiate(R"((module (tag $a (export "a") (param i32))))");
    ASSERT_TRUE(linker.define("inner", "a", *other.find_export("a")));
    EXPECT_EQ(trap_of(instantiate(R"((module
        (import "inner" "a" (tag $a (param i32))) (import "inner" "throw" (func $throw (param i32)))
        (func (export "f")
            (block $a (result i32)
                (try_table (catch $a $a) (call $throw (i32.const 0))) (unreachable)) (drop))))"),
                      "f"),
              "uncaught exception");
}

TEST_F(ExceptionTest, is_no_trap_and_no_trap_is_one) {
    const Instance instance = instantiate(R"((module (tag $e) (memory 1)
        (func $forever (call $forever))
        (func (export "unreachable") (block (try_table (catch_all 0) (unreachable))))
        (func (export "memory") (block (try_table (catch_all 0) (drop (i32.load (i32.const 70000))))))
        (func (export "stack") (block (try_table (catch_all 0) (call $forever))))
        (func (export "null") (block (try_table (catch_all 0) (throw_ref (ref.null exn)))))
        (func (export "legacy") (try (do (call $forever)) (catch_all)))
        (func (export "uncaught") (throw $e))))");
    EXPECT_EQ(trap_of(instance, "unreachable"), "unreachable");
    EXPECT_EQ(trap_of(instance, "memory"), "out of bounds memory access: 4 bytes at 70000, memory has 65536");
    EXPECT_EQ(trap_of(instance, "stack"), "call stack exhausted");
    EXPECT_EQ(trap_of(instance, "null"), "null exception reference");
    EXPECT_EQ(trap_of(instance, "legacy"), "call stack exhausted");
    EXPECT_EQ(trap_of(instance, "uncaught"), "uncaught exception");
}

TEST_F(ExceptionTest, uncaught_tells_what_was_thrown_and_where) {
    const Instance instance = instantiate(R"((module $m (tag $other) (tag $e (export "e") (param i32 f64))
        (func $deep (param i32) (block (try_table (catch $other 0)
            (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1)))))
            (throw $e (i32.const 4) (f64.const 2.5)))))
        (func (export "f") (call $deep (i32.const 2)))))");
    const auto called = instance.func("f")->call();
    ASSERT_FALSE(called);
    const Trap& trap = called.error();
    EXPECT_EQ(trap.code(), TrapCode::uncaught_exception);
    ASSERT_EQ(trap.backtrace().size(), 4u);
    EXPECT_EQ(trap.backtrace()[0].func_name(), "deep");
    EXPECT_EQ(trap.backtrace()[3].func_name(), "f");
    const auto exception = trap.exception();
    ASSERT_TRUE(exception);
    EXPECT_EQ(exception->tag(), *instance.tag("e"));
    ASSERT_EQ(exception->size(), 2u);
    EXPECT_EQ((*exception)[0].as<int32_t>(), 4);
    EXPECT_EQ((*exception)[1].as<double>(), 2.5);
    EXPECT_EQ(trap_of(instance, "f"), "uncaught exception") << "the store remains usable";
    EXPECT_FALSE(Trap{TrapCode::uncaught_exception}.exception());
}

TEST_F(ExceptionTest, of_a_start_function_fails_the_instantiation) {
    const auto instance = linker.instantiate(
        store, load("(module (tag $e (param i32)) (func $start (throw $e (i32.const 6))) (start $start))"));
    ASSERT_FALSE(instance);
    ASSERT_NE(instance.error().trap(), nullptr);
    const auto exception = instance.error().trap()->exception();
    ASSERT_TRUE(exception);
    EXPECT_EQ((*exception)[0].as<int32_t>(), 6);
}

TEST_F(ExceptionTest, thrown_by_reference_is_the_same) {
    EXPECT_EQ(run(R"(
        (func $rethrow (param exnref) (throw_ref (local.get 0)))
        (func (export "f") (param i32) (result i32) (local $x exnref)
            (block $second (result i32)
                (try_table (catch $e $second)
                    (block $first (result exnref)
                        (try_table (catch_all_ref $first) (throw $e (i32.const 41)))
                        (unreachable))
                    (local.set $x)
                    (call $rethrow (local.get $x)))
                (unreachable))
            (block $third (result i32 exnref)
                (try_table (catch_ref $e $third) (throw_ref (local.get $x)))
                (unreachable))
            (drop) (i32.add)))"),
              82);
}

TEST_F(ExceptionTest, is_not_caught_by_a_frame_that_a_tail_call_left) {
    constexpr std::string_view functions = R"(
        (func $throw (param i32) (result i32) (throw $e (local.get 0)))
        (type $t (func (param i32) (result i32)))
        (table funcref (elem $throw))
        (func $gone (param i32) (result i32)
            (block $e (result i32) (try_table (catch $e $e) (return_call $throw (local.get 0))) (unreachable))
            (i32.add (i32.const 1000)))
        (func $indirect (param i32) (result i32)
            (block $e (result i32) (try_table (catch $e $e)
                (return_call_indirect (type $t) (local.get 0) (i32.const 0))) (unreachable))
            (i32.add (i32.const 1000)))
        (func (export "f") (param i32) (result i32)
            (i32.add
                (block $e (result i32) (try_table (result i32) (catch $e $e) (call $gone (local.get 0))))
                (block $e (result i32) (try_table (result i32) (catch $e $e) (call $indirect (local.get 0)))))))";
    EXPECT_EQ(run(functions, 4), 8);
}

TEST_F(ExceptionTest, executes_nothing_after_a_throw) {
    EXPECT_EQ(
        run_body("(block $e (result i32) (try_table (result i32) (catch $e $e) (throw $e (i32.const 1)) "
                 "(block (try_table (catch_all 0) (loop (br 0)))) (try (do) (catch $none (rethrow 0)) "
                 "(catch_all)) "
                 "(try (do (throw $none)) (delegate 0)) (i32.add)))"),
        1);
}

// ---- Legacy ----

TEST_F(ExceptionTest, legacy_catches_and_rethrows_in_nests) {
    constexpr std::string_view body = R"(
        (i32.const 7)
        (try (result i32)
            (do (call $maybe (local.get $n)))
            (catch $none (i32.const 1))
            (catch $e
                (try (result i32)
                    (do (try (result i32)
                            (do (throw $pair (i32.const 40) (i64.const 2)))
                            (catch $pair
                                (i32.wrap_i64) (i32.add)
                                (if (i32.eq (local.get $n) (i32.const -2)) (then (rethrow 3)))
                                (if (i32.eq (local.get $n) (i32.const -3)) (then (rethrow 1))))
                            (catch_all (unreachable))))
                    (catch $e (i32.const 100) (i32.add))
                    (catch_all (i32.const 300)))
                (i32.add))
            (catch_all (i32.const 2)))
        (i32.add))";
    EXPECT_EQ(run_body(body, 5), 17);
    EXPECT_EQ(run_body(body, -1), 7 - 1 + 42);
    EXPECT_EQ(run_body(body, -3), 7 - 3 + 300);
    EXPECT_EQ(run_body(body, -2), 7 - 2 - 2 + 100) << "rethrown into a block inside of the catch";
}

TEST_F(ExceptionTest, legacy_delegates_past_the_blocks_between) {
    constexpr std::string_view body = R"(
        (try $outer (result i32)
            (do (try $middle (result i32)
                (do (try $inner (result i32)
                    (do (if (result i32) (local.get $n)
                        (then (try (result i32) (do (call $maybe (i32.const -1))) (delegate $outer)))
                        (else (try (result i32) (do (call $maybe (i32.const -2))) (delegate $inner)))))
                    (catch_all (i32.const 1))))
                (catch_all (i32.const 2))))
            (catch $e))";
    EXPECT_EQ(run_body(std::string{body} + ")", 1), -1);
    EXPECT_EQ(run_body(std::string{body} + ")", 0), 1);
    EXPECT_EQ(run(R"(
        (func $caller (result i32)
            (try (do (try (do (throw $e (i32.const 6))) (delegate 1))) (catch_all (return (i32.const 1))))
            (i32.const 2))
        (func (export "f") (param i32) (result i32) (try (result i32) (do (call $caller)) (catch $e))))"),
              6);
}

TEST_F(ExceptionTest, legacy_and_standard_forms_catch_each_others) {
    EXPECT_EQ(run_body(R"((block $e (result i32) (try_table (result i32) (catch $e $e)
        (try (result i32) (do (call $maybe (local.get $n))) (catch $e (drop) (rethrow 0))))))",
                       -8),
              -8);
    EXPECT_EQ(run_body(R"((try (result i32) (do (block $r (result exnref) (try_table (catch_all_ref $r)
        (call $throw (local.get $n))) (unreachable)) (throw_ref)) (catch $e)))",
                       9),
              9);
}

TEST_F(ExceptionTest, legacy_works_with_64_bit_memories) {
    EXPECT_EQ(run(R"((memory i64 1)
        (func $g (param i64) (i32.store (local.get 0) (i32.const 5)) (throw $pair (i32.const 3) (local.get 0)))
        (func (export "f") (param i32) (result i32)
            (try (result i32) (do (call $g (i64.const 64)) (i32.const 0))
                (catch $pair (i32.load) (i32.add)))))"),
              8);
}

// ---- Depth and number ----

TEST(ExceptionDepth, unwinds_a_hundred_thousand_frames_in_linear_time) {
    Engine engine{{.features = FeatureSet::all(), .stack_size = size_t{1} << 26}};
    Store store{engine};
    Linker linker{engine};
    const Vec<uint8_t> bytes = assemble(R"((module (tag $e (param i32)) (tag $other)
        (func $deep (param i32)
            (block (try_table (catch $other 0)
                (if (i32.eqz (local.get 0)) (then (throw $e (i32.const 9))))
                (call $deep (i32.sub (local.get 0) (i32.const 1))))))
        (func $again (param i32)
            (try (do (if (i32.eqz (local.get 0)) (then (throw $e (i32.const 9))))
                    (call $again (i32.sub (local.get 0) (i32.const 1))))
                (catch $e (drop) (rethrow 0))))
        (func (export "deep") (param i32) (result i32)
            (block $e (result i32) (try_table (catch $e $e) (call $deep (local.get 0))) (unreachable)))
        (func (export "again") (param i32) (result i32)
            (block $e (result i32) (try_table (catch $e $e) (call $again (local.get 0))) (unreachable)))))");
    const auto module = engine.load(bytes);
    ASSERT_TRUE(module) << module.error().message();
    const auto instance = linker.instantiate(store, *module);
    ASSERT_TRUE(instance) << instance.error().message();
    for (const std::string_view name : {"deep", "again"}) {
        const auto deep = instance->func<int32_t(int32_t)>(name);
        ASSERT_TRUE(deep);
        const auto time = [&](int32_t depth) {
            // Processor time: what else the machine does is not measured.
            const std::clock_t begin = std::clock();
            EXPECT_EQ((*deep)(depth), 9) << name;
            return std::clock() - begin;
        };
        (void)time(100'000); // pages of the stack
        // Quadratic time would be a hundred times as long as ten throws from a tenth of the depth.
        std::clock_t few = 0;
        for (int i = 0; i < 10; ++i)
            few += time(10'000);
        EXPECT_LT(time(100'000), 10 * few + CLOCKS_PER_SEC / 10) << name;
    }
}

TEST(ExceptionDepth, finds_its_way_through_many_functions_and_blocks) {
    // Function i throws to function i + 1, which adds one in a clause of its own among many.
    std::string module = "(module (tag $e (param i32)) (tag $x)"
                         "(func $f0 (param i32) (throw $e (local.get 0)))";
    constexpr int count = 300;
    for (int i = 1; i <= count; ++i) {
        const std::string callee = "$f" + std::to_string(i - 1);
        module += "(func $f" + std::to_string(i) + " (param i32) (block $e (result i32) (block $x";
        for (int k = 0; k < i % 7; ++k)
            module += "(try_table (catch $x $x))";
        module +=
            "(try_table (catch $x $x) (try_table (catch $e $e) (nop) (call " + callee + " (local.get 0))))";
        for (int k = 0; k < i % 5; ++k)
            module += "(try_table (catch $x $x) (nop))";
        module += ") (unreachable)) (throw $e (i32.add (i32.const 1))))";
    }
    module += "(func (export \"f\") (param i32) (result i32) (try_table (catch $e 0) (call $f" +
              std::to_string(count) + " (local.get 0))) (unreachable)))";
    Engine engine;
    Store store{engine};
    const auto loaded = engine.load(assemble(module));
    ASSERT_TRUE(loaded) << loaded.error().message();
    const auto instance = Instance::create(store, *loaded);
    ASSERT_TRUE(instance);
    const auto f = instance->func<int32_t(int32_t)>("f");
    ASSERT_TRUE(f);
    EXPECT_EQ((*f)(5), 5 + count);
}

// ---- Limits ----

TEST(ExceptionLimits, fuel_that_runs_out_is_a_trap) {
    Engine engine{{.features = FeatureSet::all(), .fuel = true}};
    Store store{engine};
    const auto module = engine.load(assemble("(module (tag $e) (func (export \"f\") (loop $l (block "
                                             "(try_table (catch_all 0) (throw $e))) (br $l))))"));
    ASSERT_TRUE(module);
    const auto instance = Instance::create(store, *module);
    ASSERT_TRUE(instance);
    store.set_fuel(1000);
    const auto called = instance->func("f")->call();
    ASSERT_FALSE(called);
    EXPECT_EQ(called.error().code(), TrapCode::out_of_fuel);
}

TEST(ExceptionLimits, without_memory_a_throw_is_a_trap_or_an_exception_but_no_crash) {
    const Vec<uint8_t> bytes = assemble(R"((module (tag $e (param i64 i64))
        (func $throw (throw $e (i64.const 1) (i64.const 2)))
        (func (export "caught") (result i32)
            (block (result i64 i64 exnref) (try_table (catch_ref $e 0) (call $throw)) (unreachable))
            (drop) (i64.sub) (i32.wrap_i64))
        (func (export "uncaught") (call $throw))))");
    const auto use = [&](CountingAllocator& allocator, bool& whole) {
        whole = false;
        Engine engine{{.features = FeatureSet::all(), .allocator = &allocator}};
        Store store{engine};
        const auto module = engine.load(bytes);
        if (!module)
            return;
        const auto instance = Instance::create(store, *module);
        if (!instance)
            return;
        const auto caught = (*instance->func<int32_t()>("caught"))();
        if (caught) {
            EXPECT_EQ(*caught, -1);
        } else
            EXPECT_EQ(caught.error().code(), TrapCode::out_of_memory);
        const auto uncaught = instance->func("uncaught")->call();
        ASSERT_FALSE(uncaught);
        const auto exception = uncaught.error().exception();
        if (exception) {
            EXPECT_EQ((*exception)[1].as<int64_t>(), 2);
        }
        whole = caught && exception && uncaught.error().backtrace().size() == 2;
    };
    CountingAllocator counting;
    bool whole = false;
    use(counting, whole);
    ASSERT_TRUE(whole);
    EXPECT_EQ(counting.live(), 0u);
    for (size_t n = 0; n < counting.calls(); ++n) {
        CountingAllocator failing;
        failing.allow(n);
        use(failing, whole);
        EXPECT_EQ(failing.live(), 0u) << "leaked when allocation " << n << " failed";
    }
}

} // namespace
} // namespace warpbeam
