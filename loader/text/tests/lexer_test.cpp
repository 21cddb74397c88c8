#include <gtest/gtest.h>
#include <warpbeam/text/lexer.hpp>

#include <string>
#include <vector>

namespace warpbeam::text {
namespace {

using enum TokenKind;

std::vector<TokenKind> kinds(std::string_view text) {
    std::vector<TokenKind> all;
    for (Lexer lexer{text};;) {
        const Token token = lexer.next();
        if (token.kind == end)
            return all;
        all.push_back(token.kind);
        if (token.kind == error)
            return all;
    }
}
using Kinds = std::vector<TokenKind>;

/// What is wrong with a text, and where.
std::string problem(std::string_view text) {
    for (Lexer lexer{text};;) {
        const Token token = lexer.next();
        if (token.kind == end)
            return "";
        if (token.kind == error)
            return std::to_string(token.begin) + ": " + lexer.problem();
    }
}

std::string decoded(std::string_view token) {
    Vec<uint8_t> bytes;
    EXPECT_TRUE(append_decoded(token, bytes));
    return {bytes.begin(), bytes.end()};
}

TEST(Lexer, distinguishes_kinds_of_tokens) {
    EXPECT_EQ(kinds("( ) func $f 0 -1 +1 1.5 \"s\" 0$x"),
              (Kinds{lpar, rpar, keyword, id, natural, integer, integer, floating, string, reserved}));
}

TEST(Lexer, numbers) {
    for (const char* text : {"0", "1_000", "0xAb_c"})
        EXPECT_EQ(kinds(text), Kinds{natural}) << text;
    for (const char* text : {"0.", "1.5e-3", "0x1p4", "0x.", "inf", "-nan", "nan:0x1", "1e5", "0x1.8P+2"})
        EXPECT_EQ(kinds(text), text == std::string_view{"0x."} ? Kinds{reserved} : Kinds{floating}) << text;
    for (const char* text : {"_1", "1_", "1__0", "0x", "0x_1", "1e", "1e_5", ".5", "0x1.8p", "nan:1",
                             "nan:0x", "1.5.5", "0b1", "--1"}) {
        const Kinds found = kinds(text);
        ASSERT_EQ(found.size(), 1u) << text;
        EXPECT_TRUE(found[0] == reserved || found[0] == keyword) << text;
    }
}

TEST(Lexer, tokens_need_a_separator) {
    EXPECT_EQ(kinds("i32.const\"a\""), Kinds{reserved});
    EXPECT_EQ(kinds("\"a\"\"b\""), Kinds{reserved});
    EXPECT_EQ(kinds("\"a\"b"), Kinds{reserved});
    EXPECT_EQ(kinds("$a\"b\""), Kinds{reserved});
    EXPECT_EQ(kinds("$x(nop)"), (Kinds{id, lpar, keyword, rpar}));
    EXPECT_EQ(kinds("\"a\"(\"b\")"), (Kinds{string, lpar, string, rpar}));
    EXPECT_EQ(kinds("a,b"), (Kinds{keyword, reserved, keyword}));
}

TEST(Lexer, comments_nest_and_end_with_the_line) {
    EXPECT_EQ(kinds("a ;; b\nc ;; d\re"), (Kinds{keyword, keyword, keyword}));
    EXPECT_EQ(kinds("a(; b (; c ;) d ;)e"), (Kinds{keyword, keyword}));
    EXPECT_EQ(kinds("(;;)"), Kinds{});
    EXPECT_EQ(kinds("(;(;;);)"), Kinds{});
    EXPECT_EQ(problem(" (; (; ;)"), "1: unclosed comment");
    EXPECT_EQ(problem(";; \xff"), "3: malformed UTF-8 encoding");
    EXPECT_EQ(problem("(; \xc0\x80 ;)"), "3: malformed UTF-8 encoding");
    EXPECT_EQ(problem("(; \xce\xbb ;) ;; \xf0\x9f\x98\x80"), "");
}

TEST(Lexer, strings_can_hold_any_bytes) {
    EXPECT_EQ(decoded(R"("a\t\n\r\"\'\\b")"), "a\t\n\r\"'\\b");
    EXPECT_EQ(decoded(R"("\00\fF\7f")"), std::string("\0\xff\x7f", 3));
    EXPECT_EQ(decoded(R"("\u{24}\u{3bb}\u{20ac}\u{10_348}\u{10ffff}")"),
              "$\xce\xbb\xe2\x82\xac\xf0\x90\x8d\x88\xf4\x8f\xbf\xbf");
    EXPECT_EQ(decoded("$\"a b\""), "a b");
    EXPECT_EQ(decoded("$ab"), "ab");
    EXPECT_EQ(decoded("$\\n"), "\\n"); // escapes are for strings only
}

TEST(Lexer, malformed_strings) {
    EXPECT_EQ(problem(" \"abc"), "1: unclosed string literal");
    EXPECT_EQ(problem("\"a\nb\""), "0: unclosed string literal");
    EXPECT_EQ(problem("\"a\tb\""), "2: illegal control character in string literal");
    EXPECT_EQ(problem("\"a\x7f\""), "2: illegal control character in string literal");
    EXPECT_EQ(problem("\"\\z\""), "1: illegal escape");
    EXPECT_EQ(problem("\"\\a\""), "1: illegal escape");
    EXPECT_EQ(problem("\"\\u{}\""), "1: illegal escape");
    EXPECT_EQ(problem("\"\\u{12"), "1: illegal escape");
    EXPECT_EQ(problem("\"\\u{d800}\""), "1: illegal escape: a surrogate");
    EXPECT_EQ(problem("\"\\u{110000}\""), "1: illegal escape: beyond U+10FFFF");
    EXPECT_EQ(problem("\"\\u{ffffffffffffffffffff}\""), "1: illegal escape: beyond U+10FFFF");
    EXPECT_EQ(problem("\"\xed\xa0\x80\""), "1: malformed UTF-8 encoding");
    EXPECT_EQ(problem("\"\\"), "1: illegal escape");
}

TEST(Lexer, identifiers_of_either_form) {
    EXPECT_EQ(kinds("$a $\"a b\" $!#$%&'*+-./:<=>?@\\^_`|~"), (Kinds{id, id, id}));
    EXPECT_EQ(problem("$"), "0: empty identifier");
    EXPECT_EQ(problem("$\"\""), "0: empty identifier");
    EXPECT_EQ(problem("$\"\\ff\""), "0: malformed UTF-8 encoding");
    EXPECT_EQ(problem("$\"\\ce\\bb\""), "");
}

TEST(Lexer, annotations_are_skipped_but_must_be_well_formed) {
    EXPECT_EQ(kinds("a (@x b (c) \")\" , ;) d"), (Kinds{keyword, keyword}));
    EXPECT_EQ(kinds("(@\"x y\" (@y (; ) ;)))"), Kinds{});
    EXPECT_EQ(problem("(@x (y)"), "0: unclosed annotation");
    EXPECT_EQ(problem("(@x (; y)"), "4: unclosed comment");
    EXPECT_EQ(problem("(@)"), "2: empty annotation id");
    EXPECT_EQ(problem("(@\"\")"), "2: empty annotation id");
    EXPECT_EQ(problem("(@\"\\ef\")"), "2: malformed UTF-8 encoding");
    EXPECT_EQ(problem("(@x \x01)"), "4: illegal character");
    EXPECT_EQ(kinds("( @x)"), (Kinds{lpar, reserved, rpar}));
}

TEST(Lexer, reports_known_annotations) {
    Lexer lexer{"(@other (@custom \"no\")) (@custom \"a\") (@x) (@name \"b\") func"};
    const Token token = lexer.next();
    EXPECT_EQ(lexer.text(token), "func");
    ASSERT_NE(token.annotation, Token::no_annotation);
    EXPECT_EQ(known_annotation(lexer.text().substr(token.annotation)), "custom");
    const auto first = lexer.annotation_at(token.annotation);
    EXPECT_EQ(lexer.text().substr(0, first.end), "(@other (@custom \"no\")) (@custom \"a\")");
    ASSERT_NE(first.next, Token::no_annotation);
    EXPECT_EQ(known_annotation(lexer.text().substr(first.next)), "name");
    EXPECT_EQ(lexer.annotation_at(first.next).next, Token::no_annotation);
}

TEST(Lexer, errors_are_permanent) {
    Lexer lexer{"a \x80 b"};
    EXPECT_EQ(lexer.next().kind, keyword);
    EXPECT_EQ(lexer.next().kind, error);
    EXPECT_EQ(lexer.next().kind, error);
}

TEST(Utf8, is_checked_strictly) {
    for (const std::string_view good : {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                                        "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
        EXPECT_TRUE(is_utf8(good)) << good;
    for (const std::string_view bad :
         {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe1\x80",
          "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc2\x41"})
        EXPECT_FALSE(is_utf8(bad));
}

} // namespace
} // namespace warpbeam::text
