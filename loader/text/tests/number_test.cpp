#include "decimal.hpp"
#include "float_format.hpp"

#include <gtest/gtest.h>
#include <warpbeam/text/number.hpp>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

namespace warpbeam::text {
namespace {

std::optional<double> f64(std::string_view text) {
    const auto bits = parse_f64(text);
    return bits ? std::optional{std::bit_cast<double>(*bits)} : std::nullopt;
}
std::optional<float> f32(std::string_view text) {
    const auto bits = parse_f32(text);
    return bits ? std::optional{std::bit_cast<float>(*bits)} : std::nullopt;
}

TEST(Integers, signed_or_unsigned) {
    EXPECT_EQ(parse_integer("4294967295", 32), 0xffff'ffffu);
    EXPECT_EQ(parse_integer("-1", 32), 0xffff'ffffu);
    EXPECT_EQ(parse_integer("-2147483648", 32), 0x8000'0000u);
    EXPECT_EQ(parse_integer("-0x8000_0000", 32), 0x8000'0000u);
    EXPECT_EQ(parse_integer("-2147483649", 32), std::nullopt);
    EXPECT_EQ(parse_integer("4294967296", 32), std::nullopt);
    EXPECT_EQ(parse_integer("-128", 8), 0x80u);
    EXPECT_EQ(parse_integer("256", 8), std::nullopt);
    EXPECT_EQ(parse_integer("18446744073709551615", 64), UINT64_MAX);
    EXPECT_EQ(parse_integer("18446744073709551616", 64), std::nullopt);
    EXPECT_EQ(parse_integer("-9223372036854775808", 64), uint64_t{1} << 63);
    EXPECT_EQ(parse_integer("-9223372036854775809", 64), std::nullopt);
    EXPECT_EQ(parse_unsigned("0x1_0000_0000", 32), std::nullopt);
    EXPECT_EQ(parse_unsigned("0xffff_ffff", 32), 0xffff'ffffu);
}

TEST(Floats, special_values) {
    EXPECT_EQ(parse_f32("inf"), 0x7f80'0000u);
    EXPECT_EQ(parse_f32("-inf"), 0xff80'0000u);
    EXPECT_EQ(parse_f32("nan"), 0x7fc0'0000u);
    EXPECT_EQ(parse_f32("-nan"), 0xffc0'0000u);
    EXPECT_EQ(parse_f32("nan:0x1"), 0x7f80'0001u);
    EXPECT_EQ(parse_f32("-nan:0x7f_ffff"), 0xffff'ffffu);
    EXPECT_EQ(parse_f32("nan:0x80_0000"), std::nullopt);
    EXPECT_EQ(parse_f32("nan:0x0"), std::nullopt);
    EXPECT_EQ(parse_f64("nan:0xfffffffffffff"), 0x7fff'ffff'ffff'ffffu);
    EXPECT_EQ(parse_f64("nan:0x10000000000000"), std::nullopt);
    EXPECT_EQ(parse_f64("-0"), uint64_t{1} << 63);
    EXPECT_EQ(parse_f64("-0x0.0p100"), uint64_t{1} << 63);
}

TEST(Floats, hexadecimal_floats_round_to_nearest_even) {
    EXPECT_EQ(f32("0x1.000001p0"), 1.0f);          // halfway: to even
    EXPECT_EQ(f32("0x1.000003p0"), 0x1.000004p0f); // halfway: to even, upwards
    EXPECT_EQ(f32("0x1.00000100000000000000001p0"), 0x1.000002p0f);
    EXPECT_EQ(f32("0x10000010000000000000000001p-76"), 0x1000002p0f);
    EXPECT_EQ(f32("0x1.fffffep127"), 0x1.fffffep127f);
    EXPECT_EQ(f32("0x1.fffffefffffffffp127"), 0x1.fffffep127f);
    EXPECT_EQ(f32("0x1.ffffffp127"), std::nullopt);
    EXPECT_EQ(f32("0x1p128"), std::nullopt);
    EXPECT_EQ(f32("0x1p-149"), 0x1p-149f);
    EXPECT_EQ(f32("0x1p-150"), 0.0f);
    EXPECT_EQ(f32("0x1.000001p-150"), 0x1p-149f);
    EXPECT_EQ(f32("0x1.8p-149"), 0x1p-148f);
    EXPECT_EQ(f32("0x1.fffffep-127"), 0x1p-126f); // up into the normal numbers
    EXPECT_EQ(f64("0x1.fffffffffffff7p1023"), 0x1.fffffffffffffp1023);
    EXPECT_EQ(f64("0x1.fffffffffffff8p1023"), std::nullopt);
    EXPECT_EQ(f64("0x0.0000000000001p-1022"), 0x1p-1074);
    EXPECT_EQ(f64("0x1p-1075"), 0.0);
    EXPECT_EQ(f64("0x1.0000000000001p-1075"), 0x1p-1074);
    EXPECT_EQ(f64("0x1p-99999999999999999999999999"), 0.0);
    EXPECT_EQ(f64("0x1p99999999999999999999999999"), std::nullopt);
    EXPECT_EQ(f64("0x0p99999999999999999999999999"), 0.0);
}

TEST(Floats, hard_decimal_cases) {
    for (const char* text : {"2.2250738585072011e-308", // once sent other parsers into an endless loop
                             "2.2250738585072012e-308",
                             "2.4703282292062327208e-324",
                             "2.4703282292062328e-324",
                             "4.9406564584124654e-324",
                             "1.7976931348623157e308",
                             "1.7976931348623158e308",
                             "9007199254740993",
                             "9007199254740992.99999999999999999",
                             "9007199254740993.00000000000000000000000000000000000001",
                             "6929495644600919.5",
                             "3.518437208883201171875e13",
                             "62.5364939768271845828",
                             "8.10109172351e-10",
                             "1e23",
                             "8.5e22",
                             "123456789012345678901234567890e-10",
                             "0.000000000000000000000000000000000001e36",
                             "1.00000000000000011102230246251565404236316680908203125",
                             "1.00000000000000011102230246251565404236316680908203124",
                             "1.00000000000000011102230246251565404236316680908203126"}) {
        EXPECT_EQ(f64(text), std::strtod(text, nullptr)) << text;
        const float expected = std::strtof(text, nullptr);
        EXPECT_EQ(f32(text).value_or(HUGE_VALF), expected) << text;
    }
    EXPECT_EQ(f64("1.7976931348623159e308"), std::nullopt);
    EXPECT_EQ(f64("1e400"), std::nullopt);
    EXPECT_EQ(f64("1e-400"), 0.0);
    EXPECT_EQ(f64("0e99999999999999999999"), 0.0);
    EXPECT_EQ(f32("340282356779733661637539395458142568447"), 0x1.fffffep127f);
    EXPECT_EQ(f32("340282356779733661637539395458142568448"), std::nullopt);
    EXPECT_EQ(f64("1_0.2_5e+0_1"), 102.5);
}

TEST(Floats, more_digits_than_fit_any_buffer) {
    std::string half = "1.00000000000000011102230246251565404236316680908203125";
    half.append(5000, '0');
    EXPECT_EQ(f64(half), 1.0);
    EXPECT_EQ(f64(half + "1"), 1.0000000000000002);
    EXPECT_EQ(f64(std::string(3000, '9') + "e-3000"), 1.0);
    EXPECT_EQ(f64("0." + std::string(3000, '0') + "1e3001"), 1.0);
    // the smallest number's half has 751 digits
    char exact[1200];
    std::snprintf(exact, sizeof exact, "%.1100f", 0x1p-1074);
    std::string digits{exact};
    EXPECT_EQ(f64(digits), 0x1p-1074);
}

TEST(Floats, agree_with_the_c_library_on_random_numbers) {
    std::mt19937_64 random{7};
    for (int i = 0; i < 20'000; ++i) {
        const double value = std::bit_cast<double>(random() & 0x7fff'ffff'ffff'ffff);
        if (value != value || value > 1.7e308)
            continue;
        char text[1400];
        std::snprintf(text, sizeof text, "%.*e", static_cast<int>(random() % (i % 16 == 0 ? 1000 : 25)),
                      value);
        ASSERT_EQ(f64(text), std::strtod(text, nullptr)) << text;
        const float narrow = std::strtof(text, nullptr);
        ASSERT_EQ(f32(text).value_or(HUGE_VALF), narrow) << text;
        std::snprintf(text, sizeof text, "%a", value);
        ASSERT_EQ(f64(text), value) << text;
        ASSERT_EQ(f32(text).value_or(HUGE_VALF), std::strtof(text, nullptr)) << text;
    }
}

/// By the conversion that stands in for the C++ library's, whether this build uses it or not.
std::optional<uint64_t> converted(const FloatFormat& format, const std::string& digits, int64_t exponent) {
    const Binary binary = binary_of(digits, exponent);
    return round_binary(format, binary.mantissa, binary.exponent, binary.sticky);
}

TEST(Decimals, agree_with_the_c_library) {
    std::mt19937_64 random{13};
    for (int i = 0; i < 40'000; ++i) {
        std::string digits(1 + random() % (i % 16 == 0 ? max_decimal_digits : 25), '0');
        for (char& digit : digits)
            digit = static_cast<char>('0' + random() % 10);
        digits.front() = static_cast<char>('1' + random() % 9);
        // From below the smallest number to above the largest.
        const int64_t exponent =
            static_cast<int64_t>(random() % 660) - 340 - static_cast<int64_t>(i % 2 == 0 ? digits.size() : 0);
        const std::string text = digits + "e" + std::to_string(exponent);
        const double wide = std::strtod(text.c_str(), nullptr);
        const auto bits = converted(binary64, digits, exponent);
        ASSERT_EQ(bits ? std::bit_cast<double>(*bits) : HUGE_VAL, wide) << text;
        const float narrow = std::strtof(text.c_str(), nullptr);
        const auto narrow_bits = converted(binary32, digits, exponent);
        ASSERT_EQ(narrow_bits ? std::bit_cast<float>(static_cast<uint32_t>(*narrow_bits)) : HUGE_VALF, narrow)
            << text;
    }
}

TEST(Decimals, halfway_points_and_limits) {
    EXPECT_EQ(converted(binary64, "9007199254740993", 0), std::bit_cast<uint64_t>(9007199254740992.0));
    EXPECT_EQ(converted(binary64, "9007199254740995", 0), std::bit_cast<uint64_t>(9007199254740996.0));
    EXPECT_EQ(converted(binary64, "17976931348623158", 292), 0x7fef'ffff'ffff'ffffu);
    EXPECT_EQ(converted(binary64, "17976931348623159", 292), std::nullopt);
    EXPECT_EQ(converted(binary64, "1", 309), std::nullopt);
    EXPECT_EQ(converted(binary64, "1", INT64_C(1) << 48), std::nullopt);
    EXPECT_EQ(converted(binary64, "1", -(INT64_C(1) << 48)), 0u);
    EXPECT_EQ(converted(binary64, "5", -324), 1u);
    EXPECT_EQ(converted(binary64, "2", -324), 0u);
    // Half of the smallest number, and a little more or less: the longest of all halfway points.
    char half[1200];
    std::snprintf(half, sizeof half, "%.1074f", 0x1p-1074);
    std::string digits{half + std::string_view{half}.find_first_not_of("0.")};
    Binary smallest = binary_of(digits, -1074);
    EXPECT_EQ(smallest.mantissa, uint64_t{1} << 63);
    EXPECT_EQ(smallest.exponent, -1074 - 63);
    EXPECT_FALSE(smallest.sticky);
    digits.back() = '6'; // it ended in 5
    smallest = binary_of(digits, -1074);
    EXPECT_EQ(smallest.mantissa, uint64_t{1} << 63);
    EXPECT_TRUE(smallest.sticky);
    // The largest dividend, and the largest divisor.
    EXPECT_EQ(converted(binary64, std::string(max_decimal_digits, '9'), -1104), 0x0000'0000'0000'0002u);
}

TEST(Floats, halfway_points_go_to_even) {
    std::mt19937_64 random{11};
    for (int i = 0; i < 2'000; ++i) {
        // Between 2^52 and 2^53 halves are exact in text.
        const uint64_t whole = (uint64_t{1} << 52) + random() % (uint64_t{1} << 52);
        const std::string text = std::to_string(whole) + ".5";
        ASSERT_EQ(f64(text), static_cast<double>(whole + (whole & 1))) << text;
        ASSERT_EQ(f64(text + "0000000000000000000000000000000000001"), static_cast<double>(whole + 1))
            << text;
    }
}

} // namespace
} // namespace warpbeam::text
