#include "execution_fixture.hpp"

#include <algorithm>
#include <numeric>

/// Values that go round: parameters of loops, and the arguments of functions that call themselves at their
/// end. Each program is run at once and in the smallest slices, and its result is compared with what C++
/// computes.

namespace warpbeam {
namespace {

Config configured(bool fuel, bool interruption, bool patched, bool observed = false) {
    Config config;
    config.features = FeatureSet::all();
    config.fuel = fuel;
    config.interruption = interruption;
    config.patched_interruption = patched;
    config.deterministic = observed;
    return config;
}

class LoopValuesTest : public ::testing::Test {
protected:
    /// The result of `f` in a module with this text, the same in all configurations.
    static uint64_t run(std::string_view text, std::vector<Value> args) {
        std::optional<uint64_t> found;
        for (const Config& config : {configured(false, false, false), configured(true, true, false),
                                     configured(true, true, true), configured(false, true, false),
                                     configured(false, true, true), configured(true, true, true, true)}) {
            Engine engine{config};
            Store store{engine};
            const Vec<uint8_t> bytes = assemble(text);
            auto module = engine.load(bytes);
            EXPECT_TRUE(module) << (module ? "" : module.error().message());
            if (!module)
                return 0;
            const auto instance = Linker{engine}.instantiate(store, *module);
            EXPECT_TRUE(instance);
            auto execution = Execution::create(*instance->func("f"), args);
            EXPECT_TRUE(execution);
            ExecutionState state{};
            int stops = 0;
            do {
                if (config.interruption && ++stops % 2 != 0)
                    store.interrupt_handle().interrupt();
                const auto stopped = execution->resume({.fuel = 1});
                EXPECT_TRUE(stopped);
                if (!stopped)
                    return 0;
                state = *stopped;
            } while (state == ExecutionState::out_of_fuel || state == ExecutionState::interrupted);
            EXPECT_EQ(state, ExecutionState::done);
            Value result;
            EXPECT_TRUE(execution->results({&result, 1}));
            const uint64_t value = result.is<int32_t>()   ? static_cast<uint32_t>(result.as<int32_t>())
                                   : result.is<int64_t>() ? static_cast<uint64_t>(result.as<int64_t>())
                                                          : std::bit_cast<uint64_t>(result.as<double>());
            EXPECT_EQ(found.value_or(value), value) << stops;
            found = value;
        }
        return found.value_or(0);
    }
};

TEST_F(LoopValuesTest, a_parameter_counts) {
    const std::string text = R"((module (func (export "f") (param $n i32) (result i32)
        (local.get $n)
        (loop $l (param i32) (result i32)
          (i32.const 1) (i32.sub) (local.tee $n) (local.get $n) (br_if $l)))))";
    EXPECT_EQ(run(text, {Value{100}}), 0u);
    EXPECT_EQ(run(text, {Value{1}}), 0u);
}

/// With more than 32, none has a register.
TEST_F(LoopValuesTest, many_parameters_go_round) {
    constexpr int rounds = 70;
    for (const size_t count : {32u, 33u, 100u}) {
        std::string types, first, locals, taken, pushed, sum;
        for (size_t i = 0; i < count; ++i) {
            const std::string x = " $x" + std::to_string(i);
            types += " i64";
            first += "(i64.const " + std::to_string(i) + ")";
            locals += "(local" + x + " i64)";
            taken = "(local.set" + x + ")" + taken;
            pushed += "(local.get" +
                      (i == 0 ? " $x" + std::to_string(count - 1) : " $x" + std::to_string(i - 1)) + ")";
            if (i == 0)
                pushed += "(i64.add (i64.extend_i32_u (local.get $n)))";
            sum +=
                "(local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31)) (local.get" + x + ")))";
        }
        const std::string text =
            "(module (func (export \"f\") (param $n i32) (result i64) (local $sum i64) " + locals + first +
            "(loop $l (param" + types + ") (result" + types + ")" + taken + pushed +
            "(br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))" + taken + sum +
            "(local.get $sum)))";
        std::vector<uint64_t> values(count);
        std::iota(values.begin(), values.end(), 0);
        for (uint64_t n = rounds; n != 0; --n) {
            std::rotate(values.begin(), values.end() - 1, values.end());
            values[0] += n;
        }
        uint64_t expected = 0;
        for (const uint64_t value : values)
            expected = expected * 31 + value;
        EXPECT_EQ(run(text, {Value{rounds}}), expected) << count;
    }
}

TEST_F(LoopValuesTest, two_parameters_change_places) {
    // (a, b) -> (b, a + b)
    const std::string text =
        R"((module (func (export "f") (param $n i32) (result i64) (local $a i64) (local $b i64)
        (i64.const 0) (i64.const 1)
        (loop $l (param i64 i64) (result i64 i64)
          (local.set $b) (local.set $a)
          (local.get $b) (i64.add (local.get $a) (local.get $b))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br_if $l (local.get $n)))
        (drop))))";
    uint64_t a = 0;
    for (uint64_t b = 1, i = 0; i < 50; ++i)
        a = std::exchange(b, a + b);
    EXPECT_EQ(run(text, {Value{50}}), a);
}

