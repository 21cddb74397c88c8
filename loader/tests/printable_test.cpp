#include <gtest/gtest.h>
#include <warpbeam/loader/printable.hpp>

#include <string>

namespace warpbeam {
namespace {

std::string printed(std::string_view text, bool quoted = false) {
    std::string result;
    Printable rest{text, quoted};
    for (std::string_view piece; !(piece = rest.next()).empty();)
        result += piece;
    return result;
}

TEST(Printable, leaves_plain_text_unchanged) {
    for (const std::string_view text :
         {"", "plain", "\"quoted\\", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc2\xa0", "\xe2\x80\x8d",
          "\xe2\x80\xa7", "\xe2\x80\xaf"})
        EXPECT_EQ(printed(text), text);
    EXPECT_EQ(printed("\"\\", true), "\\22\\5c");
}

TEST(Printable, escapes_terminal_control) {
    EXPECT_EQ(printed({"a\0\x1b[31m\r\n\t\x7fz", 12}), "a\\00\\1b[31m\\0d\\0a\\09\\7fz");
    EXPECT_EQ(printed("\xc2\x80|\xc2\x9b|\xc2\x9f"), "\\u{80}|\\u{9b}|\\u{9f}");
    EXPECT_EQ(printed("\xe2\x80\x8e|\xe2\x80\x8f|\xe2\x80\xaa|\xe2\x80\xae|\xe2\x81\xa6|\xe2\x81\xa9"),
              "\\u{200e}|\\u{200f}|\\u{202a}|\\u{202e}|\\u{2066}|\\u{2069}");
    EXPECT_EQ(printed("\xe2\x80\xa8|\xe2\x80\xa9|\xd8\x9c"), "\\u{2028}|\\u{2029}|\\u{61c}");
}

TEST(Printable, ends_with_the_text) {
    const std::string_view text = "ab\xe2\x82\xac";
    EXPECT_EQ(printed(text.substr(0, 1)), "a");
    EXPECT_EQ(printed(text.substr(0, 4)), "ab\\e2\\82");
}

TEST(Printable, escapes_the_first_and_last_of_each_kind) {
    EXPECT_EQ(printed("\x1f \x7e\x7f\x80"), "\\1f ~\\7f\\80");
    EXPECT_EQ(printed("\xd8\x9b|\xd8\x9d|\xe2\x80\x8d|\xe2\x80\x90"),
              "\xd8\x9b|\xd8\x9d|\xe2\x80\x8d|\xe2\x80\x90");
    EXPECT_EQ(printed("\xe2\x81\xa5|\xe2\x81\xaa"), "\xe2\x81\xa5|\xe2\x81\xaa");
}

TEST(Printable, escapes_invalid_utf8) {
    EXPECT_EQ(printed("\xff|\x9b|\xe2\x82"), "\\ff|\\9b|\\e2\\82");
    EXPECT_EQ(printed("\xed\xa0\x80 \xc0\x80"), "\\ed\\a0\\80 \\c0\\80");
}

} // namespace
} // namespace warpbeam
