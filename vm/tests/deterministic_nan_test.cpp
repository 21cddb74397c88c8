#include "fixture.hpp"

#include <warpbeam/memory/little_endian.hpp>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

/// Config::deterministic: which NaN the result of a floating-point instruction is, wherever its operands come
/// from and its result goes. Results that are no NaN are those of an engine without that option.

namespace warpbeam {
namespace {

Config deterministic(bool on) {
    Config config;
    config.features = FeatureSet::all();
    config.deterministic = on;
    return config;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
    return text;
}

template <typename T>
using BitsOf = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;

template <typename T>
BitsOf<T> canonical(BitsOf<T> bits) {
    return std::isnan(std::bit_cast<T>(bits)) ? std::bit_cast<BitsOf<T>>(std::numeric_limits<T>::quiet_NaN())
                                              : bits;
}

/// NaNs of all kinds, values whose combinations make NaNs, and others.
template <typename T>
T any_number(std::mt19937_64& random) {
    using Bits = BitsOf<T>;
    constexpr int fraction = sizeof(T) == 4 ? 23 : 52;
    constexpr T infinity = std::numeric_limits<T>::infinity();
    const auto sign = static_cast<Bits>(random() % 2) << (8 * sizeof(T) - 1);
    const Bits exponent = std::bit_cast<Bits>(infinity);
    const auto payload = static_cast<Bits>(random()) >> (8 * sizeof(T) - fraction);
    switch (random() % 6) {
    case 0:
        return std::bit_cast<T>(static_cast<Bits>(sign | exponent | Bits{1} << (fraction - 1) | payload));
    case 1: // signalling
        return std::bit_cast<T>(
            static_cast<Bits>(sign | exponent | ((payload & ~(Bits{1} << (fraction - 1))) | 1)));
    case 2:
        return std::bit_cast<T>(static_cast<Bits>(sign | exponent));
    case 3:
        return std::bit_cast<T>(sign);
    case 4:
        return std::bit_cast<T>(static_cast<Bits>(random()));
    default:
        return static_cast<T>(static_cast<int64_t>(random() % 64) - 32) / 4;
    }
}

// ---- Numbers ----

/// A way for the operands $a and $b to the instruction OP, whose text is `pair` or `single`, and for its
/// result to the result of the function, as bits. T is the type of the operands, R that of the result, and I
/// and J the integers with as many bits.
struct Shape {
    std::string_view name;
    std::string_view body;
    /// What the result is, from that of the instruction.
    enum : uint8_t { same, negated, sign } result = same;
};
constexpr Shape shapes[] = {
    {"locals", "(J.reinterpret_R (OP))"},
    {"negated", "(J.reinterpret_R (R.neg (OP)))", Shape::negated},
    {"sign", "(J.reinterpret_R (R.copysign (R.const 1) (OP)))", Shape::sign},
    {"memory", "(R.store (i32.const 8) (OP)) (J.load (i32.const 8))"},
    {"global", "(global.set $R (OP)) (J.reinterpret_R (global.get $R))"},
    {"twice", "(local.set $r (OP)) (local.set $r (OP)) (J.reinterpret_R (local.get $r))"},
    {"tee", "(drop (J.reinterpret_R (local.tee $r (OP)))) (J.reinterpret_R (local.get $r))"},
    {"below", "(local.get $r) (local.set $r (OP)) (drop) (J.reinterpret_R (local.get $r))"},
    {"select", "(J.reinterpret_R (select (OP) (R.const 3) (i32.const 1)))"},
    {"call", "(J.reinterpret_R (call $same_R (OP)))"},
    {"block", "(J.reinterpret_R (block (result R) (OP)))"},
    {"condition", "(J.reinterpret_R (if (result R) (i32.const 1) (then (OP)) (else (R.const 1))))"},
    {"compared", "(if (R.lt (OP) (R.const 1)) (then (local.set $r (R.const 9)))) (J.reinterpret_R (OP))"},
    {"pinned", "(loop $l (local.set $r (OP))"
               "  (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 3))))"
               "(J.reinterpret_R (local.get $r))"},
    {"vector", "(J.reinterpret_R (RxN.extract_lane 0 (RxN.splat (OP))))"},
};

class DeterministicNanTest : public ::testing::Test {
protected:
    static Instance instantiate(const Linker& linker, const Engine& engine, Store& store,
                                std::string_view text) {
        const auto module = engine.load(assemble(text));
        if (!module)
            throw std::runtime_error{std::string{module.error().message()}};
        const auto instance = linker.instantiate(store, *module);
        if (!instance)
            throw std::runtime_error{std::string{instance.error().message()}};
        return *instance;
    }
    Instance instantiate(bool on, std::string_view text) {
        return on ? instantiate(linker, engine, store, text)
                  : instantiate(usual_linker, usual_engine, usual_store, text);
    }

