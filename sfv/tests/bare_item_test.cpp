// A bare item on its own: read from the beginning of a text, and written.

#include "agreement.hpp"

#include <gtest/gtest.h>
#include <warpbeam/sfv/sfv.h>

#include <limits>

namespace warpbeam::sfv {
namespace {

using Lines = std::vector<std::string_view>;

/// The bare item and, after a bar, what follows it; or the error.
std::string split(const Lines& lines, ParseOptions options = {}) {
    if (const char* const fault = testing::disagreement<Item>(lines, options))
        return fault;
    Parser parser{FieldType::item, lines, options};
    const auto size = parser.bare_item_prefix();
    if (!size)
        return std::string(size.error().message().view());
    const Item item{*testing::decoded(parser.value()), {}};
    return to_string(item) + "|" + testing::join(lines).substr(*size);
}

TEST(BareItemPrefix, ends_where_the_item_ends) {
    EXPECT_EQ(split({"1"}), "1|");
    EXPECT_EQ(split({"-12;a"}), "-12|;a");
    EXPECT_EQ(split({"1.50, 2"}), "1.5|, 2");
    EXPECT_EQ(split({"1x"}), "1|x");
    EXPECT_EQ(split({"tok/en:*, b"}), "tok/en:*|, b");
    EXPECT_EQ(split({"*"}), "*|");
    EXPECT_EQ(split({R"("a\"b" rest)"}), R"("a\"b"| rest)");
    EXPECT_EQ(split({R"("")"}), R"(""|)");
    EXPECT_EQ(split({":aGk=::"}), ":aGk=:|:");
    EXPECT_EQ(split({"::"}), "::|");
    EXPECT_EQ(split({"?1?"}), "?1|?");
    EXPECT_EQ(split({"@-7 "}), "@-7| ");
    EXPECT_EQ(split({R"(%"%c3%bc")"}), R"(%"%c3%bc"|)");
}

TEST(BareItemPrefix, may_be_followed_by_anything) {
    EXPECT_EQ(split({"1\r\n"}), "1|\r\n");
    EXPECT_EQ(split({std::string_view{"a\0b", 3}}), std::string("a|\0b", 4));
    EXPECT_EQ(split({"?0\xff"}), "?0|\xff");
    EXPECT_EQ(split({"1)"}), "1|)");
}

TEST(BareItemPrefix, of_several_lines_counts_what_joins_them) {
    EXPECT_EQ(split({"1", "2"}), "1|, 2");
    EXPECT_EQ(split({"\"a", "b\"c", "d"}), "\"a, b\"|c, d");
    EXPECT_EQ(split({"\"a", "b\"c"}, {.strict_lines = true}),
              "expected the closing '\"' in the same field line, found ',' at offset 2");
}

TEST(BareItemPrefix, fails_where_the_item_fails) {
    EXPECT_EQ(split({}), "expected a bare item, found the end at offset 0");
    EXPECT_EQ(split({""}), "expected a bare item, found the end at offset 0");
    EXPECT_EQ(split({" 1"}), "expected a bare item, found 0x20 at offset 0");
    EXPECT_EQ(split({"(1)"}), "expected a bare item, found '(' at offset 0");
    EXPECT_EQ(split({";a"}), "expected a bare item, found ';' at offset 0");
    EXPECT_EQ(split({"1000000000000000"}), "expected no more than 15 digits, found '0' at offset 15");
    EXPECT_EQ(split({"1."}), "expected a digit, found the end at offset 2");
    EXPECT_EQ(split({"\"a\n\""}),
              "expected a printable ASCII character or the closing '\"', found 0x0a at offset 2");
    EXPECT_EQ(split({":A:"}),
              "expected another base64 character, since one alone encodes no byte, found ':' at offset 2");
    EXPECT_EQ(
        split({"@1"}, {.rfc8941 = true}),
        "expected a bare item of RFC 8941, which has no dates or display strings, found '@' at offset 0");
}

TEST(BareItemPrefix, is_the_first_and_only_thing_that_is_read) {
    Parser parser{FieldType::item, "1;a=2"};
    ASSERT_EQ(parser.bare_item_prefix(), 1U);
    EXPECT_EQ(parser.value().integer(), 1);
    EXPECT_FALSE(parser.next_parameter());
    EXPECT_FALSE(parser.next_inner_item());
    EXPECT_FALSE(parser.next_member());
    EXPECT_EQ(parser.bare_item_prefix().error().reason, Reason::wrong_order);
    EXPECT_TRUE(parser.finish());

    Parser late{FieldType::list, "1, 2"};
    ASSERT_TRUE(late.next_member());
    EXPECT_EQ(late.bare_item_prefix().error().reason, Reason::wrong_order);
    EXPECT_TRUE(late.next_member()) << "a refused call changes nothing";

    Parser failed{FieldType::item, "!"};
    ASSERT_FALSE(failed.bare_item_prefix());
    EXPECT_EQ(failed.finish().error().reason, Reason::bare_item);
}

TEST(BareItemPrefix, in_c) {
    const std::string_view field = R"("a\\b" and more)";
    const wb_sfv_line line = wb_sfv_line_of(field.data(), field.size());
    wb_sfv_parser parser;
    wb_sfv_value value;
    wb_sfv_text text;
    wb_sfv_error error;
    size_t size = 0;
    char buffer[8];
    wb_sfv_parser_init(&parser, WB_SFV_ITEM, &line, 1, 0);
    ASSERT_TRUE(wb_sfv_parser_bare_item(&parser, &value, &size, nullptr));
    EXPECT_EQ(size, 6U);
    EXPECT_EQ(value.type, WB_SFV_STRING);
    ASSERT_TRUE(wb_sfv_parser_decode(&parser, buffer, sizeof buffer, &text, nullptr));
    EXPECT_EQ((std::string_view{text.data, text.size}), "a\\b");
    EXPECT_FALSE(wb_sfv_parser_bare_item(&parser, &value, &size, &error));
    EXPECT_STREQ(error.message, "invalid order of calls");

    const wb_sfv_line bad = wb_sfv_line_of("?2", 2);
    wb_sfv_parser_init(&parser, WB_SFV_ITEM, &bad, 1, 0);
    EXPECT_FALSE(wb_sfv_parser_bare_item(&parser, nullptr, nullptr, nullptr));
    wb_sfv_parser_init(&parser, WB_SFV_ITEM, &bad, 1, 0);
    EXPECT_FALSE(wb_sfv_parser_bare_item(&parser, &value, &size, &error));
    EXPECT_EQ(error.offset, 1U);
    EXPECT_EQ(wb_sfv_parser_decode_capacity(&parser), 0U);
}

/// Written with a buffer that is just large enough; one that is smaller is refused.
std::string written(const BareItemRef& value) {
    const auto needed = write_bare_item(value, {});
    if (needed)
        return "nothing was needed";
    if (needed.error().reason != Reason::buffer_too_small)
        return std::string(needed.error().message().view());
    std::string buffer(needed.error().offset, '\0');
    EXPECT_FALSE(write_bare_item(value, {buffer.data(), buffer.size() - 1}));
    const auto text = write_bare_item(value, buffer);
    EXPECT_TRUE(text);
    EXPECT_EQ(text->data(), buffer.data());
    return std::string(*text);
}

TEST(WriteBareItem, of_every_type) {
    EXPECT_EQ(written(42), "42");
    EXPECT_EQ(written(1.05), "1.05");
    EXPECT_EQ(written(Decimal{-50}), "-0.05");
    EXPECT_EQ(written("a\"b\\"), R"("a\"b\\")");
    EXPECT_EQ(written(Token{"a/b"}), "a/b");
    EXPECT_EQ(written(ByteSequence{"hi"}), ":aGk=:");
    EXPECT_EQ(written(true), "?1");
    EXPECT_EQ(written(false), "?0");
    EXPECT_EQ(written(Date{-1}), "@-1");
    EXPECT_EQ(written(DisplayString{"\u00fc\n"}), R"(%"%c3%bc%0a")");
}

TEST(WriterError, is_the_first_failure) {
    Writer writer{FieldType::dictionary};
    EXPECT_EQ(writer.error(), std::nullopt);
    writer.key("a");
    EXPECT_EQ(writer.error(), std::nullopt) << "incomplete is no failure yet";
    writer.value(Token{"a b"}).key("B");
    ASSERT_TRUE(writer.error());
    EXPECT_EQ(*writer.error(), (Error{Reason::invalid_token, Error::found_nothing, 1}));
    EXPECT_EQ(writer.finish().error(), *writer.error());
}

TEST(WriteBareItem, refuses_what_cannot_be_carried) {
    EXPECT_EQ(written(max_integer + 1), "more than 15 digits");
    EXPECT_EQ(written(std::numeric_limits<double>::infinity()), "not a finite number");
    EXPECT_EQ(written(Token{"a b"}), "not a token");
    EXPECT_EQ(written(Token{"a\r\nb"}), "not a token");
    EXPECT_EQ(written("a\r\nSet-Cookie: b"),
              "a string can only contain printable ASCII characters; use a display string for others");
    EXPECT_EQ(written(DisplayString{"\xff"}), "a display string must be valid UTF-8");
}

} // namespace
} // namespace warpbeam::sfv
