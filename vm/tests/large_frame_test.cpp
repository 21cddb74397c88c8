#include "fixture.hpp"
#include "repeat.hpp"

#include <functional>
#include <vector>

/// Functions whose frames have more slots than instructions can name: many locals, high operand stacks. What
/// they do is compared with the same code in a small frame.

namespace warpbeam {
namespace {

Config all_features() {
    Config config;
    config.features = FeatureSet::all();
    config.stack_size = 16 << 20;
    return config;
}

class LargeFrameTest : public VmTest {
protected:
    explicit LargeFrameTest(const Config& config = all_features()) : VmTest{config} {}
};

// ---- All locals of a type ----

/// How locals of a type are made of an i32, and become an i64 again.
struct LocalType {
    std::string_view name;
    std::function<std::string(uint32_t)> make;
    std::string_view before; ///< around the local
    std::string_view after;
};
std::string constant(std::string_view instr, uint32_t i) {
    return "(" + std::string{instr} + " " + std::to_string(i) + ")";
}
const LocalType local_types[] = {
    {"i32", [](uint32_t i) { return constant("i32.const", i); }, "(i64.extend_i32_u", ")"},
    {"i64", [](uint32_t i) { return constant("i64.const", i); }, "(i64.add (i64.const 0)", ")"},
    {"f32", [](uint32_t i) { return constant("f32.const", i); }, "(i64.trunc_f32_u", ")"},
    {"f64", [](uint32_t i) { return constant("f64.const", i); }, "(i64.trunc_f64_u", ")"},
    {"v128", [](uint32_t i) { return "(v128.const i64x2 " + std::to_string(i) + " 0)"; },
     "(i64x2.extract_lane 0", ")"},
    {"externref",
     [](uint32_t i) { return "(extern.convert_any (ref.i31 (i32.const " + std::to_string(i) + ")))"; },
     "(i64.extend_i32_u (i31.get_u (ref.cast (ref i31) (any.convert_extern", "))))"},
};

/// A function that sets `count` locals to 1, 2, ..., calls another one in between, and adds them up with
/// weights; `types` says in turn what they are.
std::string all_locals(std::span<const LocalType* const> types, uint32_t count) {
    std::string text = "(module (func $other (param i64) (result i64) (i64.mul (local.get 0) (i64.const 31)))"
                       "(func (export \"f\") (param i32) (result i64) (local $sum i64) (local";
    const auto type = [&](uint32_t i) -> const LocalType& { return *types[i % types.size()]; };
    for (uint32_t i = 0; i < count; ++i)
        text += " " + std::string{type(i).name};
    text += ")";
    for (uint32_t i = count; i-- > 0;)
        text += "(local.set " + std::to_string(i + 2) + type(i).make(i + 1) + ")";
    for (uint32_t i = 0; i < count; ++i)
        text += "(local.set $sum (i64.add (call $other (local.get $sum)) " + std::string{type(i).before} +
                "(local.get " + std::to_string(i + 2) + ")" + std::string{type(i).after} + "))";
    return text + "(local.get $sum)))";
}
uint64_t expected_sum(uint32_t count) {
    uint64_t sum = 0;
    for (uint32_t i = 1; i <= count; ++i)
        sum = sum * 31 + i;
    return sum;
}

TEST_F(LargeFrameTest, has_all_the_locals_of_each_type_that_a_module_may_have) {
    constexpr uint32_t count = 49'998; // and a parameter and the sum
    const auto check = [&](std::span<const LocalType* const> types) {
        const auto f = instantiate(all_locals(types, count)).func<int64_t(int32_t)>("f");
        ASSERT_TRUE(f);
        const auto sum = (*f)(0);
        ASSERT_TRUE(sum) << sum.error().message();
        EXPECT_EQ(static_cast<uint64_t>(*sum), expected_sum(count));
    };
    std::vector<const LocalType*> mix;
    for (const LocalType& type : local_types) {
        SCOPED_TRACE(type.name);
        const LocalType* const one = &type;
        check({&one, 1});
        mix.push_back(&type);
    }
    check(mix);
}

TEST_F(LargeFrameTest, locals_begin_as_zero) {
    // What was on the stack before is not zero.
    const Instance instance =
        instantiate("(module (func $many (result i64 i64 i64 i64) (i64.const -1) (i64.const -1)"
                    " (i64.const -1) (i64.const -1)) (func $dirt (param i32) " +
                    repeat("(call $many)", 40'000) +
                    "(block) return)"
                    "(func $clean (result i64) (local " +
                    repeat("v128 ", 50'000) + ") (i64x2.extract_lane 1 (v128.or " +
                    "(v128.or (local.get 0) (local.get 49999))" +
                    "(v128.or (local.get 25000) (local.get 31000)))))"
                    "(func (export \"f\") (param i32) (result i32) (call $dirt (i32.const 0))"
                    " (i32.wrap_i64 (call $clean))))");
    const auto f = instance.func<int32_t(int32_t)>("f");
    const auto result = (*f)(1);
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(*result, 0);
}

// ---- The same code in frames of all kinds ----

/// What a function is given besides: LOCALS stands before its own locals, or after them, DEEP pushes operands
/// that stay below all others.
struct Shape {
    std::string_view name;
    std::string before;
    std::string after;
    std::string deep;
};
std::vector<Shape> shapes() {
    const std::string vectors = "(local " + repeat("v128 ", 30'100) + ")";
    const std::string numbers = "(local " + repeat("i64 ", 20'000) + ")";
    const std::string deep = repeat("(call $thousand)", 66);
    return {{"small", "", "", ""},
            {"far locals", vectors, "", ""},
            {"near locals", "", vectors, ""},
            {"far operands", "", "", deep},
            {"some operands far", "", "", repeat("(call $thousand)", 61) + repeat("(i32.const 5)", 3'450)},
            {"all far", vectors, "", deep + repeat("(i32.const 3)(local.get 0)", 1000)},
            {"operands at the border", numbers, numbers, repeat("(call $thousand)", 60)}};
}

std::string replace_all(std::string text, std::string_view what, std::string_view with) {
    for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
        text.replace(at, what.size(), with);
    return text;
}

class FrameShapes : public LargeFrameTest {
protected:
    using LargeFrameTest::LargeFrameTest;

    /// Compares what `f` returns for some arguments, or how it traps. `text` holds BEFORE and AFTER among the
    /// locals of functions, DEEP at the beginning of their code, and RETURN at the end.
    void compare(const std::string& text) {
        std::vector<std::string> expected;
        for (const Shape& shape : shapes()) {
            SCOPED_TRACE(shape.name);
            std::string module = "(module (type $thousand (func (result" + repeat(" i64", 1000) +
                                 "))) (func $thousand (type $thousand)" + repeat("(i64.const 7)", 1000) +
                                 ")" + text + ")";
            module = replace_all(module, "BEFORE", shape.before);
            module = replace_all(module, "AFTER", shape.after);
            module = replace_all(module, "DEEP", shape.deep);
            const auto f = instantiate(module).func<int64_t(int32_t)>("f");
            ASSERT_TRUE(f) << f.error().message();
            std::vector<std::string> results;
            for (const int32_t argument : {0, 1, 2, 3, 5, 9, 40, -1}) {
                store.set_fuel(INT64_MAX);
                const auto result = (*f)(argument);
                results.push_back(result ? std::to_string(*result) : std::string{result.error().message()});
            }
            if (expected.empty())
                expected = results;
            EXPECT_TRUE((*f)(1)) << "more than traps is compared";
            EXPECT_EQ(results, expected);
        }
    }
};
class FrameShapesWithFuel : public FrameShapes {
protected:
    static Config config() {
        Config config = all_features();
        config.fuel = config.interruption = config.collect_always = config.eager = true;
        return config;
    }
    FrameShapesWithFuel() : FrameShapes{config()} {}
};

constexpr const char* loops = R"(
    (func $add (param i32 i64) (result i64) (i64.add (i64.extend_i32_s (local.get 0)) (local.get 1)))
    (func (export "f") (param $n i32) (result i64) BEFORE
        (local $i i32) (local $sum i64) (local $x f64) (local $v v128) (local $y f32) AFTER
        DEEP
        (local.set $x (f64.const 0.5))
        (loop $more
            (local.set $sum (call $add (local.get $i) (local.get $sum)))
            (local.set $x (f64.add (f64.mul (local.get $x) (f64.const 1.5)) (f64.convert_i32_s (local.get $i))))
            (local.set $y (f32.add (local.tee $y (f32.demote_f64 (local.get $x))) (local.get $y)))
            (local.set $v (i32x4.add (local.get $v)
                (i32x4.replace_lane 1 (i32x4.splat (local.get $i)) (i32.trunc_sat_f32_s (local.get $y)))))
            (local.set $sum (i64.sub (i64.rotl (local.get $sum) (i64.const 7))
                (i64.mul (i64.extend_i32_s (local.tee $i (i32.add (local.get $i) (i32.const 1)))) (i64.const 3))))
            (br_if $more (i32.lt_s (local.get $i) (local.get $n))))
        (return (i64.xor (i64.xor (local.get $sum) (i64.reinterpret_f64 (local.get $x)))
            (i64.xor (i64x2.extract_lane 0 (local.get $v))
                (i64.rotl (i64x2.extract_lane 1 (local.get $v)) (i64.const 3)))))))";

constexpr const char* blocks = R"(
    (func (export "f") (param $n i32) (result i64) BEFORE (local $a i32) (local $b i64) AFTER
        DEEP
        (i64.const 1000)
        (block $all (result i64 i32)
            (block $two (result i64 i32 f64)
                (block $one (result i64 i32 f64)
                    (i64.const 11) (i32.const 12) (f64.const 13.5)
                    (br_table $one $two $two $one (local.get $n)))
                (local.set $a (i32.trunc_sat_f64_s))
                (i32.add (local.get $a))
                (f64.const 2.25)
                (br_if $two (i32.eq (local.get $n) (i32.const 3))))
            (i32.trunc_sat_f64_s)
            (i32.sub)
            (br_if $all (i32.gt_s (local.get $n) (i32.const 8)))
            (if (param i64 i32) (result i64 i32) (i32.and (local.get $n) (i32.const 1))
                (then (i32.mul (i32.const 7)))
                (else (local.set $a) (local.tee $b) (i64.extend_i32_s (local.get $a)) (i64.add) (i32.const 77))))
        (i64.extend_i32_s)
        (select (i32.eqz (local.get $n)))
        (i64.add)
        (loop $again (param i64) (result i64)
            (i64.add (i64.extend_i32_u (local.get $n)))
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br_if $again (i32.gt_s (local.get $n) (i32.const 0))))
        (return (i64.add (local.get $b)))))";

constexpr const char* memory = R"(
    (memory 1) (memory $other 1)
    (table $t 4 funcref) (elem $t (i32.const 0) func $double $double)
    (type $one (func (param i64) (result i64)))
    (func $double (type $one) (i64.mul (local.get 0) (i64.const 2)))
    (global $g (mut i64) (i64.const 5))
    (func (export "f") (param $n i32) (result i64) BEFORE (local $v v128) (local $r funcref) AFTER
        DEEP
        (i64.store offset=8 (i32.const 16) (i64.const 0x123456789abcdef))
        (f64.store (i32.shl (local.get $n) (i32.const 3)) (f64.const 4.75))
        (i32.store8 $other (i32.add (local.get $n) (i32.const 40)) (i32.const 99))
        (v128.store $other (i32.const 8) (v128.const i32x4 1 2 3 4))
        (local.set $v (v128.load32_lane $other 2 (i32.const 12) (v128.const i64x2 -1 -2)))
        (v128.store64_lane 1 (i32.const 100) (local.get $v))
        (local.set $v (i8x16.shuffle 0 17 2 19 4 21 6 23 8 25 10 27 12 29 14 31
            (local.get $v) (v128.load $other (i32.const 8))))
        (global.set $g (i64.add (global.get $g) (i64.load (i32.add (local.get $n) (i32.const 20)))))
        (call_indirect $t (type $one) (global.get $g) (local.get $n))
        (i64.load (i32.const 100))
        (i64.add)
        (i64.extend_i32_u (i32.load8_u $other (i32.add (local.get $n) (i32.const 40))))
        (i64.add)
        (i64.add (i64x2.extract_lane 1 (i64x2.shl (local.get $v) (local.get $n))))
        (i64.add (i64x2.extract_lane 0 (v128.bitselect (local.get $v) (v128.const i64x2 5 6)
            (v128.not (local.get $v)))))
        (i64.mul_wide_s (i64.const 3))
        (i64.add128 (i64.const 1) (i64.const 2))
        (i64.add)
        (i64.add (i64.extend_i32_u (i32.atomic.rmw.add (i32.const 200) (i32.const 9))))
        (i64.add (i64.atomic.rmw.cmpxchg $other (i32.const 208) (i64.const 0) (i64.const 4)))
        (memory.fill (i32.const 300) (i32.const 7) (i32.const 16))
        (memory.copy $other 0 (i32.const 304) (i32.const 300) (i32.const 9))
        (i64.add (i64.load $other (i32.const 305)))
        (i64.add (i64.extend_i32_u (memory.grow $other (i32.const 0))))
        (local.set $r (table.get $t (i32.const 1)))
        (table.set $t (i32.const 3) (local.get $r))
        (i64.add (i64.extend_i32_u (ref.is_null (local.get $r))))
        (return)))";

constexpr const char* exceptions = R"(
    (tag $e (param i32 i64)) (tag $v (param v128)) (tag $none)
    (func $throw (param i32)
        (if (i32.eqz (local.get 0)) (then (throw $none)))
        (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $v (v128.const i64x2 21 22))))
        (if (i32.lt_u (local.get 0) (i32.const 9)) (then (throw $e (local.get 0) (i64.const 33)))))
    (func $between (param i32) BEFORE (local $x i64) AFTER DEEP
        (block $none (try_table (catch $none $none) (call $throw (local.get 0)) (return))) (throw $e (i32.const 5) (i64.const 6)))
    (func (export "f") (param $n i32) (result i64) BEFORE (local $a i32) (local $sum i64) (local $x exnref) AFTER
        DEEP
        (local.set $sum (i64.const 100))
        (i64.const 3)
        (block $ref (result i32 i64 exnref)
            (block $vector (result v128)
                (try_table (catch_ref $e $ref) (catch $v $vector)
                    (local.set $a (i32.const 17))
                    (call $between (local.get $n))
                    (local.set $a (i32.const 18))
                    (if (i32.eq (local.get $n) (i32.const 9))
                        (then (throw $e (i32.const 4) (i64.const 44)))))
                (return (i64.extend_i32_s (local.get $a))))
            (return (i64.add (i64x2.extract_lane 1) (i64.extend_i32_s (local.get $a)))))
        (local.set $x)
        (local.set $sum (i64.add (local.get $sum)))
        (local.set $a (i32.add (local.get $a)))
        (block $again (result i32 i64)
            (try_table (catch $e $again) (throw_ref (local.get $x)))
            (unreachable))
        (i64.add (local.get $sum))
        (local.set $sum)
        (i64.extend_i32_s (i32.add (local.get $a)))
        (i64.add (i64.add (local.get $sum)))
        (return)))";

constexpr const char* legacy = R"(
    (tag $e (param i32))
    (func $throw (param i32) (if (i32.lt_u (local.get 0) (i32.const 5)) (then (throw $e (local.get 0)))))
    (func (export "f") (param $n i32) (result i64) BEFORE (local $a i32) AFTER
        DEEP
        try (result i32)
            try (result i32)
                (call $throw (local.get $n))
                (i32.const 3)
            catch $e
                (local.tee $a)
                (br_if 0 (i32.eq (local.get $n) (i32.const 1)))
                (drop)
                rethrow 0
            end
        catch $e
            (i32.add (local.get $a))
        catch_all
            (i32.const -4)
        end
        (return (i64.extend_i32_s))))";

