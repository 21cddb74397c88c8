// Integers and decimals at their limits: read, converted from doubles and text, and written.

#include <gtest/gtest.h>
#include <warpbeam/sfv/document.hpp>
#include <warpbeam/sfv/serialize.hpp>

#include <cmath>
#include <limits>

namespace warpbeam::sfv {
namespace {

std::string canonical(std::string_view field) {
    const auto item = Item::parse(field);
    return item ? to_string(*item) : std::string(item.error().message().view());
}

std::string written(const BareItemRef& value) {
    char buffer[64];
    Writer writer{FieldType::item, buffer};
    const auto field = writer.value(value).finish();
    return field ? std::string(*field) : std::string(field.error().message().view());
}

std::string of_text(std::string_view text) {
    const auto decimal = Decimal::from_text(text);
    return decimal ? written(*decimal) : std::string(decimal.error().message().view());
}

const std::string too_large = "more than 12 digits before the decimal point";
const std::string no_number = "not a finite number";

TEST(Number, integers_are_read) {
    EXPECT_EQ(canonical("0"), "0");
    EXPECT_EQ(canonical("-0"), "0");
    EXPECT_EQ(canonical("00"), "0");
    EXPECT_EQ(canonical("042"), "42");
    EXPECT_EQ(canonical("-00000000000042"), "-42");
    EXPECT_EQ(canonical("999999999999999"), "999999999999999");
    EXPECT_EQ(canonical("-999999999999999"), "-999999999999999");
    EXPECT_EQ(canonical("000000000000001"), "1");
    EXPECT_EQ(canonical("1000000000000000"), "expected no more than 15 digits, found '0' at offset 15");
    EXPECT_EQ(canonical("-0000000000000000"), "expected no more than 15 digits, found '0' at offset 16");
    EXPECT_EQ(canonical("99999999999999999999999"),
              "expected no more than 15 digits, found '9' at offset 15");
    EXPECT_EQ(canonical("--1"), "expected a digit, found '-' at offset 1");
    EXPECT_EQ(canonical("-"), "expected a digit, found the end at offset 1");
    EXPECT_EQ(canonical("-a"), "expected a digit, found 'a' at offset 1");
    for (size_t size = 1; size <= 15; ++size)
        for (const char* const suffix : {"", ";a", ";abcdefgh=1", "   ", "          "}) {
            const std::string digits = std::string("123456789123456").substr(0, size);
            EXPECT_EQ(canonical(digits + suffix).substr(0, size), digits) << digits << suffix;
        }
}

TEST(Number, decimals_are_read) {
    EXPECT_EQ(canonical("1.0"), "1.0");
    EXPECT_EQ(canonical("1.00"), "1.0");
    EXPECT_EQ(canonical("1.500"), "1.5");
    EXPECT_EQ(canonical("-0.0"), "0.0");
    EXPECT_EQ(canonical("-0.5"), "-0.5");
    EXPECT_EQ(canonical("-0.001"), "-0.001");
    EXPECT_EQ(canonical("0.01"), "0.01");
    EXPECT_EQ(canonical("000000000001.1"), "1.1");
    EXPECT_EQ(canonical("999999999999.999"), "999999999999.999");
    EXPECT_EQ(canonical("-999999999999.999"), "-999999999999.999");
    EXPECT_EQ(canonical("1000000000000.0"),
              "expected no more than 12 digits before the decimal point, found '0' at offset 12");
    EXPECT_EQ(canonical("-0000000000000.0"),
              "expected no more than 12 digits before the decimal point, found '0' at offset 13");
    EXPECT_EQ(canonical("99999999999999999.0"), "expected no more than 15 digits, found '9' at offset 15");
    EXPECT_EQ(canonical("1.1234"),
              "expected no more than 3 digits after the decimal point, found '4' at offset 5");
    EXPECT_EQ(canonical("1."), "expected a digit, found the end at offset 2");
    EXPECT_EQ(canonical(".1"), "expected a bare item, found '.' at offset 0");
    EXPECT_EQ(canonical("1.-1"), "expected a digit, found '-' at offset 2");
    EXPECT_EQ(canonical("1.1.1"), "expected the end of the field, found '.' at offset 3");
}

TEST(Number, text_is_rounded_half_to_even) {
    EXPECT_EQ(of_text("1.05"), "1.05");
    EXPECT_EQ(of_text("0.0015"), "0.002");
    EXPECT_EQ(of_text("0.0025"), "0.002");
    EXPECT_EQ(of_text("0.0005"), "0.0");
    EXPECT_EQ(of_text("0.00050000000000000000000000000000000001"), "0.001");
    EXPECT_EQ(of_text("-0.0005"), "0.0");
    EXPECT_EQ(of_text("-0.0015"), "-0.002");
    EXPECT_EQ(of_text("9.9995"), "10.0");
    EXPECT_EQ(of_text("9.9985"), "9.998");
    EXPECT_EQ(of_text("1e-3"), "0.001");
    EXPECT_EQ(of_text("1.5E+2"), "150.0");
    EXPECT_EQ(of_text("0e99999999999999999999"), "0.0");
    EXPECT_EQ(of_text("1e-99999999999999999999"), "0.0");
    EXPECT_EQ(of_text("1e99999999999999999999"), too_large);
    EXPECT_EQ(of_text("000000000000000000000000001"), "1.0");
    EXPECT_EQ(of_text("999999999999.999"), "999999999999.999");
    EXPECT_EQ(of_text("999999999999.9994999"), "999999999999.999");
    EXPECT_EQ(of_text("999999999999.9995"), too_large);
    EXPECT_EQ(of_text("-999999999999.9995"), too_large);
    EXPECT_EQ(of_text("1000000000000.1"), too_large);
    for (const char* const bad :
         {"", "-", "+1", ".5", "1.", "1e", "1e+", "0x1", "1 ", " 1", "nan", "inf", "1,5", "--1"})
        EXPECT_EQ(of_text(bad), no_number) << bad;
}

TEST(Number, doubles_convert_through_their_shortest_text) {
    EXPECT_EQ(written(1.05), "1.05");
    EXPECT_EQ(written(-0.5), "-0.5");
    EXPECT_EQ(written(0.0015), "0.002");
    EXPECT_EQ(written(0.0025), "0.002");
    EXPECT_EQ(written(0.1 + 0.2), "0.3");
    EXPECT_EQ(written(-0.0), "0.0");
    EXPECT_EQ(written(-0.0001), "0.0");
    EXPECT_EQ(written(5e-324), "0.0");
    EXPECT_EQ(written(0.1F), "0.1");
    EXPECT_EQ(written(1e12 - 0.001), "999999999999.999");
    EXPECT_EQ(written(1e12), too_large);
    EXPECT_EQ(written(-1e12), too_large);
    EXPECT_EQ(written(1e300), too_large);
    EXPECT_EQ(written(std::numeric_limits<double>::max()), too_large);
    EXPECT_EQ(written(std::numeric_limits<double>::infinity()), no_number);
    EXPECT_EQ(written(-std::numeric_limits<double>::infinity()), no_number);
    EXPECT_EQ(written(std::nan("")), no_number);
    EXPECT_EQ(written(std::numeric_limits<float>::infinity()), no_number);
}

TEST(Number, floats_convert_through_their_own_shortest_text) {
    // The first two doubles are slightly more and slightly less than a tie.
    EXPECT_EQ(written(0.0005F), "0.0");
    EXPECT_EQ(written(0.0015F), "0.002");
    EXPECT_EQ(written(0.0025F), "0.002");
    EXPECT_EQ(written(0.0035F), "0.004");
    EXPECT_EQ(written(0.0045F), "0.004");
    EXPECT_EQ(written(1.0005F), "1.0");
    EXPECT_EQ(written(-0.0005F), "0.0");
    EXPECT_EQ(written(-0.0F), "0.0");
    EXPECT_EQ(written(16777216.0F), "16777216.0");
    EXPECT_EQ(written(1e12F), too_large);
    EXPECT_EQ(written(std::numeric_limits<float>::max()), too_large);
    EXPECT_EQ(written(std::numeric_limits<float>::denorm_min()), "0.0");
    EXPECT_EQ(written(std::numeric_limits<float>::quiet_NaN()), no_number);
    EXPECT_EQ(Decimal::from_float(0.0005F), Decimal{0});
    EXPECT_EQ(Decimal::from_double(0.0005F), Decimal{1}); // of the double 0.0005000000237487257
    // A long double would be rounded twice.
    static_assert(!std::is_constructible_v<BareItemRef, long double>);
    static_assert(std::is_constructible_v<BareItemRef, float> &&
                  std::is_constructible_v<BareItemRef, double>);
}

TEST(Number, integers_are_written) {
    EXPECT_EQ(written(0), "0");
    EXPECT_EQ(written(-1), "-1");
    EXPECT_EQ(written(999'999'999'999'999), "999999999999999");
    EXPECT_EQ(written(-999'999'999'999'999), "-999999999999999");
    EXPECT_EQ(written(1'000'000'000'000'000), "more than 15 digits");
    EXPECT_EQ(written(-1'000'000'000'000'000), "more than 15 digits");
    EXPECT_EQ(written(std::numeric_limits<int64_t>::min()), "more than 15 digits");
    EXPECT_EQ(written(std::numeric_limits<int64_t>::max()), "more than 15 digits");
    EXPECT_EQ(written(std::numeric_limits<uint64_t>::max()), "more than 15 digits");
    EXPECT_EQ(written(uint8_t{7}), "7");
    EXPECT_EQ(written(Date{-1}), "@-1");
    EXPECT_EQ(written(Date{1'000'000'000'000'000}), "more than 15 digits");
    EXPECT_EQ(written(Decimal{999'999'999'999'999}), "999999999999.999");
    EXPECT_EQ(written(Decimal{-1}), "-0.001");
    EXPECT_EQ(written(Decimal{10}), "0.01");
    EXPECT_EQ(written(Decimal{1'000'000'000'000'000}), too_large);
    EXPECT_EQ(written(Decimal{std::numeric_limits<int64_t>::min()}), too_large);
}

TEST(Number, every_decimal_survives_a_round_trip_through_double) {
    for (int64_t thousandths = -99999; thousandths <= 99999; ++thousandths)
        ASSERT_EQ(Decimal::from_double(Decimal{thousandths}.to_double()), Decimal{thousandths});
    for (int64_t thousandths = max_integer; thousandths > max_integer - 1000; --thousandths)
        ASSERT_EQ(Decimal::from_double(Decimal{thousandths}.to_double()), Decimal{thousandths});
}

} // namespace
} // namespace warpbeam::sfv
