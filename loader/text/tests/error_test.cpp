#include "wat.hpp"

namespace warpbeam::text {
namespace {

TEST(TextError, shows_the_line_with_a_caret) {
    EXPECT_EQ(message("(module\n  (func $f\n    i32.addd\n  )\n)"), "3:5: unknown operator i32.addd\n"
                                                                    "    i32.addd\n"
                                                                    "    ^");
}

TEST(TextError, an_end_that_comes_too_early_is_behind_the_last_token) {
    EXPECT_EQ(message("(module\n  (func $f\n\n ;; blank\n\n"),
              "2:11: unexpected end of text, expected \")\"\n"
              "  (func $f\n"
              "          ^");
}

TEST(TextError, its_offset_is_that_in_the_text) {
    const auto refused = parse_wat("(func)\n(fun)");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::malformed);
    EXPECT_EQ(refused.error().offset(), 8u);
}

TEST(TextError, columns_count_characters) {
    EXPECT_EQ(message("(func $\"\xce\xbb\"\t(; \xe2\x82\xac ;) foo)"),
              "1:20: unknown operator foo\n"
              "(func $\"\xce\xbb\" (; \xe2\x82\xac ;) foo)\n"
              "                   ^");
}

TEST(TextError, lines_end_in_every_usual_way) {
    EXPECT_EQ(message("\n\r\n\rfoo").substr(0, 4), "4:1:");
    EXPECT_EQ(message("(func\r\n  foo\r\n)"), "2:3: unknown operator foo\n  foo\n  ^");
}

TEST(TextError, a_long_line_is_cut_around_the_place) {
    const std::string text = "(func " + std::string(1000, ' ') + "foo" + std::string(1000, ' ') + ")";
    const std::string found = message(text);
    const size_t second = found.find('\n') + 1;
    const size_t third = found.find('\n', second) + 1;
    EXPECT_EQ(found.substr(0, second), "1:1007: unknown operator foo\n");
    EXPECT_EQ(third - second - 1, 80u);
    EXPECT_EQ(found.substr(second).find("foo"), found.substr(third).find('^'));
}

TEST(TextError, shows_nothing_that_is_not_text) {
    const std::string found = message("(func \x1b[31m \xff)");
    EXPECT_EQ(found, "1:7: illegal character\n(func ?[31m ?)\n      ^");
}

TEST(TextError, at_the_end_of_the_text) {
    EXPECT_EQ(message("(module (func\n"), "1:14: unexpected end of text, expected \")\"\n"
                                          "(module (func\n"
                                          "             ^");
    EXPECT_EQ(message("(module))"), "1:9: unexpected token \")\", expected the end of the text\n"
                                    "(module))\n"
                                    "        ^");
}

TEST(TextError, lines_may_begin_elsewhere) {
    TextOptions options;
    options.first_line = 40;
    const auto refused = parse_wat("(module\n(foo))", options);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message().substr(0, 5), "41:2:");
}

TEST(TextError, of_quoted_text_is_about_that_text) {
    EXPECT_EQ(message("(module quote \"(func\\n\" \" foo)\")"), "2:2: unknown operator foo\n foo)\n ^");
}

TEST(TextError, names_that_are_unknown_or_taken) {
    EXPECT_EQ(fault("(func (call $f))"), "unknown function $f");
    EXPECT_EQ(fault("(func (local.get $x))"), "unknown local $x");
    EXPECT_EQ(fault("(func (global.get $\"x y\"))"), "unknown global $\"x y\"");
    EXPECT_EQ(fault("(func $f) (func $\"f\")"), "duplicate function $f");
    EXPECT_EQ(fault("(func (param $x i32) (local $x i32))"), "duplicate local");
    EXPECT_EQ(fault("(memory $m 0) (data $m) (data $m)"), "duplicate data segment $m");
}

} // namespace
} // namespace warpbeam::text