constexpr const char* calls = R"(
    (type $results (func (result i32 i64 f32 f64 v128 i64)))
    (type $b (func (param i32 i64 v128) (result i64)))
    (type $many (func (param i32)))
    (table $t 2 funcref) (elem $t (i32.const 0) func $b $c)
    (func $results (type $results) BEFORE (local $i i32) AFTER DEEP
        (i32.const 1) (i64.const 2) (f32.const 3.5) (f64.const 4.5) (v128.const i64x2 5 6) (i64.const 7)
        (return))
    (func $vector (param v128) (result v128) BEFORE (local $i i32) AFTER DEEP
        (return (i64x2.add (local.get 0) (v128.const i64x2 1 2))))
    ;; Tail calls from large to small, small to large, large to large.
    (func $a (param i32 i64) (result i64) BEFORE (local $v v128) AFTER DEEP
        (local.set $v (i64x2.splat (local.get 1)))
        (return_call $b (local.get 0) (i64.add (local.get 1) (i64.const 1)) (local.get $v)))
    (func $b (type $b)
        (if (i32.le_s (local.get 0) (i32.const 0)) (then (return (local.get 1))))
        (return_call $c (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 2)) (local.get 2)))
    (func $c (type $b) BEFORE (local $i i32) AFTER DEEP
        (if (i32.eqz (local.get 0)) (then (return (i64.add (i64x2.extract_lane 1 (local.get 2)) (local.get 1)))))
        (local.set $i (i32.and (local.get 0) (i32.const 1)))
        (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 5)) (local.get 2)
        (if (param i32 i64 v128) (result i32 i64 v128) (i32.eq (local.get 0) (i32.const 7))
            (then (return_call_ref $b (ref.func $d))))
        (return_call_indirect $t (type $b) (local.get $i)))
    (func $d (type $b) BEFORE AFTER DEEP (return_call $c (local.get 0) (i64.const 1) (local.get 2)))
    (elem declare func $d)
    (func (export "f") (param $n i32) (result i64) BEFORE (local $a i32) (local $sum i64) AFTER
        DEEP
        (call $results)
        (local.set $sum)
        (i64x2.extract_lane 1 (call $vector))
        (local.set $sum (i64.add (local.get $sum)))
        (i64.trunc_f64_s) (local.set $sum (i64.add (local.get $sum)))
        (i64.trunc_f32_s) (local.set $sum (i64.mul (local.get $sum)))
        (local.set $sum (i64.sub (local.get $sum)))
        (local.set $a)
        (i64.add (call $a (i32.add (local.get $n) (local.get $a)) (local.get $sum)) (local.get $sum))
        (local.set $sum (call $b (local.get $n) (i64.const 9) (v128.const i64x2 8 7)))
        (return (i64.add (local.get $sum)))))";

