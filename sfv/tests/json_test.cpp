#include <gtest/gtest.h>
#include <warpbeam/sfv/tools/document_json.hpp>
#include <warpbeam/sfv/tools/json.hpp>

namespace warpbeam::sfv {
namespace {

TEST(Json, reads_and_prints) {
    for (const std::string_view text : {R"({"a": [1, -0.50, 1e+5, true, false, null], "": {}})",
                                        R"("\"\\\u0001\u007f")", "[]", "0", "\"\u00fc\""})
        EXPECT_EQ(json::print(json::parse(text)), text);
    EXPECT_EQ(json::parse(R"("\ud83d\ude00\u00fc\/\n")").text, "\U0001F600\u00fc/\n");
    EXPECT_EQ(json::parse(" \t\r\n[ 1 , 2 ] ").array.size(), 2U);
    EXPECT_EQ(json::parse(std::string(100, '[') + std::string(100, ']')).array.size(), 1U);
}

TEST(Json, refuses_everything_else) {
    for (const std::string_view text : {"",
                                        " ",
                                        "[1,]",
                                        "[1",
                                        "{\"a\"}",
                                        "{\"a\":1,}",
                                        "{a:1}",
                                        "01",
                                        "1.",
                                        ".5",
                                        "+1",
                                        "-",
                                        "1e",
                                        "nul",
                                        "tru",
                                        "'a'",
                                        "\"a",
                                        "\"\n\"",
                                        R"("\x")",
                                        R"("\u12g4")",
                                        R"("\ud800")",
                                        R"("\ud800\u0041")",
                                        R"("\udc00")",
                                        "\"\xff\"",
                                        "\"\xc0\x80\"",
                                        "\"\xed\xa0\x80\"",
                                        "\"\xc3\"",
                                        "[] []",
                                        "\xef\xbb\xbf[]"})
        EXPECT_THROW((void)json::parse(text), json::SyntaxError) << text;
    EXPECT_THROW((void)json::parse(std::string(100000, '[')), json::SyntaxError);
}

TEST(Json, represents_documents) {
    const std::string_view lines[] = {R"(a=1, b=("s";x t);y=1.50, c=:aGVsbG8=:, d=@-1, e=%"%c3%bc", f)"};
    const auto document = parse_any(FieldType::dictionary, lines);
    ASSERT_TRUE(document);
    const std::string text = json::print(to_json(*document));
    EXPECT_EQ(
        text,
        "[[\"a\", [1, []]], [\"b\", [[[\"s\", [[\"x\", true]]], [{\"__type\": \"token\", \"value\": \"t\"}, "
        "[]]], [[\"y\", 1.5]]]], [\"c\", [{\"__type\": \"binary\", \"value\": \"NBSWY3DP\"}, []]], [\"d\", "
        "[{\"__type\": \"date\", \"value\": -1}, []]], [\"e\", [{\"__type\": \"displaystring\", \"value\": "
        "\"\u00fc\"}, []]], [\"f\", [true, []]]]");
    const auto again = from_json(FieldType::dictionary, json::parse(text));
    ASSERT_TRUE(again);
    EXPECT_TRUE(*again == *document);
}

TEST(Json, other_json_is_not_a_document) {
    for (const std::string_view text :
         {"1", "[]", "[1]", "[1, [], 2]", "[null, []]", "[[1], []]", "[1, [[\"a\"]]]",
          "[{\"__type\": \"x\", \"value\": 1}, []]", "[{\"__type\": \"token\"}, []]",
          "[{\"__type\": \"date\", \"value\": 1.5}, []]", R"([{"__type": "binary", "value": "a!"}, []])",
          R"([{"__type": "binary", "value": "my======"}, []])",
          R"([{"__type": "binary", "value": "MY"}, []])",
          R"([{"__type": "binary", "value": "MZ======"}, []])",
          R"([{"__type": "binary", "value": "MY======MY======"}, []])",
          R"([{"__type": "binary", "value": "========"}, []])"})
        EXPECT_THROW((void)from_json(FieldType::item, json::parse(text)), json::SyntaxError) << text;
    const auto refused = from_json(FieldType::item, json::parse("[123456789012345678901234567890, []]"));
    EXPECT_EQ(refused.error().reason, Reason::integer_range);
    EXPECT_EQ(from_json(FieldType::item, json::parse("[1e400, []]")).error().reason, Reason::decimal_range);
}

} // namespace
} // namespace warpbeam::sfv
