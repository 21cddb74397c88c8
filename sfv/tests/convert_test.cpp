#include <gtest/gtest.h>
#include <warpbeam/sfv/convert.hpp>
#include <warpbeam/sfv/print.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <list>
#include <map>
#include <optional>
#include <ranges>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

namespace warpbeam::sfv {
namespace {

/// The field, or the error.
template <typename T>
std::string text(const Result<T>& document) {
    return document ? to_string(*document) : std::string(describe(document.error().reason));
}

TEST(Convert, ordinary_values) {
    EXPECT_EQ(text(item_of(5)), "5");
    EXPECT_EQ(text(item_of(0.5)), "0.5");
    EXPECT_EQ(text(item_of("text")), "\"text\"");
    EXPECT_EQ(text(item_of(std::string("text"))), "\"text\"");
    EXPECT_EQ(text(item_of(true)), "?1");
    EXPECT_EQ(text(item_of(Token{"t"}, std::map<std::string, double>{{"q", 0.5}, {"r", 1}})),
              "t;q=0.5;r=1.0");
    EXPECT_EQ(text(item_of(std::vector<uint8_t>{1, 2, 3})), ":AQID:");
}

TEST(Convert, ranges) {
    EXPECT_EQ(text(list_of(std::vector{1, 2, 3})), "1, 2, 3");
    EXPECT_EQ(text(list_of(std::list<std::string>{"a", "b"})), "\"a\", \"b\"");
    EXPECT_EQ(text(list_of(std::vector<std::vector<int>>{{1, 2}, {}, {3}})), "(1 2), (), (3)");
    EXPECT_EQ(text(list_of(std::vector<bool>{true, false})), "?1, ?0");
    EXPECT_EQ(text(list_of(std::vector<int>{})), "");
    EXPECT_EQ(text(list_of(std::vector<std::vector<uint8_t>>{{1}, {}})), ":AQ==:, ::");
    using Any = std::variant<int, std::string, bool, std::vector<int>>;
    EXPECT_EQ(text(list_of(std::vector<Any>{1, "x", true, std::vector{1, 2}})), "1, \"x\", ?1, (1 2)");
}

TEST(Convert, maps) {
    EXPECT_EQ(text(dictionary_of(std::map<std::string, int>{{"b", 2}, {"a", 1}})), "a=1, b=2");
    EXPECT_EQ(text(dictionary_of(std::vector<std::pair<const char*, bool>>{{"b", true}, {"a", false}})),
              "b, a=?0");
    EXPECT_EQ(text(dictionary_of(std::map<std::string, std::vector<Token>>{{"l", {Token{"x"}, Token{"y"}}}})),
              "l=(x y)");
    EXPECT_EQ(text(dictionary_of(std::vector<std::pair<std::string, int>>{{"a", 1}, {"b", 2}, {"a", 3}})),
              "a=3, b=2");
}

TEST(Convert, parts_of_documents) {
    const auto member = Dictionary::parse("a=(1 2);x");
    ASSERT_TRUE(member);
    std::map<std::string, Item> items;
    items["k"] = std::move(*Item::parse("5;q"));
    EXPECT_EQ(text(dictionary_of(items)), "k=5;q");
    EXPECT_EQ(text(list_of(std::span{(*member)[0].value.inner_list()->items.begin(), 2})), "1, 2");
}

TEST(Convert, refuses_what_the_rfc_cannot_carry) {
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

TEST(Convert, views_that_need_non_const_iteration) {
    const std::vector numbers{1, 2, 3, 4};
    const auto is_even = [](int number) { return number % 2 == 0; };
    auto even = numbers | std::views::filter(is_even);
    EXPECT_EQ(text(list_of(even)), "2, 4");
    EXPECT_EQ(text(list_of(std::as_const(even))), "2, 4");
    EXPECT_EQ(text(list_of(numbers | std::views::filter(is_even))), "2, 4");
    EXPECT_EQ(inner_list_of(even)->items.size(), 2U);
    const auto evens = [&](int) { return numbers | std::views::filter(is_even); };
    EXPECT_EQ(text(list_of(std::views::iota(0, 2) | std::views::transform(evens))), "(2 4), (2 4)");
    const std::vector views{even, even};
    EXPECT_EQ(text(list_of(views)), "(2 4), (2 4)");
    std::istringstream stream{"5 6 7"};
    EXPECT_EQ(text(list_of(std::views::istream<int>(stream))), "5, 6, 7");

    std::vector<bool> bits{true, false, true};
    EXPECT_EQ(text(list_of(bits)), "?1, ?0, ?1");
    EXPECT_EQ(text(list_of(bits | std::views::filter([](bool) { return true; }))), "?1, ?0, ?1");

    std::map<std::string, int> map{{"a", 1}, {"b", 2}, {"c", 3}};
    auto odd = map | std::views::filter([](const auto& entry) { return entry.second % 2 != 0; });
    EXPECT_EQ(text(dictionary_of(odd)), "a=1, c=3");
    EXPECT_EQ(text(item_of(5, odd)), "5;a=1;c=3");
    EXPECT_EQ(text(item_of(odd)), describe(Reason::nested_map));
    EXPECT_EQ(text(list_of(map | std::views::keys)), R"("a", "b", "c")");
}

TEST(Convert, entries_of_other_types) {
    struct Setting {
        std::string key;
        int value;
    };
    EXPECT_EQ(text(dictionary_of(std::vector<Setting>{{"a", 1}, {"b", 2}})), "a=1, b=2");
    EXPECT_EQ(text(dictionary_of(std::vector<std::tuple<const char*, bool>>{{"a", true}})), "a");
}

TEST(Convert, documents_stand_for_themselves) {
    Item item = std::move(*Item::parse("5;q"));
    EXPECT_EQ(text(item_of(item)), "5;q");
    EXPECT_EQ(text(item_of(1, Parameters{})), "1");
    EXPECT_EQ(text(item_of(1, item.parameters)), "1;q");
    EXPECT_EQ(text(item_of(Token{"t"}, std::as_const(item).parameters)), "t;q");
    EXPECT_EQ(text(item_of(item.value)), "5");
    EXPECT_EQ(text(item_of(std::move(item))), "5;q");

    const auto dictionary = Dictionary::parse("a=(1 x;y);z, b=2");
    ASSERT_TRUE(dictionary);
    EXPECT_EQ(text(dictionary_of(*dictionary)), "a=(1 x;y);z, b=2");
    EXPECT_EQ(text(dictionary_of(std::move(*Dictionary::parse("a")))), "a");
    EXPECT_EQ(text(dictionary_of((*dictionary)[0].value.parameters())), "z");
    EXPECT_EQ(text(item_of(3, *Dictionary::parse("a=1, b"))), "3;a=1;b");
    EXPECT_EQ(text(item_of(3, *dictionary)), describe(Reason::nested_list));
    EXPECT_EQ(text(item_of(3, *Dictionary::parse("a=1;x"))), describe(Reason::nested_map));
    EXPECT_EQ(text(item_of(*dictionary)), describe(Reason::nested_map));
    EXPECT_EQ(text(item_of(Parameters{})), describe(Reason::nested_map));
    EXPECT_EQ(text(item_of(List{})), describe(Reason::nested_list));
    EXPECT_EQ(text(item_of((*dictionary)[0].value)), describe(Reason::nested_list));
    EXPECT_EQ(text(item_of((*dictionary)[1].value)), "2");
    EXPECT_EQ(text(item_of(std::move((*Dictionary::parse("a=1;x"))[0].value))), "1;x");
    EXPECT_EQ(text(list_of(std::vector<Parameters>(1))), describe(Reason::nested_map));

    const auto list = List::parse("1, 2;x");
    ASSERT_TRUE(list);
    EXPECT_EQ(text(list_of(*list)), "1, 2;x");
    EXPECT_EQ(text(list_of(std::move(*List::parse("t")))), "t");
    EXPECT_EQ(text(list_of(std::span{list->begin(), 2})), "1, 2;x");
    EXPECT_EQ(text(list_of(std::span{&*list, 1})), "(1 2;x)");
    EXPECT_EQ(text(list_of(std::span{(*dictionary)[0].value.inner_list(), 1})), "(1 x;y);z");
    EXPECT_TRUE(inner_list_of(InnerList{}));
}

TEST(Convert, optional_values) {
    using Optional = std::optional<int>;
    const std::string none{describe(Reason::no_value)};
    EXPECT_EQ(text(item_of(Optional{5})), "5");
    EXPECT_EQ(text(item_of(std::optional<std::string>{"a"})), "\"a\"");
    EXPECT_EQ(text(item_of(Optional{})), none);
    EXPECT_EQ(text(list_of(std::vector<Optional>{1, 2})), "1, 2");
    EXPECT_EQ(text(list_of(std::vector<Optional>{1, {}})), none);
    EXPECT_EQ(text(list_of(std::vector<std::vector<Optional>>{{1}, {{}}})), none);
    EXPECT_EQ(text(list_of(std::vector<std::optional<std::vector<int>>>{{{1, 2}}})), "(1 2)");
    // A member or parameter that is left out.
    const std::map<std::string, Optional> map{{"a", 1}, {"b", {}}, {"c", 3}};
    EXPECT_EQ(text(dictionary_of(map)), "a=1, c=3");
    EXPECT_EQ(text(item_of(Token{"t"}, map)), "t;a=1;c=3");
    EXPECT_EQ(
        text(dictionary_of(std::map<std::string, std::optional<std::vector<int>>>{{"a", {{1}}}, {"b", {}}})),
        "a=(1)");
    EXPECT_EQ(text(item_of(std::variant<bool, Optional>{Optional{}})), none);
    EXPECT_EQ(text(item_of(std::optional<std::variant<int, bool>>{true})), "?1");
}

TEST(Convert, invalid_numbers) {
    const std::string no_number{describe(Reason::not_a_number)};
    for (const double number : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
        EXPECT_EQ(text(item_of(number)), no_number);
        EXPECT_EQ(text(item_of(static_cast<float>(number))), no_number);
        EXPECT_EQ(text(item_of(std::optional{number})), no_number);
        EXPECT_EQ(text(item_of(std::variant<int, double>{number})), no_number);
        EXPECT_EQ(text(item_of(1, std::map<std::string, double>{{"a", number}})), no_number);
        const std::vector numbers{1.0, number};
        EXPECT_EQ(text(list_of(numbers)), no_number);
        EXPECT_EQ(text(list_of(std::vector{numbers})), no_number);
        EXPECT_EQ(text(list_of(numbers | std::views::filter([](double) { return true; }))), no_number);
        EXPECT_EQ(
            text(list_of(numbers | std::views::transform([](double one) { return std::optional{one}; }))),
            no_number);
    }
    EXPECT_EQ(text(item_of(-0.0)), "0.0");
    EXPECT_EQ(text(item_of(-0.0F)), "0.0");
    EXPECT_EQ(text(item_of(std::optional{-0.0})), "0.0");
    EXPECT_EQ(text(list_of(std::vector{-0.0, -0.0004} | std::views::reverse)), "0.0, 0.0");
}

TEST(Convert, exceptions_from_the_callers_code_pass_through) {
    const auto fail = [](int) -> int { throw std::runtime_error("stop"); };
    EXPECT_THROW((void)list_of(std::vector{1} | std::views::transform(fail)), std::runtime_error);
    const auto fail_entry = [](int) -> std::pair<std::string, int> { throw std::runtime_error("stop"); };
    const auto map = std::views::iota(0, 1) | std::views::transform(fail_entry);
    EXPECT_THROW((void)dictionary_of(map), std::runtime_error);
    EXPECT_THROW((void)item_of(1, map), std::runtime_error);
    struct Name {
        operator std::string_view() const { throw std::runtime_error("stop"); }
    };
    EXPECT_THROW((void)item_of(Name{}), std::runtime_error);
    struct Throws {
        std::string text;
        explicit Throws(int) : text(100, 'a') { throw std::runtime_error("stop"); }
        operator std::string_view() const noexcept { return text; }
    };
    std::variant<bool, Throws> lost;
    EXPECT_THROW(lost.emplace<Throws>(1), std::runtime_error);
    ASSERT_TRUE(lost.valueless_by_exception());
    EXPECT_EQ(text(item_of(lost)), describe(Reason::no_value));
    static_assert(!std::is_nothrow_constructible_v<BareItemRef, Name>);
    static_assert(std::is_nothrow_constructible_v<BareItemRef, const char(&)[3]> &&
                  std::is_nothrow_constructible_v<BareItemRef, std::string> &&
                  std::is_nothrow_constructible_v<BareItemRef, std::vector<uint8_t>>);
}

TEST(Convert, bytes) {
    constexpr std::byte bytes[] = {std::byte{1}, std::byte{2}, std::byte{3}};
    EXPECT_EQ(text(item_of(bytes)), ":AQID:");
    EXPECT_EQ(text(item_of(std::span{bytes})), ":AQID:");
    EXPECT_EQ(text(item_of(std::to_array(bytes))), ":AQID:");
    EXPECT_EQ(text(item_of(std::span{bytes} | std::views::drop(3))), "::");
    // An explicit list of numbers is allowed; as a value it does not compile.
    EXPECT_EQ(text(list_of(std::set<uint8_t>{1, 2})), "1, 2");
}

} // namespace
} // namespace warpbeam::sfv