constexpr const char* objects = R"(
    (type $pair (struct (field (mut i64)) (field (mut v128))))
    (type $node (struct (field i64) (field (ref null $node))))
    (type $array (array (mut i64)))
    (type $any (array (mut anyref)))
    (func (export "f") (param $n i32) (result i64) BEFORE
        (local $p (ref null $pair)) (local $l (ref null $node)) (local $a (ref null $array)) (local $x anyref)
        (local $i i32) (local $sum i64) AFTER
        DEEP
        (local.set $p (struct.new $pair (i64.const 3) (v128.const i64x2 4 5)))
        (local.set $a (array.new_fixed $array 3 (i64.const 1) (i64.const 2) (i64.extend_i32_s (local.get $n))))
        (loop $more
            (local.set $l (struct.new $node (i64.extend_i32_s (local.get $i)) (local.get $l)))
            (br_if $more (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20))))
        ;; References on the operand stack while others are made.
        (struct.new $node (i64.const 50) (local.get $l))
        (struct.new_default $pair)
        (struct.get $pair 1 (local.get $p))
        (array.new $array (i64.const 6) (i32.const 5))
        (drop (struct.new_default $node))
        (local.set $a)
        (i64x2.extract_lane 0)
        (local.set $sum)
        (local.set $p)
        (struct.set $pair 0 (local.get $p) (array.get $array (local.get $a) (i32.const 4)))
        (local.set $l)
        (loop $add
            (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 3)) (struct.get $node 0 (local.get $l))))
            (local.set $x (local.get $l))
            (local.set $l (struct.get $node 1 (local.get $l)))
            (br_if $add (i32.eqz (ref.is_null (local.get $l)))))
        (block $null
            (br_on_null $null (local.get $l))
            (drop))
        (block $cast (result (ref $node))
            (br_on_cast $cast anyref (ref $node) (local.get $x))
            (drop)
            (return (i64.const -1)))
        (struct.get $node 0)
        (block $not (result (ref $node))
            (br_on_non_null $not (ref.cast (ref null $node) (local.get $x)))
            (unreachable))
        (struct.get $node 0)
        (i64.add)
        (i64.add (i64.extend_i32_u (ref.test (ref $pair) (local.get $x))))
        (i64.add (struct.get $pair 0 (local.get $p)))
        (array.set $array (local.get $a) (i32.const 2) (i64.const 12))
        (array.fill $array (local.get $a) (i32.const 0) (i64.const 8) (i32.const 2))
        (i64.add (array.get $array (local.get $a) (local.get $n)))
        (return (i64.add (local.get $sum)))))";

