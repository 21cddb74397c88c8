// Random documents, and almost valid fields. WARPBEAM_SFV_PROPERTIES sets the number of each; the default
// takes seconds.

#include "agreement.hpp"
#include "random.hpp"

#include <gtest/gtest.h>

namespace warpbeam::sfv {
namespace {

using testing::count;
using testing::disagreement;
using testing::Random;

template <typename T>
class Property : public ::testing::Test {};
using Documents = ::testing::Types<Item, List, Dictionary>;
TYPED_TEST_SUITE(Property, Documents);

TYPED_TEST(Property, what_is_serialized_is_read_back) {
    Random random{1};
    for (size_t i = 0; i < count(); ++i) {
        TypeParam document;
        random.make(document);
        const std::string field = to_string(document);
        const auto again = TypeParam::parse(field);
        ASSERT_TRUE(again) << field << ": " << again.error().message().view();
        ASSERT_TRUE(*again == document) << field;
        ASSERT_EQ(to_string(*again), field);
    }
}

TYPED_TEST(Property, mutated_fields_are_read_the_same_by_all) {
    Random random{2};
    size_t accepted = 0;
    for (size_t i = 0; i < count(); ++i) {
        TypeParam document;
        random.make(document);
        std::string field = to_string(document);
        random.mutate(field);
        const std::vector<std::string_view> lines = random.lines(field);
        const ParseOptions options = random.options();
        const char* const fault = disagreement<TypeParam>(lines, options);
        ASSERT_EQ(fault, nullptr) << fault << ": " << field;
        accepted += TypeParam::parse(lines, options).has_value();
    }
    // Both outcomes must occur.
    EXPECT_GT(accepted, count() / 20);
    EXPECT_LT(accepted, count() / 20 * 19);
}

} // namespace
} // namespace warpbeam::sfv
