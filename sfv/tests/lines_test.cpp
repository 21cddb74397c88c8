// Fields of several lines are read as if the lines were joined by ", " (section 4.2).

#include "agreement.hpp"

#include <gtest/gtest.h>
#include <warpbeam/sfv/document.hpp>

namespace warpbeam::sfv {
namespace {

using Lines = std::vector<std::string_view>;

template <typename T>
std::string read(const Lines& lines, ParseOptions options = {}) {
    const auto document = T::parse(lines, options);
    if (const char* const fault = testing::disagreement<T>(lines, options))
        return fault;
    return document ? to_string(*document) : std::string(document.error().message().view());
}

TEST(Lines, are_joined_by_commas) {
    EXPECT_EQ(read<List>({"1, 2", "3"}), "1, 2, 3");
    EXPECT_EQ(read<List>({" 1 ", "\t2\t", " 3 "}), "1, 2, 3");
    EXPECT_EQ(read<Dictionary>({"a", "b=2;x", "a=3"}), "a=3, b=2;x");
    EXPECT_EQ(read<List>({}), "");
    EXPECT_EQ(read<List>({""}), "");
    EXPECT_EQ(read<Dictionary>({"  "}), "");
    EXPECT_EQ(read<Item>({"1"}), "1");
}

TEST(Lines, empty_lines_leave_extra_commas) {
    EXPECT_EQ(read<List>({"1", "", "42"}), "expected a bare item or an inner list, found ',' at offset 3");
    EXPECT_EQ(read<List>({"1", ""}), "expected a member after the comma, found the end at offset 3");
    EXPECT_EQ(read<List>({"", "1"}), "expected a bare item or an inner list, found ',' at offset 0");
    EXPECT_EQ(read<List>({"", ""}), "expected a bare item or an inner list, found ',' at offset 0");
    EXPECT_EQ(read<Dictionary>({"", "a"}),
              "expected a key, which begins with a lower-case letter or '*', found ',' at offset 0");
    EXPECT_EQ(read<Item>({}), "expected a bare item, found the end at offset 0");
    EXPECT_EQ(read<Item>({"", "1"}), "expected a bare item, found ',' at offset 0");
    EXPECT_EQ(read<Item>({"1", ""}), "expected the end of the field, found ',' at offset 1");
    EXPECT_EQ(read<Item>({"1", "2"}), "expected the end of the field, found ',' at offset 1");
}

TEST(Lines, only_strings_continue_on_the_next_line) {
    EXPECT_EQ(read<List>({"(1 2", "3)"}), "expected a space or ')', found ',' at offset 4");
    EXPECT_EQ(read<List>({"a;", "b"}),
              "expected a key, which begins with a lower-case letter or '*', found ',' at offset 2");
    EXPECT_EQ(read<List>({"a;b=", "1"}), "expected a bare item, found ',' at offset 4");
    EXPECT_EQ(read<List>({":AA", "AA:"}),
              "expected a base64 character or the closing ':', found ',' at offset 3");
    EXPECT_EQ(read<List>({"-", "1"}), "expected a digit, found ',' at offset 1");
    EXPECT_EQ(read<List>({"1.", "1"}), "expected a digit, found ',' at offset 2");
    EXPECT_EQ(read<List>({"?", "1"}), "expected '0' or '1', found ',' at offset 1");
    EXPECT_EQ(read<List>({"@", "1"}), "expected a digit, found ',' at offset 1");
    EXPECT_EQ(read<List>({"%", "\"\""}), "expected '\"' after '%', found ',' at offset 1");
}

TEST(Lines, commas_between_lines_become_part_of_strings) {
    EXPECT_EQ(read<Item>({"\"foo", "bar\""}), "\"foo, bar\"");
    EXPECT_EQ(read<List>({"\"a", "", " b\\\"\";x=\"c", "d\"", "e"}), "\"a, ,  b\\\"\";x=\"c, d\", e");
    EXPECT_EQ(read<List>({"(\"a", "b\" c);d"}), "(\"a, b\" c);d");
    EXPECT_EQ(read<Item>({"%\"%c3%bc", "%c3%bc\""}), "%\"%c3%bc, %c3%bc\"");
    EXPECT_EQ(read<Item>({"\"a\\", "\""}),
              "expected '\"' or '\\' after the backslash, found ',' at offset 3");
    EXPECT_EQ(read<Item>({"%\"%c3", "%bc\""}), "expected valid UTF-8, found ',' at offset 5");
    EXPECT_EQ(read<Item>({"%\"%", "c3\""}),
              "expected two lower-case hexadecimal digits after '%', found ',' at offset 3");
    EXPECT_EQ(read<Item>({"\"a", "b"}),
              "expected a printable ASCII character or the closing '\"', found the end at offset 5");
    EXPECT_EQ(read<Item>({"\"a", "b\x7f"}),
              "expected a printable ASCII character or the closing '\"', found 0x7f at offset 5");
}

TEST(Lines, strings_may_be_required_to_end_in_their_line) {
    const ParseOptions strict{.strict_lines = true};
    EXPECT_EQ(read<Item>({"\"foo", "bar\""}, strict),
              "expected the closing '\"' in the same field line, found ',' at offset 4");
    EXPECT_EQ(read<Item>({"%\"foo", "bar\""}, strict),
              "expected the closing '\"' in the same field line, found ',' at offset 5");
    EXPECT_EQ(read<List>({"\"foo\"", "\"bar\""}, strict), "\"foo\", \"bar\"");
}

TEST(Lines, a_split_string_is_decoded) {
    const Lines lines{"\"ab", "c\\\"d\""};
    Parser parser{FieldType::item, lines};
    ASSERT_TRUE(parser.next_member());
    EXPECT_TRUE(parser.value().needs_decoding());
    EXPECT_EQ(parser.value().raw(), "ab");
    char buffer[16];
    EXPECT_EQ(parser.value().decode(buffer), "ab, c\"d");
    EXPECT_EQ(parser.value().decode_capacity(), 8U);
    EXPECT_FALSE(parser.value().decode({buffer, 7}));
}

} // namespace
} // namespace warpbeam::sfv