    template <typename T, typename R>
    void check(std::string_view instr, int operands) {
        const bool wide = sizeof(T) == 8;
        const bool wide_result = sizeof(R) == 8;
        std::string text = "(module (memory 1) (global $f32 (mut f32) (f32.const 0))"
                           "(global $f64 (mut f64) (f64.const 0))"
                           "(func $same_f32 (param f32) (result f32) (local.get 0))"
                           "(func $same_f64 (param f64) (result f64) (local.get 0))";
        const std::string op =
            std::string{instr} + (operands == 1 ? " (local.get $a)" : " (local.get $a) (local.get $b)");
        for (const Shape& shape : shapes)
            text += "(func (export \"" + std::string{shape.name} +
                    "\") (param $a T) (param $b T) (result J) (local $r R) (local $n i32) " +
                    replaced(std::string{shape.body}, "OP", op) + ")";
        // The operands are results of others.
        const std::string chained =
            replaced(replaced(op, "(local.get $a)", "(T.add (local.get $a) (T.const 0))"), "(local.get $b)",
                     "(T.mul (local.get $b) (T.const 1))");
        text += "(func (export \"chained\") (param $a T) (param $b T) (result J) (J.reinterpret_R (" +
                chained + "))))";
        text = replaced(text, "RxN", wide_result ? "f64x2" : "f32x4");
        text = replaced(text, "reinterpret_R", wide_result ? "reinterpret_f64" : "reinterpret_f32");
        text = replaced(text, "$R", wide_result ? "$f64" : "$f32");
        text = replaced(text, "same_R", wide_result ? "same_f64" : "same_f32");
        text = replaced(text, "T.", wide ? "f64." : "f32.");
        text = replaced(text, " T)", wide ? " f64)" : " f32)");
        text = replaced(text, "(R.", wide_result ? "(f64." : "(f32.");
        text = replaced(text, " R)", wide_result ? " f64)" : " f32)");
        text = replaced(text, "(J.", wide_result ? "(i64." : "(i32.");
        text = replaced(text, " J)", wide_result ? " i64)" : " i32)");
        const Instance on = instantiate(true, text);
        const Instance off = instantiate(false, text);
        const auto call = [&](const Instance& instance, std::string_view name, T a, T b) {
            return (*instance.func<BitsOf<R>(T, T)>(name))(a, b).value();
        };
        std::mt19937_64 random{20261128};
        for (int round = 0; round < 200; ++round) {
            const T a = any_number<T>(random);
            const T b = any_number<T>(random);
            const auto bits = canonical<R>(call(off, "locals", a, b));
            constexpr BitsOf<R> sign_bit = BitsOf<R>{1} << (8 * sizeof(R) - 1);
            const auto check_one = [&](std::string_view name, BitsOf<R> expected) {
                ASSERT_EQ(call(on, name, a, b), expected)
                    << instr << " " << name << " of " << std::hex << std::bit_cast<BitsOf<T>>(a) << " and "
                    << std::bit_cast<BitsOf<T>>(b);
            };
            for (const Shape& shape : shapes)
                check_one(shape.name, shape.result == Shape::same ? bits
                                      : shape.result == Shape::negated
                                          ? bits ^ sign_bit
                                          : std::bit_cast<BitsOf<R>>(R{1}) | (bits & sign_bit));
            check_one("chained", canonical<R>(call(off, "chained", a, b)));
        }
    }

