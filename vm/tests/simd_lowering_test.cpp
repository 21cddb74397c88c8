#include "fixture.hpp"

/// Vectors take two slots and share the accumulator of the floating-point types: what the lowering must not
/// get wrong about that.

namespace warpbeam {
namespace {

class SimdLoweringTest : public VmTest {
protected:
    /// The sum of the lanes of the v128 that the body leaves, as i32x4. Locals $v and $w are all lanes n and
    /// n + 1.
    int32_t run(std::string_view body, int32_t argument = 0) {
        const std::string module =
            "(module (memory 1) (memory $m 1) (memory $l i64 1) (global $g (mut v128) (v128.const i32x4 1 2 "
            "3 4))"
            "(func $swap (param v128 v128) (result v128 v128) (local.get 1) (local.get 0))"
            "(func $double (param v128) (result v128) (i32x4.add (local.get 0) (local.get 0)))"
            "(func $sum (param v128) (result i32) (i32.add"
            "  (i32.add (i32x4.extract_lane 0 (local.get 0)) (i32x4.extract_lane 1 (local.get 0)))"
            "  (i32.add (i32x4.extract_lane 2 (local.get 0)) (i32x4.extract_lane 3 (local.get 0)))))"
            "(func $body (param $n i32) (result v128) (local $v v128) (local $w v128) (local $f f32) (local "
            "$d f64)"
            "  (local.set $v (i32x4.splat (local.get $n)))"
            "  (local.set $w (i32x4.add (local.get $v) (v128.const i32x4 1 1 1 1))) " +
            std::string{body} +
            ") (func (export \"f\") (param i32) (result i32) (call $sum (call $body (local.get 0)))))";
        return call_f(module, argument);
    }
};

TEST_F(SimdLoweringTest, stores_a_vector_whose_accumulator_is_wanted) {
    // By another vector, by a number of the same register, by a call.
    EXPECT_EQ(
        run("(i32x4.sub (i32x4.mul (local.get $v) (local.get $v)) (i32x4.add (local.get $v) (local.get $w)))",
            5),
        4 * (25 - 11));
    EXPECT_EQ(run("(i32x4.add (local.get $v) (local.get $w))"
                  "(local.set $f (f32.add (f32.const 1.5) (f32.convert_i32_s (local.get $n))))"
                  "(i32x4.add (i32x4.trunc_sat_f32x4_s (f32x4.splat (local.get $f))))",
                  5),
              4 * (11 + 6));
    EXPECT_EQ(run("(f64.sqrt (f64.const 16)) (i32x4.add (local.get $v) (local.get $w)) (local.set $v)"
                  "(local.set $d) (i32x4.add (local.get $v) (i32x4.splat (i32.trunc_f64_s (local.get $d))))",
                  5),
              4 * (11 + 4));
    EXPECT_EQ(run("(i32x4.sub (i32x4.add (local.get $v) (local.get $w)) (call $double (local.get $v)))", 7),
              4);
}

TEST_F(SimdLoweringTest, keeps_the_old_value_of_a_local_that_is_set_afterwards) {
    EXPECT_EQ(run("(local.get $v) (local.set $v (i32x4.mul (local.get $v) (local.get $w))) (i32x4.sub "
                  "(local.get $v))",
                  3),
              4 * (3 - 12));
    EXPECT_EQ(run("(local.get $v) (local.get $v) (local.set $v (v128.const i32x4 9 9 9 9)) (i32x4.add)"
                  "(i32x4.add (local.get $v))",
                  3),
              4 * 15);
    EXPECT_EQ(run("(local.get $v) (local.tee $v (call $double (local.get $v))) (i32x4.sub)", 5), -20);
    EXPECT_EQ(
        run("(local.set $v (local.get $w)) (local.set $w (v128.const i32x4 0 0 0 0)) (local.get $v)", 5), 24);
}

TEST_F(SimdLoweringTest, carries_vectors_over_labels) {
    constexpr std::string_view either = "(i32x4.add (local.get $v) (if (result v128) (local.get $n) (then "
                                        "(i32x4.add (local.get $w) (local.get $w)))"
                                        "(else (v128.const i32x4 1 2 3 4))))";
    EXPECT_EQ(run(either, 2), 4 * 8);
    EXPECT_EQ(run(either, 0), 10);
    // From a greater height, and with a constant.
    constexpr std::string_view higher = "(block (result v128) (i32.const 7) (local.get $w) (br_if 0 "
                                        "(i32x4.mul (local.get $v) (local.get $w)) (local.get $n))"
                                        "(i32x4.add) (local.set $w) (drop) (br_if 0 (v128.const i32x4 5 6 7 "
                                        "8) (i32.eqz (local.get $n))) (drop) (local.get $w))";
    EXPECT_EQ(run(higher, 3), 48);
    EXPECT_EQ(run(higher, 0), 26);
    constexpr std::string_view loop =
        "(local.get $v) (loop (param v128) (result v128) (i32x4.add (local.get $w))"
        "(local.tee $n (i32.sub (local.get $n) (i32.const 1))) (br_if 0))";
    EXPECT_EQ(run(loop, 3), 4 * (3 + 3 * 4));
    constexpr std::string_view table = "(block $b (result v128) (block $a (result v128) (br_table $a $b "
                                       "(i32x4.neg (local.get $w)) (local.get $n)))"
                                       "(i32x4.add (v128.const i32x4 100 0 0 0)))";
    EXPECT_EQ(run(table, 0), 96);
    EXPECT_EQ(run(table, 1), -8);
}

TEST_F(SimdLoweringTest, passes_vectors_to_calls_and_back) {
    EXPECT_EQ(run("(call $swap (local.get $v) (i32x4.mul (local.get $w) (local.get $w))) (i32x4.sub)", 2),
              4 * (9 - 2));
    EXPECT_EQ(run("(i32x4.sub (call $swap (call $double (local.get $v)) (v128.const i32x4 1 1 1 1)))", 2),
              -12);
    EXPECT_EQ(run("(return (i32x4.add (local.get $v) (call $double (local.get $w))))", 2), 32);
    EXPECT_EQ(run("(return_call $double (i32x4.add (local.get $v) (local.get $w)))", 2), 40);
}

TEST_F(SimdLoweringTest, returns_a_vector_in_one_of_two_ways) {
    // The vector is a local, a constant or in the accumulator, and is used if the branch is not taken, too.
    for (const auto& [n, taken] : {std::pair{1, true}, std::pair{2, false}}) {
        const int32_t sum = taken ? 1 : 2;
        EXPECT_EQ(run("(br_if 0 (local.get $v) (i32.eq (local.get $n) (i32.const 1))) (i32x4.add "
                      "(v128.const i32x4 1 0 0 0))",
                      n),
                  4 * n + sum - 1);
        EXPECT_EQ(run("(br_if 0 (v128.const i32x4 1 2 3 4) (i32.eq (local.get $n) (i32.const 1))) "
                      "(i32x4.add (local.get $w))",
                      n),
                  taken ? 10 : 22);
        EXPECT_EQ(run("(br_if 0 (i32x4.mul (local.get $w) (local.get $w)) (i32.eq (local.get $n) (i32.const "
                      "1))) (call $double)",
                      n),
                  taken ? 16 : 72);
    }
}

TEST_F(SimdLoweringTest, selects_vectors) {
    constexpr std::string_view body = "(select (i32x4.add (local.get $v) (local.get $w)) (v128.const i32x4 1 "
                                      "2 3 4) (i32.lt_s (local.get $n) (i32.const 0)))";
    EXPECT_EQ(run(body, -3), -20);
    EXPECT_EQ(run(body, 3), 10);
    EXPECT_EQ(run("(select (result v128) (local.get $v) (local.get $w) (local.get $n))", 3), 12);
}

TEST_F(SimdLoweringTest, reads_every_operand_from_where_it_is) {
    // The accumulator has the vector, a local that it happens to hold, the number, or nothing.
    EXPECT_EQ(run("(i32x4.mul (local.tee $v (i32x4.add (local.get $v) (local.get $w))) (local.get $v))", 2),
              4 * 25);
    EXPECT_EQ(run("(v128.bitselect (local.tee $v (i32x4.add (local.get $v) (local.get $w))) (local.get $w) "
                  "(local.get $v))",
                  2),
              4 * ((5 & 5) | (3 & ~5)));
    EXPECT_EQ(
        run("(v128.bitselect (local.get $v) (local.get $w) (i32x4.add (local.get $v) (local.get $w)))", 2),
        4 * ((2 & 5) | (3 & ~5)));
    EXPECT_EQ(run("(v128.bitselect (v128.const i32x4 1 2 3 4) (i32x4.neg (local.get $w)) (v128.const i32x4 "
                  "-1 -1 0 0))",
                  2),
              3 - 6);
    EXPECT_EQ(
        run("(i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.tee $v (i32x4.add (local.get $v) "
            "(local.get $w))) (local.get $v))",
            2),
        20);
    EXPECT_EQ(
        run("(i32x4.shl (i32x4.add (local.get $v) (local.get $w)) (i32.mul (local.get $n) (i32.const 2)))",
            2),
        4 * 80);
    EXPECT_EQ(run("(i32x4.shl (local.get $v) (i32.const 33))", 2), 16);
    EXPECT_EQ(run("(i32x4.replace_lane 2 (i32x4.add (local.get $v) (local.get $w)) (i32.const 1))", 2), 16);
    EXPECT_EQ(
        run("(i32x4.replace_lane 3 (v128.const i32x4 1 2 3 4) (i32.add (local.get $n) (local.get $n)))", 2),
        10);
    EXPECT_EQ(run("(i32x4.trunc_sat_f32x4_s (f32x4.replace_lane 1 (f32x4.convert_i32x4_s (local.get $v)) "
                  "(f32.const 9.5)))",
                  2),
              15);
    EXPECT_EQ(run("(i32x4.trunc_sat_f64x2_s_zero (f64x2.replace_lane 1 (f64x2.promote_low_f32x4 "
                  "(f32x4.convert_i32x4_s "
                  "(local.get $v))) (f64.add (f64.const 0.5) (f64.convert_i32_s (local.get $n)))))",
                  2),
              4);
    EXPECT_EQ(run("(global.set $g (i32x4.add (global.get $g) (local.get $v))) (i32x4.add (global.get $g) "
                  "(global.get $g))",
                  2),
              36);
    EXPECT_EQ(run("(global.set $g (v128.const i32x4 5 6 7 8)) (global.get $g)"), 26);
    EXPECT_EQ(run("(v128.andnot (v128.const i32x4 15 15 15 15) (local.get $v))", 3), 48);
}

TEST_F(SimdLoweringTest, accesses_every_memory) {
    for (const std::string memory : {"", "$m", "$l"}) {
        const std::string address = memory == "$l" ? "(i64.const 16)" : "(i32.const 16)";
        const std::string at = memory + " offset=4 " + address;
        EXPECT_EQ(run("(v128.store " + at +
                          " (v128.const i32x4 1 2 3 4)) (i32x4.add (local.get $v) (v128.load " + at + "))",
                      2),
                  18);
        EXPECT_EQ(run("(v128.store " + at +
                          " (i32x4.add (local.get $v) (local.get $w))) (v128.load32_splat " + at + ")",
                      2),
                  20);
        EXPECT_EQ(run("(v128.store32_lane " + memory + " offset=4 3 " + address +
                          " (v128.const i32x4 1 2 3 4)) (v128.load32_lane " + memory + " offset=4 0 " +
                          address + " (i32x4.add (local.get $v) (local.get $w)))",
                      2),
                  19);
        EXPECT_EQ(run("(v128.store8_lane " + memory + " offset=4 15 " + address +
                      " (v128.const i8x16 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 200))"
                      "(v128.load8_lane " +
                      memory + " offset=4 4 " + address + " (v128.const i32x4 1 2 3 4))"),
                  208);
    }
    // Addresses that are added up, or in the accumulator.
    EXPECT_EQ(run("(v128.store offset=3 (i32.add (local.get $n) (local.get $n)) (local.get $w))"
                  "(v128.load (i32.add (i32.mul (local.get $n) (i32.const 2)) (i32.const 3)))",
                  8),
              36);
    EXPECT_EQ(run("(v128.store (i32.shl (local.get $n) (i32.const 4)) (local.get $w))"
                  "(v128.load (i32.add (i32.const 0) (i32.shl (local.get $n) (i32.const 4))))",
                  8),
              36);
}

TEST_F(SimdLoweringTest, traps_at_the_end_of_memory) {
    const Instance instance = instantiate(R"((module
        (memory 1) (memory $b 1)
        (func (export "load") (drop (v128.load (i32.const 65521))))
        (func (export "fits") (drop (v128.load (i32.const 65520))))
        (func (export "store") (v128.store offset=8 (i32.const 65520) (v128.const i64x2 1 2)))
        (func (export "splat") (drop (v128.load16_splat (i32.const 65535))))
        (func (export "extend") (drop (v128.load8x8_s offset=4294967295 (i32.const -1))))
        (func (export "zero") (drop (v128.load64_zero $b (i32.const 65529))))
        (func (export "load_lane") (drop (v128.load32_lane 1 (i32.const 65533) (v128.const i64x2 1 2))))
        (func (export "store_lane") (v128.store64_lane offset=1 1 (i32.const 65528) (v128.const i64x2 1 2)))))");
    const std::string words = "out of bounds memory access: ";
    EXPECT_EQ(trap_of(instance, "load"), words + "16 bytes at 65521, memory has 65536");
    EXPECT_EQ(trap_of(instance, "fits"), "");
    EXPECT_EQ(trap_of(instance, "store"), words + "16 bytes at 65528, memory has 65536");
    EXPECT_EQ(trap_of(instance, "splat"), words + "2 bytes at 65535, memory has 65536");
    EXPECT_EQ(trap_of(instance, "extend"), words + "8 bytes at 8589934590, memory has 65536");
    EXPECT_EQ(trap_of(instance, "zero"), words + "8 bytes at 65529, memory has 65536");
    EXPECT_EQ(trap_of(instance, "load_lane"), words + "4 bytes at 65533, memory has 65536");
    EXPECT_EQ(trap_of(instance, "store_lane"), words + "8 bytes at 65529, memory has 65536");
}

TEST_F(SimdLoweringTest, takes_the_deterministic_choice_of_relaxed_operators) {
    // Rounded twice; lanes chosen bit by bit; saturated; as swizzle.
    EXPECT_EQ(
        run("(f32x4.relaxed_madd (v128.const f32x4 0x1.000004p0 0 0 0) (v128.const f32x4 0x1.0002p0 0 0 0)"
            "(v128.const f32x4 -0x1.000204p0 0 0 0))"),
        0);
    EXPECT_EQ(run("(i32x4.relaxed_laneselect (v128.const i32x4 0x12 0 0 0) (v128.const i32x4 0x34 0 0 0)"
                  "(v128.const i32x4 0x0f 0 0 0))"),
              0x32);
    EXPECT_EQ(run("(i32x4.relaxed_trunc_f32x4_s (v128.const f32x4 nan 0 0 1e20))"), INT32_MAX);
    EXPECT_EQ(run("(i8x16.relaxed_swizzle (v128.const i8x16 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7)"
                  "(v128.const i8x16 16 17 0x7f 0x80 255 16 16 16 16 16 16 16 16 16 16 16))"),
              0);
}

} // namespace
} // namespace warpbeam