TEST_F(LoopValuesTest, parameters_are_used_above_and_below_others) {
    // The value of a round is combined with one that stays on the stack below.
    const std::string text = R"((module (func (export "f") (param $n i32) (result i32) (local $i i32)
        (i32.const 1000)
        (i32.const 0)
        (loop $outer (param i32) (result i32)
          (i32.const 3)
          (local.set $i)
          (loop $inner (param i32) (result i32)
            (i32.add (i32.mul (i32.const 3)) (local.get $i))
            (local.set $i (i32.sub (local.get $i) (i32.const 1)))
            (br_if $inner (local.get $i)))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br_if $outer (local.get $n)))
        (i32.sub))))";
    uint32_t value = 0;
    for (int n = 20; n != 0; --n)
        for (uint32_t i = 3; i != 0; --i)
            value = value * 3 + i;
    EXPECT_EQ(run(text, {Value{20}}), uint32_t{1000} - value);
}

TEST_F(LoopValuesTest, every_kind_of_branch_carries_them) {
    // A table, a conditional branch away from the top of the stack, and one after which the code goes on.
    const std::string text = R"((module (func (export "f") (param $n i32) (result i32) (local $x i32)
        (i32.const 7) (local.get $n)
        (loop $l (param i32 i32) (result i32)
          (local.set $n)
          (local.set $x)
          (block $done
            (br_if $done (i32.eqz (local.get $n)))
            (block $third (block $second (block $first
              (br_table $first $second $third (i32.rem_u (local.get $n) (i32.const 3))))
              (br $l (i32.mul (local.get $x) (i32.const 5)) (i32.sub (local.get $n) (i32.const 1))))
              (i32.const 99)
              (i32.add (local.get $x) (i32.const 11)) (i32.sub (local.get $n) (i32.const 1))
              (br_if $l (i32.const 1)) (drop) (drop) (drop))
            (i32.xor (local.get $x) (i32.const 0x55)) (i32.sub (local.get $n) (i32.const 1))
            (br_table $l $l (local.get $n)))
          (local.get $x)))))";
    uint32_t x = 7;
    for (uint32_t n = 40; n != 0; --n)
        x = n % 3 == 0 ? x * 5 : n % 3 == 1 ? x + 11 : x ^ 0x55;
    EXPECT_EQ(run(text, {Value{40}}), x);
}

TEST_F(LoopValuesTest, its_place_has_another_operand_when_a_parameter_is_gone) {
    const std::string text = R"((module (func (export "f") (param $n i32) (result i32) (local $rounds i32)
        (i32.const 0)
        (loop $l (param i32) (result i32)
          (i32.add (i32.const 5))
          (local.set $rounds (i32.add (local.get $rounds) (i32.const 1)))
          (local.get $n)
          (if (i32.lt_s) (then (br $l (i32.mul (local.get $rounds) (i32.const 4)))))
          (local.get $rounds)))))";
    int rounds = 0;
    for (int value = 0;;) {
        ++rounds;
        if (value + 5 >= 100)
            break;
        value = rounds * 4;
    }
    EXPECT_EQ(run(text, {Value{100}}), static_cast<uint64_t>(rounds));
}

TEST_F(LoopValuesTest, floats_and_integers_together) {
    const std::string text = R"((module (func (export "f") (param $n i32) (result f64) (local $x f64)
        (f64.const 1) (local.get $n)
        (loop $l (param f64 i32) (result f64)
          (local.set $n) (local.set $x)
          (f64.add (f64.mul (local.get $x) (f64.const 1.5)) (f64.const 0.25))
          (i32.sub (local.get $n) (i32.const 1))
          (br_if $l (i32.gt_s (local.get $n) (i32.const 1)))
          (drop)))))";
    double x = 1;
    for (int i = 0; i < 30; ++i)
        x = x * 1.5 + 0.25;
    EXPECT_EQ(run(text, {Value{30}}), std::bit_cast<uint64_t>(x));
}

TEST_F(LoopValuesTest, calls_in_between_leave_them) {
    const std::string text = R"((module
        (func $mix (param i32 i32) (result i32) (i32.add (i32.mul (local.get 0) (i32.const 31)) (local.get 1)))
        (func (export "f") (param $n i32) (result i32)
        (i32.const 17)
        (loop $l (param i32) (result i32)
          (local.get $n) (call $mix)
          (drop (call $mix (local.get $n) (local.get $n)))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br_if $l (local.get $n))))))";
    uint32_t value = 17;
    for (uint32_t n = 25; n != 0; --n)
        value = value * 31 + n;
    EXPECT_EQ(run(text, {Value{25}}), value);
}

