#include "fixture.hpp"

/// Wide arithmetic beyond what the proposal's own tests cover: operands from every place that they can be in.

namespace warpbeam {
namespace {

Config with_wide_arithmetic() {
    Config config;
    config.features.enable(Feature::wide_arithmetic);
    return config;
}

class WideTest : public VmTest {
protected:
    WideTest() : VmTest{with_wide_arithmetic()} {}
    int64_t run(std::string_view body, int64_t argument) {
        const std::string module = "(module (memory 1) (data (i32.const 0) \"\\05\") "
                                   "(func (export \"f\") (param $n i64) (result i64) (local $high i64) " +
                                   std::string{body} + "))";
        const auto f = instantiate(module).func<int64_t(int64_t)>("f");
        return (*f)(argument).value();
    }
};

TEST_F(WideTest, takes_operands_from_locals_constants_and_accumulators) {
    EXPECT_EQ(run("(i64.add128 (local.get $n) (i64.const 1) (i64.const 1) (i64.load (i32.const 0)))"
                  "(local.set $high) drop (local.get $high)",
                  -1),
              7);
    EXPECT_EQ(run("(i64.sub128 (i64.const 0) (i64.const 0) (i64.load (i32.const 0)) (i64.const 0))"
                  "(i64.sub)",
                  0),
              -4);
    EXPECT_EQ(run("(i64.mul_wide_u (i64.add (local.get $n) (i64.const 1)) (local.get $n)) (i64.xor)", 1), 2);
    EXPECT_EQ(run("(i64.mul_wide_s (local.get $n) (local.get $n)) (i64.add)", INT64_MIN), int64_t{1} << 62);
}

TEST_F(WideTest, keeps_what_lies_below_on_the_stack) {
    EXPECT_EQ(
        run("(i64.mul (local.get $n) (i64.const 3))"
            "(i64.add128 (i64.mul (local.get $n) (local.get $n)) (i64.const 0) (local.get $n) (i64.const 0))"
            "drop (i64.sub)",
            10),
        30 - 110);
    EXPECT_EQ(
        run("(local.get $n) (i64.mul_wide_u (local.get $n) (i64.const 2)) (local.set $high) (local.set $n)"
            "(i64.sub (local.get $n))",
            21),
        -21);
}

TEST_F(WideTest, is_refused_when_it_is_off) {
    Engine plain;
    const Vec<uint8_t> bytes =
        assemble("(module (func (result i64 i64) (i64.mul_wide_s (i64.const 1) (i64.const 1))))");
    const auto module = plain.load(bytes);
    ASSERT_FALSE(module);
    EXPECT_EQ(module.error().code(), ErrorCode::unsupported);
    EXPECT_NE(module.error().message().find("wide-arithmetic"), std::string_view::npos);
}

} // namespace
} // namespace warpbeam