TEST_F(FrameShapes, loops_do_the_same) { compare(loops); }
TEST_F(FrameShapes, blocks_and_branches_do_the_same) { compare(blocks); }
TEST_F(FrameShapes, accesses_do_the_same) { compare(memory); }
TEST_F(FrameShapes, exceptions_do_the_same) {
    compare(exceptions);
    compare(legacy);
}
TEST_F(FrameShapes, calls_do_the_same) { compare(calls); }
TEST_F(FrameShapes, objects_do_the_same) { compare(objects); }
TEST_F(FrameShapesWithFuel, all_do_the_same) {
    for (const char* const text : {loops, blocks, memory, exceptions, legacy, calls, objects})
        compare(text);
}

// What the caller's operands hold is not what the callee's slot holds: a function must not be taken from
// there.
TEST_F(LargeFrameTest, tail_calls_find_their_callee_above_high_operands) {
    for (const size_t operands : {65'480u, 66'000u, 140'000u})
        for (const size_t params : {0u, 2u, 3u, 12u})
            for (const char* const local : {"", "(local i64)"}) {
                const std::string high =
                    local + repeat("(global.get $other)", operands) + repeat("(i32.const #)", params);
                const Instance instance = instantiate(
                    "(module (type $t (func (param" + repeat(" i32", params) +
                    ") (result i32))) (table funcref (elem $a $b)) (table $wide i64 funcref (elem $a $b))"
                    "(global $other (mut i64) (i64.const 0x4141_4141_4140)) (global $one (mut i32) "
                    "(i32.const 1))"
                    "(global $long (mut i64) (i64.const 1))"
                    "(func $a (type $t) (i32.const -1)) (func $b (type $t) " +
                    (params == 0 ? "(i32.const 7)" : "(local.get " + std::to_string(params - 1) + ")") +
                    ")"
                    "(func (export \"indirect\") (result i32) " +
                    high +
                    "(global.get $one) (return_call_indirect (type $t)))"
                    "(func (export \"wide\") (result i32) " +
                    high +
                    "(global.get $long) (return_call_indirect $wide (type $t)))"
                    "(func (export \"ref\") (result i32) " +
                    high + "(ref.func $b) (return_call_ref $t)))");
                for (const char* const name : {"indirect", "wide", "ref"}) {
                    const auto result = (*instance.func<int32_t()>(name))();
                    ASSERT_TRUE(result) << name << " " << operands << " " << params;
                    EXPECT_EQ(*result, params == 0 ? 7 : static_cast<int32_t>(params) - 1)
                        << name << " " << operands << " " << params;
                }
            }
}

// ---- Limits ----

TEST_F(LargeFrameTest, recursion_exhausts_the_stack) {
    const Instance instance = instantiate(
        "(module (func $f (export \"f\") (param i32) (result i32) (local " + repeat("v128 ", 40'000) +
        ") (local.set 1 (v128.const i64x2 1 2)) (if (result i32) (local.get 0) (then"
        " (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0)))))");
    const auto f = instance.func<int32_t(int32_t)>("f");
    EXPECT_EQ((*f)(20).value(), 20);
    const auto exhausted = (*f)(40);
    ASSERT_FALSE(exhausted);
    EXPECT_EQ(exhausted.error().code(), TrapCode::call_stack_exhausted);
    EXPECT_EQ((*f)(20).value(), 20);
}

class LargeFrameFuelTest : public LargeFrameTest {
protected:
    static Config config() {
        Config config = all_features();
        config.fuel = true;
        return config;
    }
    LargeFrameFuelTest() : LargeFrameTest{config()} {}
};

TEST_F(LargeFrameFuelTest, locals_that_become_zero_take_fuel_by_their_bytes) {
    const Instance instance =
        instantiate("(module (func (export \"f\") (local " + repeat("v128 ", 40'000) + ")))");
    store.set_fuel(100'000);
    EXPECT_EQ(trap_of(instance, "f"), "");
    EXPECT_EQ(store.fuel(), 100'000u - 1 - 80'000 / 8);
    store.set_fuel(5'000);
    EXPECT_EQ(trap_of(instance, "f"), "out of fuel");
}

TEST_F(LargeFrameTest, higher_operand_stacks_than_the_limit_are_refused) {
    Config config = all_features();
    config.limits.frame_slots = 100'000;
    Engine limited{config};
    const auto fits = [&](size_t operands) {
        return limited
            .load(assemble("(module (func " + repeat("(i32.const 1)", operands) + repeat("drop ", operands) +
                           "))"))
            .has_value();
    };
    EXPECT_TRUE(fits(100'000));
    EXPECT_FALSE(fits(100'001));
}

TEST_F(LargeFrameTest, more_locals_than_the_engine_has_slots_are_refused_when_they_are_called) {
    Config config = all_features();
    config.limits.locals = config.limits.frame_slots = UINT32_MAX;
    const Engine unlimited{config};
    Store own{unlimited};
    // 2^30 + 1 locals of type i64, which the text format would have to list.
    constexpr uint8_t bytes[] = {0,  'a', 's', 'm', 1,    0,    0,    0,    1,    4,    1,   0x60, 0,
                                 0,  3,   2,   1,   0,    7,    5,    1,    1,    'f',  0,   0,    10,
                                 10, 1,   8,   1,   0x81, 0x80, 0x80, 0x80, 0x04, 0x7e, 0x0b};
    const auto module = unlimited.load(bytes);
    ASSERT_TRUE(module) << module.error().message();
    const auto instance = Instance::create(own, *module);
    ASSERT_TRUE(instance);
    EXPECT_EQ(trap_of(*instance, "f"), "function too large");
}

TEST_F(LargeFrameTest, a_thousand_parameters_and_results_pass) {
    const std::string types = repeat(" v128", 1000);
    std::string rotate;
    for (int i = 0; i < 1000; ++i)
        rotate += "(local.get " + std::to_string((i + 1) % 1000) + ")";
    std::string numbers;
    for (int i = 0; i < 1000; ++i)
        numbers += "(v128.const i64x2 " + std::to_string(i) + " 0)";
    std::string sum;
    for (int i = 0; i < 1000; ++i)
        sum += "(i64x2.extract_lane 0) (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 3))))";
    for (const std::string& locals : {std::string{}, "(local " + repeat("v128 ", 48'000) + ")"}) {
        const Instance instance = instantiate(
            "(module (type $t (func (param" + types + ") (result" + types + ")))(func $rotate (type $t)" +
            locals + rotate + ")(func $tail (type $t)" + locals + rotate +
            "(return_call $rotate))(func (export \"f\") (param i32) (result i64) (local $sum i64)" + numbers +
            "(call $rotate)(call $tail)" + sum + "(local.get $sum)))");
        uint64_t expected = 0;
        for (uint64_t i = 1000; i-- > 0;)
            expected = expected * 3 + (i + 3) % 1000;
        const auto result = (*instance.func<int64_t(int32_t)>("f"))(0);
        ASSERT_TRUE(result) << result.error().message();
        EXPECT_EQ(static_cast<uint64_t>(*result), expected);
    }
}

} // namespace
} // namespace warpbeam
