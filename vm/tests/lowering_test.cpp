#include "fixture.hpp"
#include "repeat.hpp"

/// What the lowering must not get wrong: values in accumulators, pinned locals, retargeted results, fused
/// instructions.

namespace warpbeam {
namespace {

class LoweringTest : public VmTest {
protected:
    int32_t run(std::string_view body, int32_t argument = 0) {
        const std::string module =
            "(module (memory 1) (data (i32.const 0) \"\\01\\02\\03\\04\\05\\06\\07\\08\")"
            "(func $twice (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))"
            "(func $pair (param i32) (result i32 i32) (local.get 0) (i32.add (local.get 0) (i32.const 1)))"
            "(func (export \"f\") (param $n i32) (result i32) " +
            std::string{body} + "))";
        return call_f(module, argument);
    }
};

TEST_F(LoweringTest, keeps_the_old_value_of_a_local_that_is_set_afterwards) {
    EXPECT_EQ(
        run("(local.get $n) (local.set $n (i32.add (local.get $n) (i32.const 1))) (i32.sub (local.get $n))",
            7),
        -1);
    EXPECT_EQ(
        run("(local.get $n) (local.get $n) (local.set $n (i32.const 100)) (i32.add) (i32.add (local.get $n))",
            7),
        114);
    EXPECT_EQ(run("(local.get $n) (local.tee $n (call $twice (local.get $n))) (i32.sub)", 5), -5);
}

TEST_F(LoweringTest, stores_an_accumulator_that_is_wanted_later) {
    EXPECT_EQ(
        run("(i32.sub (i32.mul (local.get $n) (i32.const 3)) (i32.mul (local.get $n) (i32.const 2)))", 10),
        10);
    EXPECT_EQ(run("(i32.sub (i32.load8_u (i32.const 3)) (i32.add (call $twice (local.get $n)) (i32.load8_u "
                  "(i32.const 1))))",
                  4),
              -6);
    EXPECT_EQ(run("(i32.sub (call $twice (i32.const 3)) (call $twice (local.get $n)))", 1), 4);
}

TEST_F(LoweringTest, keeps_an_accumulator_beside_what_goes_to_a_register) {
    // $i and $s have registers in the loop. The product waits while they change, and for the branches.
    const std::string_view sum =
        "(local $i i32) (local $s i32) (loop $again (i32.mul (local.get $n) (i32.const 3)) (local.set $i "
        "(i32.add (local.get $i) (i32.const 1))) (local.set $s (i32.add (local.get $s))) (br_if $again "
        "(i32.lt_s (local.get $i) (i32.const 4)))) (local.get $s)";
    EXPECT_EQ(run(sum, 5), 60);
    EXPECT_EQ(run("(local $i i32) (loop $again (i32.mul (local.get $n) (i32.const 3)) (local.tee $i (i32.add "
                  "(local.get $i) (i32.const 1))) (local.set $n (i32.sub)) (br_if $again (i32.lt_s "
                  "(local.get $i) (i32.const 3)))) (i32.sub (local.get $n) (local.get $i))",
                  2),
              (((2 * 3 - 1) * 3 - 2) * 3 - 3) - 3);
}

TEST_F(LoweringTest, branches_on_comparisons_above_other_operands) {
    const auto skip = [&](int32_t n) {
        return run("(block $out (i32.mul (local.get $n) (i32.const 3)) (br_if $out (i32.lt_s (local.get $n) "
                   "(i32.const 5))) (local.set $n)) (local.get $n)",
                   n);
    };
    EXPECT_EQ(skip(4), 4);
    EXPECT_EQ(skip(5), 15);
    const auto choose = [&](int32_t n) {
        return run(
            "(local.get $n) (i32.mul (local.get $n) (i32.const 3)) (if (i32.ge_u (i32.const 6) "
            "(local.get $n)) (then (local.set $n (i32.const 100)))) (i32.add) (i32.add (local.get $n))",
            n);
    };
    EXPECT_EQ(choose(6), 6 + 18 + 100);
    EXPECT_EQ(choose(7), 7 + 21 + 7);
    // The product is compared, and only an accumulator has it.
    EXPECT_EQ(run("(local.get $n) (if (i32.eq (i32.mul (local.get $n) (local.get $n)) (i32.const 49)) (then "
                  "(local.set $n (i32.const 1)))) (i32.sub (local.get $n))",
                  7),
              6);
    EXPECT_EQ(
        run("(local.get $n) (br_if 0 (i64.eq (i64.extend_i32_u (local.get $n)) (i64.const "
            "0x100000000))) (br_if 0 (f64.lt (f64.const 2.5) (f64.convert_i32_s (local.get $n)))) (drop) "
            "(i32.const 0)",
            3),
        3);
    // The label of the function, without results.
    const std::string_view returns =
        "(module (memory 1) (func $write (param $n i32) (br_if 0 (i32.eqz (local.get $n))) (br_if 0 "
        "(i32.gt_s (local.get $n) (i32.const 9))) (i32.store (i32.const 8) (local.get $n))) (func (export "
        "\"f\") (param i32) (result i32) (call $write (i32.const 2)) (call $write (local.get 0)) (i32.load "
        "(i32.const 8))))";
    EXPECT_EQ(call_f(returns, 0), 2);
    EXPECT_EQ(call_f(returns, 9), 9);
    EXPECT_EQ(call_f(returns, 10), 2);
}

TEST_F(LoweringTest, commutes_only_what_commutes) {
    EXPECT_EQ(run("(i32.sub (i32.const 10) (local.get $n))", 3), 7);
    EXPECT_EQ(run("(i32.sub (local.get $n) (i32.mul (local.get $n) (i32.const 2)))", 3), -3);
    EXPECT_EQ(run("(i32.shl (i32.const 1) (local.get $n))", 5), 32);
    EXPECT_EQ(run("(i32.lt_s (i32.const 3) (local.get $n))", 5), 1);
    EXPECT_EQ(run("(i32.rem_s (i32.const 17) (local.get $n))", 5), 2);
    EXPECT_EQ(run("(i32.le_u (local.get $n) (i32.mul (local.get $n) (local.get $n)))", -1), 0);
    EXPECT_EQ(run("(if (result i32) (i32.gt_s (i32.const 3) (call $twice (local.get $n))) (then (i32.const "
                  "1)) (else (i32.const 2)))",
                  1),
              1);
}

TEST_F(LoweringTest, a_table_wraps_the_index_that_a_constant_was_added_to) {
    const auto choose = [&](std::string_view index, int32_t argument) {
        return run("(block $c (block $b (block $a (br_table $a $b $c " + std::string{index} +
                       ")) (return (i32.const 10))) (return (i32.const 20))) (i32.const 30)",
                   argument);
    };
    struct Case {
        std::string_view index;
        int32_t first; ///< the argument for which the index is 0
    };
    constexpr Case cases[] = {
        {"(i32.sub (local.get $n) (i32.const 7))", 7},
        {"(i32.add (local.get $n) (i32.const 32767))", -32767},
        {"(i32.sub (local.get $n) (i32.const 32768))", 32768},
        {"(i32.sub (local.get $n) (i32.const 32769))", 32769},
        {"(i32.add (i32.mul (local.get $n) (i32.const 1)) (i32.const -3))", 3},
        {"(local.tee $n (i32.sub (local.get $n) (i32.const 5)))", 5},
        {"(i32.sub (i32.const 7) (i32.sub (i32.const 7) (local.get $n)))", 0},
    };
    for (const auto& [index, first] : cases) {
        EXPECT_EQ(choose(index, first), 10) << index;
        EXPECT_EQ(choose(index, first + 1), 20) << index;
        EXPECT_EQ(choose(index, first + 2), 30) << index;
        EXPECT_EQ(choose(index, first - 1), 30) << index;
        EXPECT_EQ(choose(index, INT32_MIN), 30) << index;
    }
    // The values for the labels are copied after the index is computed, which is in the accumulator.
    constexpr std::string_view values =
        "(local $old i32) (local.set $old (local.get $n))"
        "(block $b (result i32) (i32.add (i32.const 100) (block $a (result i32)"
        "  (br_table $a $b (local.get $old) (i32.sub (i32.mul (local.get $n) (i32.const 2)) (i32.const "
        "8))))))";
    EXPECT_EQ(run(values, 4), 104);
    EXPECT_EQ(run(values, 5), 5);
    EXPECT_EQ(run(values, 3), 3);
}

TEST_F(LoweringTest, branches_to_loops_with_a_parameter_and_without_results) {
    // Counts down: what a branch to a loop carries are the parameters, and there may be no results.
    EXPECT_EQ(run("(local $sum i32) (local.get $n) (loop (param i32) (local.set $n) (local.set $sum (i32.add "
                  "(local.get $sum) (local.get $n))) (i32.sub (local.get $n) (i32.const 1)) (br_if 0 "
                  "(i32.gt_s (local.get $n) (i32.const 1))) (drop)) (local.get $sum)",
                  4),
              10);
    EXPECT_EQ(run("(local $v v128) (i32x4.splat (local.get $n)) (loop (param v128) (local.set $v) "
                  "(i32x4.add (local.get $v) (local.get $v)) (br_if 0 (i32.lt_s (i32x4.extract_lane 0 "
                  "(local.get $v)) (i32.const 50))) (drop)) (i32x4.extract_lane 1 (local.get $v))",
                  4),
              64);
}

TEST_F(LoweringTest, branches_on_negated_comparisons) {
    constexpr std::string_view less = "(block (br_if 0 (i32.eqz (i32.lt_s (local.get $n) (i32.const 3)))) "
                                      "(return (i32.const 1))) (i32.const 2)";
    EXPECT_EQ(run(less, 2), 1);
    EXPECT_EQ(run(less, 3), 2);
    constexpr std::string_view bits = "(block (br_if 0 (i32.eqz (i32.and (local.get $n) (i32.const 4)))) "
                                      "(return (i32.const 1))) (i32.const 2)";
    EXPECT_EQ(run(bits, 4), 1);
    EXPECT_EQ(run(bits, 3), 2);
    // A NaN is neither less nor not less the other way round.
    constexpr std::string_view nan =
        "(local $x f64) (local.set $x (f64.div (f64.const 0) (f64.convert_i32_s (local.get $n))))"
        "(block (br_if 0 (i32.eqz (f64.lt (local.get $x) (f64.const 1)))) (return (i32.const 1)))"
        "(block (br_if 0 (f64.ge (local.get $x) (f64.const 1))) (return (i32.const 3))) (i32.const 2)";
    EXPECT_EQ(run(nan, 0), 3);
    EXPECT_EQ(run(nan, 1), 1);
    EXPECT_EQ(run("(i32.eqz (i32.eqz (i32.eqz (local.get $n))))", 0), 1);
}

TEST_F(LoweringTest, mistakes_no_comparison_for_one_that_stood_in_its_place) {
    // The branch on a negated comparison is shorter than what it replaces, so the next comparison begins
    // where the negation began.
    constexpr std::string_view two =
        "(block (br_if 0 (i32.eqz (i32.lt_s (i32.const 1) (local.get $n))))"
        "(br_if 0 (i32.eq (local.get $n) (i32.const 5))) (return (i32.const 1))) (i32.const 0)";
    EXPECT_EQ(run(two, 6), 1);
    EXPECT_EQ(run(two, 5), 0);
    EXPECT_EQ(run(two, 1), 0);
    constexpr std::string_view slots =
        "(local $a i32) (local $b i32) (local.set $a (i32.const 1)) (local.set $b (i32.const 2))"
        "(block (br_if 0 (i32.eqz (i32.lt_s (local.get $a) (local.get $b))))"
        "(br_if 0 (i32.eq (local.get $n) (local.get $b))) (return (i32.const 1))) (i32.const 0)";
    EXPECT_EQ(run(slots, 2), 0);
    EXPECT_EQ(run(slots, 3), 1);
    // A latch is as long as the addition of a 64-bit constant that it takes in.
    constexpr std::string_view step =
        "(local $c i64) (block (loop"
        "(br_if 1 (i64.eq (local.tee $c (i64.add (local.get $c) (i64.const 1))) (i64.const 10)))"
        "(br_if 0 (i64.lt_s (local.get $c) (i64.const 15))))) (i32.wrap_i64 (local.get $c))";
    EXPECT_EQ(run(step), 10);
}

TEST_F(LoweringTest, counts_in_latches_of_every_form) {
    constexpr std::string_view up =
        "(local $i i32) (local $s i32)"
        "(loop (local.set $s (i32.add (local.get $s) (local.get $i)))"
        "(br_if 0 (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))"
        "(i32.add (i32.mul (local.get $s) (i32.const 1000)) (local.get $i))";
    EXPECT_EQ(run(up, 10), 45010);
    EXPECT_EQ(run(up, -5), 1);
    constexpr std::string_view down =
        "(local $s i32)"
        "(loop (local.set $s (i32.add (local.get $s) (i32.const 3)))"
        "(br_if 0 (local.tee $n (i32.add (local.get $n) (i32.const -1))))) (local.get $s)";
    EXPECT_EQ(run(down, 4), 12);
    constexpr std::string_view by = "(local $i i32) (local $step i32) (local.set $step (i32.const 70000))"
                                    "(loop (local.set $i (i32.add (local.get $i) (local.get $step)))"
                                    "(br_if 0 (i32.lt_u (local.get $i) (local.get $n)))) (local.get $i)";
    EXPECT_EQ(run(by, 150000), 210000);
    // The comparison's other side is the stepped local itself, or was read before the step.
    EXPECT_EQ(run("(loop (br_if 0 (i32.ne (local.tee $n (i32.add (local.get $n) (i32.const 1))) (local.get "
                  "$n)))) (local.get $n)",
                  1),
              2);
    EXPECT_EQ(run("(local $k i32) (loop (local.set $k (i32.add (local.get $k) (i32.const 1))) (local.get $n)"
                  "(local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if 0 (i32.lt_s (i32.const 5)))) "
                  "(local.get $k)",
                  3),
              3);
    // 64 bits are stepped, 32 compared.
    EXPECT_EQ(run("(local $x i64) (local.set $x (i64.const 0xfffffffe)) (block (loop"
                  "(local.set $x (i64.add (local.get $x) (i64.const 1)))"
                  "(br_if 1 (i32.eqz (i32.wrap_i64 (local.get $x)))) (br 0)))"
                  "(i32.wrap_i64 (i64.shr_u (local.get $x) (i64.const 32)))"),
              1);
}

TEST_F(LoweringTest, changes_pinned_locals_between_nested_loops) {
    // Every loop has other favourites; branches leave from the innermost to each of the labels around it.
    constexpr std::string_view body = R"(
        (local $a i32) (local $b i32) (local $c i32) (local $d i32) (local $i i32) (local $j i32)
        (block $out
            (loop $outer
                (local.set $a (i32.add (local.get $a) (i32.const 1)))
                (local.set $b (i32.add (local.get $b) (local.get $a)))
                (local.set $i (i32.const 0))
                (block $next
                    (loop $inner
                        (local.set $c (i32.add (local.get $c) (local.get $i)))
                        (local.set $d (i32.xor (local.get $d) (local.get $c)))
                        (local.set $i (i32.add (local.get $i) (i32.const 1)))
                        (br_if $out (i32.gt_u (local.get $c) (i32.const 300)))
                        (br_if $next (i32.eq (local.get $i) (local.get $a)))
                        (br_if $outer (i32.eq (local.get $i) (i32.const 7)))
                        (br $inner)))
                (br_if $outer (i32.lt_u (local.get $a) (local.get $n)))))
        (i32.add (i32.mul (local.get $a) (i32.const 1000000))
            (i32.add (i32.mul (local.get $b) (i32.const 1000)) (i32.add (local.get $c) (local.get $d)))))";
    const auto expected = [](int32_t n) {
        int32_t a = 0, b = 0, c = 0, d = 0;
        for (bool go = true; go;) {
            ++a;
            b += a;
            for (int32_t i = 0;;) {
                c += i;
                d ^= c;
                ++i;
                if (c > 300) {
                    go = false;
                    break;
                }
                if (i == a) {
                    go = a < n;
                    break;
                }
                if (i == 7)
                    break;
            }
        }
        return a * 1000000 + b * 1000 + c + d;
    };
    for (const int32_t n : {1, 2, 3, 5, 8, 13, 40})
        EXPECT_EQ(run(body, n), expected(n)) << n;
}

TEST_F(LoweringTest, carries_operands_to_labels) {
    EXPECT_EQ(run("(i32.add (i32.const 1) (block (result i32) (drop (br_if 0 (i32.const 5) (local.get $n))) "
                  "(i32.const 9)))",
                  1),
              6);
    EXPECT_EQ(run("(i32.add (i32.const 1) (block (result i32) (drop (br_if 0 (i32.const 5) (local.get $n))) "
                  "(i32.const 9)))",
                  0),
              10);
    // From a greater height, so the operand moves.
    constexpr std::string_view higher = "(block (result i32) (i32.const 100) (i32.const 200) (br_if 0 "
                                        "(i32.mul (local.get $n) (i32.const 3)) (local.get $n))"
                                        "(i32.add) (i32.add))";
    EXPECT_EQ(run(higher, 2), 6);
    EXPECT_EQ(run(higher, 0), 300);
    constexpr std::string_view table =
        "(block $c (result i32) (block $b (result i32) (i32.const 7)"
        "(block $a (result i32) (br_table $a $b $c (i32.const 10) (local.get $n)))"
        "(i32.add) (return)) (i32.add (i32.const 1)) (return)) (i32.add (i32.const 2))";
    EXPECT_EQ(run(table, 0), 17);
    EXPECT_EQ(run(table, 1), 11);
    EXPECT_EQ(run(table, 2), 12);
    EXPECT_EQ(run(table, -1), 12);
    EXPECT_EQ(run("(i32.const 5) (loop (param i32) (result i32) (i32.const -1) (i32.add) (local.tee $n)"
                  "(br_if 0 (local.get $n)))"),
              0);
}

TEST_F(LoweringTest, returns_from_the_middle) {
    EXPECT_EQ(run("(br_if 0 (i32.const 3) (local.get $n)) (drop) (i32.const 4)", 1), 3);
    EXPECT_EQ(run("(br_if 0 (i32.const 3) (local.get $n)) (drop) (i32.const 4)", 0), 4);
    EXPECT_EQ(run("(i32.add (call $pair (local.get $n)))", 20), 41);
    EXPECT_EQ(run("(local $x i32) (local.set $x (call $twice (local.get $n))) (i32.add (local.get $x) (call "
                  "$twice (local.get $x)))",
                  3),
              18);
}

TEST_F(LoweringTest, wraps_addresses_at_32_bits) {
    EXPECT_EQ(run("(i32.load8_u offset=2 (i32.add (local.get $n) (i32.const 4)))", -4), 3);
    EXPECT_EQ(run("(i32.load8_u (i32.add (local.get $n) (i32.const -1)))", 8), 8);
    EXPECT_EQ(run("(i32.load8_u offset=1 (i32.add (local.get $n) (local.get $n)))", 3), 8);
    EXPECT_EQ(run("(i32.load16_u (i32.add (i32.const 2) (i32.shl (local.get $n) (i32.const 1))))", 1), 0x605);
    EXPECT_THROW(run("(i32.load8_u offset=4 (i32.add (local.get $n) (i32.const 0)))", -4),
                 std::runtime_error);
    EXPECT_EQ(run("(i32.store8 offset=1 (i32.add (local.get $n) (i32.const 3)) (i32.const 77)) (i32.load8_u "
                  "(i32.const 5))",
                  1),
              77);
    EXPECT_EQ(run("(i32.store (i32.add (local.get $n) (local.get $n)) (i32.add (local.get $n) (i32.const "
                  "1))) (i32.load (i32.const 8))",
                  4),
              5);
}

TEST_F(LoweringTest, selects_between_constants_and_values_in_the_accumulator) {
    EXPECT_EQ(run("(select (i32.const 11) (i32.const 22) (i32.lt_s (local.get $n) (i32.const 0)))", -1), 11);
    EXPECT_EQ(run("(select (i32.mul (local.get $n) (i32.const 2)) (i32.mul (local.get $n) (i32.const 3)) "
                  "(i32.and (local.get $n) (i32.const 1)))",
                  5),
              10);
    EXPECT_EQ(run("(select (i32.mul (local.get $n) (i32.const 2)) (i32.mul (local.get $n) (i32.const 3)) "
                  "(i32.and (local.get $n) (i32.const 1)))",
                  6),
              18);
    EXPECT_EQ(run("(i32.trunc_f64_s (select (f64.const 1.5) (f64.mul (f64.convert_i32_s (local.get $n)) "
                  "(f64.const 2)) (i32.eqz (local.get $n))))",
                  4),
              8);
}

TEST_F(LoweringTest, gives_code_after_a_jump_no_effect) {
    EXPECT_EQ(
        run("(block (br 0) (loop (block (unreachable)) (br 0)) (local.set $n (i32.const 9))) (local.get $n)",
            4),
        4);
    EXPECT_EQ(run("(if (local.get $n) (then (return (i32.const 1)) (drop (i32.add (i32.const 1)))) (else "
                  "(nop))) (i32.const 2)",
                  0),
              2);
    // A great many blocks around unreachable code.
    std::string deep;
    for (int i = 0; i < 20'000; ++i)
        deep += "block ";
    deep += "unreachable ";
    for (int i = 0; i < 20'000; ++i)
        deep += "end ";
    EXPECT_THROW(run(deep + "i32.const 1"), std::runtime_error);
}

TEST_F(LoweringTest, sets_a_local_from_a_stack_of_any_height) {
    // Also where the memory of the stack ends: AddressSanitizer sees it if something above the top is read.
    for (size_t height = 1; height < 140; ++height)
        EXPECT_EQ(run(repeat("(i32.const #)", height) + "(local.set $n (i32.popcnt (local.get $n)))" +
                          repeat("(drop)", height) + "(local.get $n)",
                      5),
                  2);
}

TEST_F(LoweringTest, the_result_of_a_call_goes_only_to_the_local_that_takes_it) {
    EXPECT_EQ(run("(local $x i32) (call $twice (local.get $n)) (drop (call $twice (i32.const 50))) "
                  "(local.set $x) (local.get $x)",
                  7),
              14);
}

TEST_F(LoweringTest, a_loop_has_its_own_registers_again_when_an_inner_one_goes_on_with_it) {
    // The locals of the outer loop have the registers around it as well, and those of the inner one only
    // there.
    std::string busy;
    for (int i = 0; i < 40; ++i)
        busy += "(local.set $a (i32.add (local.get $a) (local.get $n)))";
    const int32_t result = run("(local $a i32) (local $s i32) (local $t i32) (loop $outer " + busy + R"(
        (loop $inner
            (local.set $s (i32.add (local.get $s) (local.get $t)))
            (local.set $t (i32.add (local.get $t) (i32.const 1)))
            (br_if $inner (i32.and (local.get $t) (i32.const 3)))
            (br_if $outer (i32.lt_u (local.get $t) (i32.const 40)))))
        (i32.add (i32.mul (local.get $a) (i32.const 1000)) (local.get $s)))",
                               3);
    EXPECT_EQ(result, 10 * 40 * 3 * 1000 + 40 * 39 / 2);
}

} // namespace
} // namespace warpbeam