TEST_F(LoopValuesTest, what_is_caught_comes_to_a_parameter) {
    const std::string text = R"((module (tag $t (param i32))
        (func $thrower (param i32) (throw $t (i32.add (i32.mul (local.get 0) (i32.const 3)) (i32.const 1))))
        (func (export "f") (param $n i32) (result i32) (local $x i32)
        (i32.const 5)
        (loop $l (param i32) (result i32)
          (local.set $x)
          (try_table (catch $t $l)
            (if (local.get $n) (then
              (local.set $n (i32.sub (local.get $n) (i32.const 1)))
              (call $thrower (local.get $x)))))
          (local.get $x)))))";
    uint32_t x = 5;
    for (int i = 0; i < 12; ++i)
        x = x * 3 + 1;
    EXPECT_EQ(run(text, {Value{12}}), x);
}

TEST_F(LoopValuesTest, references_and_vectors_have_no_register) {
    const std::string text = R"((module (func (export "f") (param $n i32) (result i32)
        (ref.null extern) (i32.const 0) (v128.const i32x4 1 2 3 4)
        (loop $l (param externref i32 v128) (result i32)
          (i32x4.splat (i32.const 1)) (i32x4.add)
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br_if $l (local.get $n))
          (i32x4.extract_lane 3) (i32.add) (local.set $n) (drop) (local.get $n)))))";
    EXPECT_EQ(run(text, {Value{9}}), 13u);
}

/// `f` calls itself at its end with these arguments while $n is not 0, and then returns $a.
std::string calls_itself(std::string_view arguments) {
    return "(module (func $f (export \"f\") (param $n i32) (param $a i64) (param $b i64) (param $c i64) "
           "(result i64) "
           "(if (i32.eqz (local.get $n)) (then (return (local.get $a)))) "
           "(return_call $f (i32.sub (local.get $n) (i32.const 1)) " +
           std::string{arguments} + ")))";
}

TEST_F(LoopValuesTest, arguments_of_self_tail_calls_are_assigned_at_once) {
    const std::vector<Value> args{Value{7}, Value{int64_t{1}}, Value{int64_t{20}}, Value{int64_t{300}}};
    struct Case {
        const char* arguments;
        std::array<int64_t, 3> (*next)(int64_t, int64_t, int64_t);
    };
    const Case cases[]{
        {"(local.get $b) (local.get $c) (local.get $a)",
         [](int64_t a, int64_t b, int64_t c) { return std::array{b, c, a}; }},
        {"(local.get $c) (local.get $a) (local.get $b)",
         [](int64_t a, int64_t b, int64_t c) { return std::array{c, a, b}; }},
        {"(local.get $b) (local.get $a) (local.get $c)",
         [](int64_t a, int64_t b, int64_t c) { return std::array{b, a, c}; }},
        {"(local.get $b) (i64.add (local.get $a) (local.get $b)) (local.get $b)",
         [](int64_t a, int64_t b, int64_t) { return std::array{b, a + b, b}; }},
        {"(i64.sub (local.get $c) (local.get $a)) (i64.const 5) (i64.mul (local.get $a) (local.get $b))",
         [](int64_t a, int64_t b, int64_t c) { return std::array{c - a, int64_t{5}, a * b}; }},
        {"(local.get $a) (local.get $b) (local.get $c)",
         [](int64_t a, int64_t b, int64_t c) { return std::array{a, b, c}; }},
        {"(i64.const 3) (i64.const 4) (local.get $a)",
         [](int64_t a, int64_t, int64_t) { return std::array{int64_t{3}, int64_t{4}, a}; }},
    };
    for (const Case& one : cases) {
        std::array<int64_t, 3> values{1, 20, 300};
        for (int i = 0; i < 7; ++i)
            values = one.next(values[0], values[1], values[2]);
        EXPECT_EQ(run(calls_itself(one.arguments), args), static_cast<uint64_t>(values[0])) << one.arguments;
    }
}