    Engine engine{deterministic(true)};
    Store store{engine};
    Linker linker{engine};
    Engine usual_engine{deterministic(false)};
    Store usual_store{usual_engine};
    Linker usual_linker{usual_engine};
};

TEST_F(DeterministicNanTest, each_instruction_makes_the_canonical_one) {
    for (const std::string type : {"f32", "f64"}) {
        const auto check_both = [&](const std::string& name, int operands) {
            if (type == "f32")
                check<float, float>(type + "." + name, operands);
            else
                check<double, double>(type + "." + name, operands);
        };
        for (const char* const name : {"add", "sub", "mul", "div", "min", "max"})
            check_both(name, 2);
        for (const char* const name : {"sqrt", "ceil", "floor", "trunc", "nearest"})
            check_both(name, 1);
    }
    check<double, float>("f32.demote_f64", 1);
    check<float, double>("f64.promote_f32", 1);
}

TEST_F(DeterministicNanTest, what_moves_bits_keeps_them) {
    const Instance instance = instantiate(true, R"((module (memory 1) (global $g (mut f64) (f64.const 0))
        (func (export "const") (result i64) (i64.reinterpret_f64 (f64.const -nan:0x123)))
        (func (export "neg") (param f64) (result i64) (i64.reinterpret_f64 (f64.neg (local.get 0))))
        (func (export "abs") (param f64) (result i64) (i64.reinterpret_f64 (f64.abs (local.get 0))))
        (func (export "copysign") (param f64) (result i64)
          (i64.reinterpret_f64 (f64.copysign (local.get 0) (f64.const -1))))
        (func (export "memory") (param f64) (result i64)
          (f64.store (i32.const 0) (local.get 0)) (global.set $g (f64.load (i32.const 0)))
          (i64.reinterpret_f64 (global.get $g)))
        (func (export "select") (param f64) (result i64)
          (i64.reinterpret_f64 (select (f64.const 1) (local.get 0) (i32.const 0))))
        (func (export "pmin") (param f64) (result i64)
          (i64x2.extract_lane 1 (f64x2.pmin (f64x2.splat (local.get 0)) (f64x2.splat (f64.const 1)))))
        (func (export "lanes") (param f64) (result i64)
          (i64x2.extract_lane 0 (f64x2.replace_lane 0 (v128.const i64x2 0 0) (local.get 0))))))");
    const uint64_t bits = 0xfff0000000000123; // negative and signalling
    const auto of = [&](std::string_view name) {
        return (*instance.func<uint64_t(double)>(name))(std::bit_cast<double>(bits)).value();
    };
    EXPECT_EQ((*instance.func<uint64_t()>("const"))().value(), bits);
    for (const char* const name : {"copysign", "memory", "select", "pmin", "lanes"})
        EXPECT_EQ(of(name), bits) << name;
    for (const char* const name : {"neg", "abs"})
        EXPECT_EQ(of(name), bits & INT64_MAX) << name;
}

// ---- Vectors ----

using Bytes = std::array<uint8_t, 16>;

template <typename T>
Bytes any_vector(std::mt19937_64& random) {
    Bytes bytes;
    for (size_t i = 0; i < bytes.size(); i += sizeof(T)) {
        const auto lane = little_endian(std::bit_cast<BitsOf<T>>(any_number<T>(random)));
        std::memcpy(&bytes[i], &lane, sizeof(T));
    }
    return bytes;
}
template <typename T>
Bytes canonical_lanes(Bytes bytes) {
    for (size_t i = 0; i < bytes.size(); i += sizeof(T)) {
        BitsOf<T> lane;
        std::memcpy(&lane, &bytes[i], sizeof(T));
        lane = little_endian(canonical<T>(little_endian(lane)));
        std::memcpy(&bytes[i], &lane, sizeof(T));
    }
    return bytes;
}

class DeterministicVectorTest : public DeterministicNanTest {
protected:
    /// Calls `name`, whose operands and result are in memory.
    static Bytes call(const Instance& instance, std::string_view name, std::span<const Bytes> operands) {
        const Memory memory = *instance.memory("memory");
        std::memcpy(memory.data().data(), operands.data(), operands.size_bytes());
        EXPECT_TRUE((*instance.func<void()>(name))());
        Bytes result;
        std::memcpy(result.data(), memory.data().data() + 64, result.size());
        return result;
    }
    static std::string module_of(std::string_view instr, int operands) {
        constexpr std::string_view names[] = {" (local.get $a)", " (local.get $b)", " (local.get $c)"};
        std::string op = "(" + std::string{instr};
        for (int i = 0; i < operands; ++i)
            op += names[i];
        op += ")";
        const std::string begin = "(local $a v128) (local $b v128) (local $c v128) (local $r v128)"
                                  "(local.set $a (v128.load (i32.const 0)))"
                                  "(local.set $b (v128.load (i32.const 16)))"
                                  "(local.set $c (v128.load (i32.const 32)))";
        return "(module (memory (export \"memory\") 1)"
               "(func (export \"plain\") " +
               begin + "(v128.store (i32.const 64) " + op +
               "))"
               "(func (export \"local\") " +
               begin + "(local.get $r) (local.set $r " + op +
               ") (drop)"
               "  (v128.store (i32.const 64) (local.get $r)))"
               "(func (export \"f32\") " +
               begin + "(v128.store (i32.const 64) (f32x4.add " + op +
               " (v128.const f32x4 1 1 1 1))))"
               "(func (export \"f64\") " +
               begin + "(v128.store (i32.const 64) (f64x2.mul (v128.const f64x2 1 1) " + op +
               ")))"
               "(func (export \"then_f32\") " +
               begin +
               "(v128.store (i32.const 64) (f32x4.add (local.get $a) (v128.const f32x4 1 1 1 1))))"
               "(func (export \"then_f64\") " +
               begin + "(v128.store (i32.const 64) (f64x2.mul (v128.const f64x2 1 1) (local.get $a)))))";
    }
    template <typename T, typename R>
    void check_vector(std::string_view instr, int operands) {
        const std::string text = module_of(instr, operands);
        const Instance on = instantiate(true, text);
        const Instance off = instantiate(false, text);
        std::mt19937_64 random{20261128};
        for (int round = 0; round < 300; ++round) {
            const Bytes given[] = {any_vector<T>(random), any_vector<T>(random), any_vector<T>(random)};
            const Bytes expected = canonical_lanes<R>(call(off, "plain", given));
            ASSERT_EQ(call(on, "plain", given), expected) << instr;
            ASSERT_EQ(call(on, "local", given), expected) << instr;
            // What comes next may see other lanes in it.
            const Bytes f32 = canonical_lanes<float>(call(off, "then_f32", {&expected, 1}));
            const Bytes f64 = canonical_lanes<double>(call(off, "then_f64", {&expected, 1}));
            ASSERT_EQ(call(on, "f32", given), f32) << instr;
            ASSERT_EQ(call(on, "f64", given), f64) << instr;
        }
    }
};

TEST_F(DeterministicVectorTest, each_instruction_makes_canonical_lanes) {
    for (const std::string type : {"f32x4", "f64x2"}) {
        const auto check_both = [&](const std::string& name, int operands) {
            if (type == "f32x4")
                check_vector<float, float>(type + "." + name, operands);
            else
                check_vector<double, double>(type + "." + name, operands);
        };
        for (const char* const name :
             {"add", "sub", "mul", "div", "min", "max", "relaxed_min", "relaxed_max"})
            check_both(name, 2);
        for (const char* const name : {"sqrt", "ceil", "floor", "trunc", "nearest"})
            check_both(name, 1);
        for (const char* const name : {"relaxed_madd", "relaxed_nmadd"})
            check_both(name, 3);
    }
    check_vector<double, float>("f32x4.demote_f64x2_zero", 1);
    check_vector<float, double>("f64x2.promote_low_f32x4", 1);
}

// ---- Relaxed vector instructions ----

TEST_F(DeterministicVectorTest, relaxed_instructions_are_those_of_the_deterministic_profile) {
    const auto bytes = [](std::initializer_list<uint32_t> lanes) {
        Bytes all;
        size_t at = 0;
        for (const uint32_t lane : lanes) {
            const uint32_t ordered = little_endian(lane);
            std::memcpy(&all[at], &ordered, sizeof ordered);
            at += sizeof ordered;
        }
        return all;
    };
    const auto expect = [&](std::string_view instr, std::vector<Bytes> operands, const Bytes& result) {
        const std::string text = module_of(instr, static_cast<int>(operands.size()));
        operands.resize(3);
        for (const bool on : {true, false})
            EXPECT_EQ(call(instantiate(on, text), "plain", operands), result) << instr;
    };
    const auto f = [](float a) { return std::bit_cast<uint32_t>(a); };
    const uint32_t nan = 0x7fc00000;
    // From 16 on: zero, whatever the lower bits are.
    expect("i8x16.relaxed_swizzle",
           {bytes({0x04030201, 0x08070605, 0, 0}), bytes({0x8110ff00, 0x80, 0x7f, 7})},
           bytes({0x00000001, 0x01010100, 0x01010100, 0x01010108}));
    expect("i32x4.relaxed_trunc_f32x4_s", {bytes({nan, f(1e30F), f(-1e30F), f(-1.5F)})},
           bytes({0, 0x7fffffff, 0x80000000, 0xffffffff}));
    expect("i32x4.relaxed_trunc_f32x4_u", {bytes({nan, f(1e30F), f(-1.5F), f(3e9F)})},
           bytes({0, 0xffffffff, 0, 3'000'000'000}));
    expect("i32x4.relaxed_trunc_f64x2_s_zero", {bytes({0, 0x7ff80000, 0, 0xc3e00000})},
           bytes({0, 0x80000000, 0, 0}));
    expect("i32x4.relaxed_trunc_f64x2_u_zero", {bytes({0, 0xbff80000, 0, 0x43e00000})},
           bytes({0, 0xffffffff, 0, 0}));
    // Rounded twice: (1 + 2^-12)^2 - 1 loses 2^-24.
    expect(
        "f32x4.relaxed_madd",
        {bytes({f(1.000244140625F), 0, 0, 0}), bytes({f(1.000244140625F), 0, 0, 0}), bytes({f(-1), 0, 0, 0})},
        bytes({f(0x1p-11F), 0, 0, 0}));
    expect(
        "f32x4.relaxed_nmadd",
        {bytes({f(1.000244140625F), 0, 0, 0}), bytes({f(1.000244140625F), 0, 0, 0}), bytes({f(1), 0, 0, 0})},
        bytes({f(-0x1p-11F), 0, 0, 0}));
    // Every bit is selected by its own.
    for (const char* const shape : {"i8x16", "i16x8", "i32x4", "i64x2"})
        expect(std::string{shape} + ".relaxed_laneselect",
               {bytes({0xffffffff, 0, 0xffffffff, 0}), bytes({0, 0xffffffff, 0, 0xffffffff}),
                bytes({0x0f0f0f0f, 0x0f0f0f0f, 0x80808080, 0x80808080})},
               bytes({0x0f0f0f0f, 0xf0f0f0f0, 0x80808080, 0x7f7f7f7f}));
    expect("f32x4.relaxed_min", {bytes({nan, f(1), f(-0.0F), f(0)}), bytes({f(1), nan, f(0), f(-0.0F)})},
           bytes({nan, nan, f(-0.0F), f(-0.0F)}));
    expect("f32x4.relaxed_max", {bytes({nan, f(1), f(-0.0F), f(0)}), bytes({f(1), nan, f(0), f(-0.0F)})},
           bytes({nan, nan, f(0), f(0)}));
    expect("i16x8.relaxed_q15mulr_s",
           {bytes({0x80008000, 0x40004000, 0, 0}), bytes({0x80008000, 0x20002000, 0, 0})},
           bytes({0x7fff7fff, 0x10001000, 0, 0}));
    // The second operand's lanes are signed even if they have more than seven bits, and the sums of two
    // saturate.
    expect("i16x8.relaxed_dot_i8x16_i7x16_s",
           {bytes({0x80808080, 0x0201, 0, 0}), bytes({0x80808080, 0xff03, 0, 0})},
           bytes({0x7fff7fff, 0x00000001, 0, 0}));
    expect("i32x4.relaxed_dot_i8x16_i7x16_add_s",
           {bytes({0x80808080, 0x0201, 0, 0}), bytes({0x80808080, 0xff03, 0, 0}), bytes({5, 5, 0, 0})},
           bytes({0x10003, 6, 0, 0}));
}

} // namespace
} // namespace warpbeam
