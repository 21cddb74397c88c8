// Time points as dates: rounded down exactly, refused if out of range, in constants and at run time.

#include <gtest/gtest.h>
#include <warpbeam/sfv/writer.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <type_traits>

namespace warpbeam::sfv {
namespace {

using std::chrono::duration;
using std::chrono::sys_time;

template <typename Count, typename Period = std::ratio<1>>
constexpr BareItemRef at(Count count) {
    return sys_time<duration<Count, Period>>{duration<Count, Period>{count}};
}

std::string written(const BareItemRef& value) {
    char buffer[64];
    Writer writer{FieldType::item, buffer};
    const auto field = writer.value(value).finish();
    return field ? std::string(*field) : std::string(field.error().message().view());
}

const std::string too_large = "more than 15 digits";
const std::string no_number = "not a finite number";

using Hours = std::ratio<3600>;
using Days = std::ratio<86400>;
using Frames = std::ratio<1001, 30000>;
constexpr int64_t least = std::numeric_limits<int64_t>::min();
constexpr int64_t most = std::numeric_limits<int64_t>::max();

static_assert(at<int64_t, std::milli>(-1).number() == -1);
static_assert(at<double, std::milli>(-1500.5).number() == -2);
static_assert(BareItemRef{std::chrono::sys_days{std::chrono::year{2024} / 1 / 1}}.number() == 1704067200);

TEST(Chrono, integers_are_rounded_down) {
    EXPECT_EQ(written(at(0)), "@0");
    EXPECT_EQ(written(at<int64_t, std::milli>(1999)), "@1");
    EXPECT_EQ(written(at<int64_t, std::milli>(-1)), "@-1");
    EXPECT_EQ(written(at<int64_t, std::milli>(-1000)), "@-1");
    EXPECT_EQ(written(at<int64_t, std::milli>(-1001)), "@-2");
    EXPECT_EQ(written(at<int64_t, std::nano>(least)), "@-9223372037");
    EXPECT_EQ(written(at<int64_t, std::nano>(most)), "@9223372036");
    EXPECT_EQ(written(at<uint64_t, std::nano>(UINT64_MAX)), "@18446744073");
    EXPECT_EQ(written(at<int64_t, std::atto>(-1)), "@-1");
    EXPECT_EQ(written(at<int64_t, Frames>(3)), "@0");
    EXPECT_EQ(written(at<int64_t, Frames>(-3)), "@-1");
    EXPECT_EQ(written(at<int64_t, Frames>(30000)), "@1001");
    EXPECT_EQ(written(at<int8_t, Days>(-1)), "@-86400");
    EXPECT_EQ(written(std::chrono::sys_days{std::chrono::year{1} / 1 / 1}), "@-62135596800");
}

TEST(Chrono, values_out_of_range_are_refused) {
    EXPECT_EQ(written(at(max_integer)), "@999999999999999");
    EXPECT_EQ(written(at(-max_integer)), "@-999999999999999");
    EXPECT_EQ(written(at(max_integer + 1)), too_large);
    EXPECT_EQ(written(at<int64_t, std::milli>(-max_integer * 1000)), "@-999999999999999");
    EXPECT_EQ(written(at<int64_t, std::milli>(-max_integer * 1000 - 1)), too_large);
    EXPECT_EQ(written(at(least)), too_large);
    EXPECT_EQ(written(at(UINT64_MAX)), too_large);
    // These wrap around to a plausible date.
    EXPECT_EQ(written(at<int64_t, Hours>(5'124'095'576'030'432)), too_large);
    EXPECT_EQ(written(at<int64_t, Days>(213'503'982'334'602)), too_large);
    EXPECT_EQ(written(at<int64_t, Days>(least)), too_large);
    EXPECT_EQ(written(at<int64_t, std::exa>(most)), too_large);
    EXPECT_EQ(written(at<uint64_t, std::ratio<most>>(UINT64_MAX)), too_large);
    EXPECT_EQ(written(at<int64_t, Hours>(277'777'777'777)), "@999999999997200");
    EXPECT_EQ(written(at<int64_t, Hours>(277'777'777'778)), too_large);
}

template <typename Count>
class ChronoOfFloats : public ::testing::Test {};
// The long double of some machines is more precise than what is supported.
using Longest = std::conditional_t<std::numeric_limits<long double>::digits <= 64, long double, double>;
using Counts = ::testing::Types<float, double, Longest>;
TYPED_TEST_SUITE(ChronoOfFloats, Counts);

TYPED_TEST(ChronoOfFloats, are_rounded_down) {
    using Count = TypeParam;
    using Limits = std::numeric_limits<Count>;
    EXPECT_EQ(written(at(Count{0})), "@0");
    EXPECT_EQ(written(at(-Count{0})), "@0");
    EXPECT_EQ(written(at(Count{1.5F})), "@1");
    EXPECT_EQ(written(at(Count{-1.5F})), "@-2");
    EXPECT_EQ(written(at(Limits::denorm_min())), "@0");
    EXPECT_EQ(written(at(-Limits::denorm_min())), "@-1");
    EXPECT_EQ(written(at<Count, std::ratio<most>>(Limits::min())), "@0");
    EXPECT_EQ(written(at<Count, std::ratio<most>>(-Limits::min())), "@-1");
    EXPECT_EQ(written(at<Count, std::milli>(Count{-1})), "@-1");
    EXPECT_EQ(written(at<Count, std::milli>(Count{-2000})), "@-2");
    // The greatest Count that is less than one: rounding the product first would give whole hours.
    EXPECT_EQ(written(at<Count, Hours>(std::nextafter(Count{1}, Count{0}))), "@3599");
    EXPECT_EQ(written(at<Count, Hours>(std::nextafter(Count{-1}, Count{-2}))), "@-3601");
    EXPECT_EQ(written(at<Count, std::ratio<1, 3>>(std::nextafter(Count{3}, Count{0}))), "@0");
}

TYPED_TEST(ChronoOfFloats, what_is_no_date_is_refused) {
    using Count = TypeParam;
    using Limits = std::numeric_limits<Count>;
    for (const Count sign : {Count{1}, Count{-1}}) {
        EXPECT_EQ(written(at(sign * Limits::infinity())), no_number);
        EXPECT_EQ(written(at(sign * Limits::quiet_NaN())), no_number);
        EXPECT_EQ(written(at(sign * Limits::max())), too_large);
        EXPECT_EQ(written(at<Count, std::atto>(sign * Limits::max())), too_large);
        EXPECT_EQ(written(at<Count, std::exa>(sign * 1e30F)), too_large);
        EXPECT_EQ(written(at<Count, Days>(sign * 9.2e18F)), too_large);
        for (int exponent = 40; exponent < 128; ++exponent) {
            const Count count = std::ldexp(sign, exponent);
            const bool fits = exponent < 50;
            EXPECT_EQ(written(at(count)) == too_large, !fits) << exponent;
            EXPECT_EQ(written(at<Count, Hours>(count)), too_large) << exponent;
        }
    }
    EXPECT_EQ(written(at<double>(999999999999999.875)), "@999999999999999");
    EXPECT_EQ(written(at<double>(-999999999999999.125)), too_large);
    EXPECT_EQ(written(at<double, std::atto>(1e30)), "@1000000000000");
}

} // namespace
} // namespace warpbeam::sfv