TEST_F(LoopValuesTest, self_tail_calls_leave_loops_with_other_registers) {
    const std::string text = R"((module (func $f (export "f") (param $n i32) (param $s i32) (result i32)
        (local $i i32) (local $j i32)
        (if (local.get $n) (then
          (local.set $i (i32.const 3))
          (loop $l
            (local.set $j (i32.add (local.get $j) (i32.mul (local.get $i) (local.get $i))))
            (if (i32.eq (local.get $i) (i32.const 1))
              (then (return_call $f (i32.sub (local.get $n) (i32.const 1)) (i32.add (local.get $s) (local.get $j)))))
            (local.set $i (i32.sub (local.get $i) (i32.const 1)))
            (br $l))))
        (i32.add (local.get $s) (local.get $j)))
      (func $g (export "g") (param $n i32) (param $s i32) (result i32)
        (loop $l
          (if (i32.eq (local.get $n) (i32.const 50))
            (then (return_call $g (i32.sub (local.get $n) (i32.const 1)) (local.get $s))))
          (local.set $s (i32.add (local.get $s) (local.get $n)))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br_if $l (local.get $n)))
        (local.get $s))))";
    EXPECT_EQ(run(text, {Value{10}, Value{2}}), 2u + 10 * 14);
    std::string other = text;
    other.replace(other.find("(export \"f\")"), 12, "");
    other.replace(other.find("(export \"g\")"), 12, "(export \"f\")");
    EXPECT_EQ(run(other, {Value{100}, Value{1}}), 1u + 5050 - 50);
}

TEST_F(LoopValuesTest, what_comes_after_a_self_tail_call_has_the_registers_of_its_loop) {
    // The loop's parameter has the register that the first local has at the entry.
    const auto with = [](const char* call) {
        return R"((module (func $f (export "f") (param $n i32) (param $again i32) (result i32)
            (i32.mul (local.get $n) (i32.const 2))
            (loop (param i32) (result i32) )" +
               std::string{call} + R"(
              (i32.const 5) (i32.add))
            (i32.add (local.get $n)))))";
    };
    const char* const calls[]{
        "(if (local.get $again) (then (return_call $f (i32.add (local.get $n) (i32.const 1)) (i32.const "
        "0))))",
        "(block $past (br_if $past (i32.eqz (local.get $again))) "
        "(return_call $f (i32.add (local.get $n) (i32.const 1)) (i32.const 0)))",
    };
    for (const char* const call : calls) {
        EXPECT_EQ(run(with(call), {Value{100}, Value{0}}), 305u) << call;
        EXPECT_EQ(run(with(call), {Value{100}, Value{1}}), 308u) << call;
    }
}

TEST_F(LoopValuesTest, the_test_at_the_entry_is_of_every_kind) {
    // Leaves the function, or goes round, by either way of the test; and has another test, or an else part.
    const char* const bodies[]{
        "(if (i32.eqz (local.get $n)) (then (return (local.get $s))) (else (local.set $s (i32.add (local.get "
        "$s) "
        "(i32.const 2))))) (return_call $f (i32.sub (local.get $n) (i32.const 1)) (local.get $s))",
        "(if (local.get $n) (then (local.set $s (i32.add (local.get $s) (i32.const 2))) (return_call $f "
        "(i32.sub "
        "(local.get $n) (i32.const 1)) (local.get $s)))) (local.get $s)",
        "(block $out (br_if $out (i32.eqz (local.get $n))) (return_call $f (i32.sub (local.get $n) "
        "(i32.const 1)) "
        "(i32.add (local.get $s) (i32.const 2)))) (local.get $s)",
        "(if (i32.lt_s (local.get $n) (i32.const 1)) (then (return (local.get $s)))) "
        "(if (i32.and (local.get $n) (i32.const 1)) (then (return_call $f (i32.sub (local.get $n) (i32.const "
        "1)) "
        "(i32.add (local.get $s) (i32.const 3))))) (return_call $f (i32.sub (local.get $n) (i32.const 1)) "
        "(i32.add "
        "(local.get $s) (i32.const 1)))",
        "(if (i32.gt_s (local.get $n) (i32.const 0)) (then (if (i32.and (local.get $n) (i32.const 1)) (then "
        "(return_call $f (i32.sub (local.get $n) (i32.const 1)) (i32.add (local.get $s) (i32.const 3))))) "
        "(return_call "
        "$f (i32.sub (local.get $n) (i32.const 1)) (i32.add (local.get $s) (i32.const 1))))) (local.get $s)",
    };
    for (const char* const body : bodies)
        EXPECT_EQ(run("(module (func $f (export \"f\") (param $n i32) (param $s i32) (result i32) " +
                          std::string{body} + "))",
                      {Value{30}, Value{1}}),
                  61u)
            << body;
}

TEST_F(LoopValuesTest, loops_whose_first_test_ends_inside) {
    // The test chooses between two ways to go round.
    const std::string text = R"((module (func (export "f") (param $n i32) (result i32) (local $s i32)
        (block $out
          (loop $l
            (if (i32.gt_s (local.get $n) (i32.const 50)) (then
              (local.set $s (i32.add (local.get $s) (i32.const 3)))
              (local.set $n (i32.sub (local.get $n) (i32.const 1)))
              (br $l)))
            (local.set $s (i32.add (local.get $s) (local.get $n)))
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br_if $out (i32.eqz (local.get $n)))
            (br $l)))
        (local.get $s))))";
    EXPECT_EQ(run(text, {Value{80}}), 90u + 1275);
}

} // namespace
} // namespace warpbeam
