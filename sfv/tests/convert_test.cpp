#include <gtest/gtest.h>
#include <warpbeam/sfv/convert.hpp>
#include <warpbeam/sfv/print.hpp>

#include <limits>
#include <list>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace warpbeam::sfv {
namespace {

/// The field, or why there is none.
template <typename T>
std::string text(const Result<T>& document) {
    return document ? to_string(*document) : std::string(describe(document.error().reason));
}

TEST(Convert, OrdinaryValues) {
    EXPECT_EQ(text(item_of(5)), "5");
    EXPECT_EQ(text(item_of(0.5)), "0.5");
    EXPECT_EQ(text(item_of("text")), "\"text\"");
    EXPECT_EQ(text(item_of(std::string("text"))), "\"text\"");
    EXPECT_EQ(text(item_of(true)), "?1");
    EXPECT_EQ(text(item_of(Token{"t"}, std::map<std::string, double>{{"q", 0.5}, {"r", 1}})),
              "t;q=0.5;r=1.0");
    EXPECT_EQ(text(item_of(std::vector<uint8_t>{1, 2, 3})), ":AQID:");
}

TEST(Convert, Ranges) {
    EXPECT_EQ(text(list_of(std::vector{1, 2, 3})), "1, 2, 3");
    EXPECT_EQ(text(list_of(std::list<std::string>{"a", "b"})), "\"a\", \"b\"");
    EXPECT_EQ(text(list_of(std::vector<std::vector<int>>{{1, 2}, {}, {3}})), "(1 2), (), (3)");
    EXPECT_EQ(text(list_of(std::vector<bool>{true, false})), "?1, ?0");
    EXPECT_EQ(text(list_of(std::vector<int>{})), "");
    EXPECT_EQ(text(list_of(std::vector<std::vector<uint8_t>>{{1}, {}})), ":AQ==:, ::");
    using Any = std::variant<int, std::string, bool, std::vector<int>>;
    EXPECT_EQ(text(list_of(std::vector<Any>{1, "x", true, std::vector{1, 2}})), "1, \"x\", ?1, (1 2)");
}

TEST(Convert, Maps) {
    EXPECT_EQ(text(dictionary_of(std::map<std::string, int>{{"b", 2}, {"a", 1}})), "a=1, b=2");
    EXPECT_EQ(text(dictionary_of(std::vector<std::pair<const char*, bool>>{{"b", true}, {"a", false}})),
              "b, a=?0");
    EXPECT_EQ(text(dictionary_of(std::map<std::string, std::vector<Token>>{{"l", {Token{"x"}, Token{"y"}}}})),
              "l=(x y)");
    EXPECT_EQ(text(dictionary_of(std::vector<std::pair<std::string, int>>{{"a", 1}, {"b", 2}, {"a", 3}})),
              "a=3, b=2");
}

TEST(Convert, PartsOfDocuments) {
    const auto member = Dictionary::parse("a=(1 2);x");
    ASSERT_TRUE(member);
    std::map<std::string, Item> items;
    items["k"] = std::move(*Item::parse("5;q"));
    EXPECT_EQ(text(dictionary_of(items)), "k=5;q");
    EXPECT_EQ(text(list_of(std::span{(*member)[0].value.inner_list()->items.begin(), 2})), "1, 2");
}

TEST(Convert, RefusesWhatTheRfcCannotCarry) {
    const std::string map{describe(Reason::nested_map)};
    const std::string list{describe(Reason::nested_list)};
    using Map = std::map<std::string, int>;
    EXPECT_EQ(text(dictionary_of(std::map<std::string, Map>{{"a", {{"b", 1}}}})), map);
    EXPECT_EQ(text(list_of(std::vector<Map>{{{"a", 1}}})), map);
    EXPECT_EQ(text(list_of(std::vector<std::vector<Map>>{{{{"a", 1}}}})), map);
    EXPECT_EQ(text(item_of(Map{})), map);
    EXPECT_EQ(text(item_of(1, std::map<std::string, Map>{{"a", {}}})), map);
    EXPECT_EQ(text(item_of(std::vector{1})), list);
    EXPECT_EQ(text(list_of(std::vector<std::vector<std::vector<int>>>{{{1}}})), list);
    EXPECT_EQ(text(item_of(1, std::map<std::string, std::vector<int>>{{"a", {1}}})), list);
    EXPECT_EQ(text(item_of(std::variant<int, Map>{Map{}})), map);
    EXPECT_EQ(text(item_of(1'000'000'000'000'000)), describe(Reason::integer_range));
    EXPECT_EQ(text(list_of(std::vector<uint64_t>{1, std::numeric_limits<uint64_t>::max()})),
              describe(Reason::integer_range));
    EXPECT_EQ(text(item_of("a\nb")), describe(Reason::invalid_string));
    EXPECT_EQ(text(item_of("\u00fc")), describe(Reason::invalid_string));
    EXPECT_EQ(text(item_of(std::numeric_limits<double>::quiet_NaN())), describe(Reason::not_a_number));
    EXPECT_EQ(text(dictionary_of(Map{{"Key", 1}})), describe(Reason::invalid_key));
}

} // namespace
} // namespace warpbeam::sfv
