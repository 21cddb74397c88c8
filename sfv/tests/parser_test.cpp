#include <gtest/gtest.h>
#include <warpbeam/sfv/parser.hpp>

#include <string>

#ifdef __unix__
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace warpbeam::sfv {
namespace {

/// A record of everything a walk reads.
std::string walk(FieldType type, std::string_view field, ParseOptions options = {}) {
    Parser parser{type, field, options};
    std::string seen;
    const auto show = [&](const RawItem& value) {
        seen += name_of(value.type());
        switch (value.type()) {
        case Type::integer:
        case Type::boolean:
        case Type::date:
            seen += ":" + std::to_string(value.integer());
            break;
        case Type::decimal:
            seen += ":" + std::to_string(value.decimal().thousandths);
            break;
        case Type::inner_list:
            break;
        default:
            seen.append(":").append(value.raw());
        }
        seen += ' ';
    };
    const auto parameters = [&] {
        while (parser.next_parameter()) {
            seen.append(";").append(parser.key()).append("=");
            show(parser.value());
        }
    };
    while (parser.next_member()) {
        if (type == FieldType::dictionary)
            seen.append(parser.key()).append("=");
        show(parser.value());
        while (parser.next_inner_item()) {
            seen += "> ";
            show(parser.value());
            parameters();
        }
        parameters();
    }
    if (const auto finished = parser.finish(); !finished)
        return std::string(finished.error().message().view());
    return seen;
}

TEST(Parser, walks_everything) {
    EXPECT_EQ(
        walk(FieldType::dictionary, R"(a=1, b;x;y=2.5, c=("s" t;q=?0);z=@5, d=:AAE=:, a=%"%c3%bc")"),
        "a=integer:1 b=boolean:1 ;x=boolean:1 ;y=decimal:2500 c=inner_list > string:s > token:t ;q=boolean:0 "
        ";z=date:5 d=byte_sequence:AAE= a=display_string:%c3%bc ");
    EXPECT_EQ(walk(FieldType::list, "1\t ,\t 2"), "integer:1 integer:2 ");
    EXPECT_EQ(walk(FieldType::list, "()"), "inner_list ");
    EXPECT_EQ(walk(FieldType::list, "(  )  "), "inner_list ");
    EXPECT_EQ(walk(FieldType::list, ""), "");
    EXPECT_EQ(walk(FieldType::dictionary, "   "), "");
    EXPECT_EQ(walk(FieldType::item, "  a;  b;c  "), "token:a ;b=boolean:1 ;c=boolean:1 ");
}

TEST(Parser, unread_values_are_skipped_but_checked) {
    Parser parser{FieldType::list, "(1 2;x);y=1, 2;z, (3;bad=)"};
    EXPECT_TRUE(parser.next_member());
    EXPECT_TRUE(parser.next_inner_item());
    EXPECT_TRUE(parser.next_member());
    EXPECT_EQ(parser.value().integer(), 2);
    EXPECT_TRUE(parser.next_member());
    EXPECT_TRUE(parser.value().is(Type::inner_list));
    EXPECT_FALSE(parser.next_member());
    EXPECT_EQ(parser.error(), (Error{Reason::bare_item, ')', 25}));
    EXPECT_FALSE(parser.next_inner_item());
    EXPECT_FALSE(parser.next_parameter());
    EXPECT_FALSE(parser.next_member());
    EXPECT_FALSE(parser.finish());
}

TEST(Parser, parameters_of_an_inner_list_skip_its_items) {
    Parser parser{FieldType::list, "(1;a 2;b);c=7, 8"};
    ASSERT_TRUE(parser.next_member());
    ASSERT_TRUE(parser.next_parameter());
    EXPECT_EQ(parser.key(), "c");
    EXPECT_FALSE(parser.next_parameter());
    EXPECT_FALSE(parser.next_inner_item());
    ASSERT_TRUE(parser.next_member());
    EXPECT_EQ(parser.value().integer(), 8);
    EXPECT_FALSE(parser.next_inner_item());
    EXPECT_FALSE(parser.next_member());
    EXPECT_TRUE(parser.finish());
    EXPECT_TRUE(parser.finish());
    EXPECT_FALSE(parser.next_member());
}

TEST(Parser, an_unread_item_of_an_inner_list_may_be_malformed) {
    Parser skipped{FieldType::list, "(1 !);c"};
    ASSERT_TRUE(skipped.next_member());
    EXPECT_FALSE(skipped.next_parameter());
    EXPECT_EQ(skipped.error(), (Error{Reason::bare_item, '!', 3}));
    Parser read{FieldType::list, "(1;! 2)"};
    ASSERT_TRUE(read.next_member());
    ASSERT_TRUE(read.next_inner_item());
    EXPECT_FALSE(read.next_inner_item());
    EXPECT_EQ(read.error(), (Error{Reason::key, '!', 3}));
}

TEST(Parser, the_field_ends_where_it_ends) {
    // What lies after it would complete the escape.
    Parser cut{FieldType::item, std::string_view{R"(%"%c3%bc")"}.substr(0, 4)};
    EXPECT_FALSE(cut.next_member());
    EXPECT_EQ(cut.error(), (Error{Reason::display_hex, Error::found_end, 4}));
}

TEST(Parser, an_escape_at_the_end_does_not_go_on_behind_the_field) {
    const std::string_view text = R"("\"x" )";
    Parser parser{FieldType::item, text.substr(0, 2)};
    EXPECT_FALSE(parser.next_member());
    EXPECT_EQ(parser.error(), (Error{Reason::string_escape, Error::found_end, 2}));
}

#ifdef __unix__
TEST(Parser, reads_nothing_behind_a_field) {
    // The field ends where a page does that can't be read.
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    void* const pages = mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(pages, MAP_FAILED);
    char* const end = static_cast<char*>(pages) + page;
    ASSERT_EQ(mprotect(end, page, PROT_NONE), 0);
    size_t valid = 0, refused = 0;
    for (const std::string_view whole :
         {R"("a\"b\\c")", R"(%"a%41%42%c3%a4b")", R"(%"%41)", ":YWJjZA==:", "a;b=1.25;c=@1", "(a b);x",
          "a=?1, b=-12", R"("a text of more than sixteen characters\")"})
        for (size_t size = 0; size <= whole.size(); ++size) {
            whole.copy(end - size, size);
            for (const FieldType type : {FieldType::item, FieldType::list, FieldType::dictionary})
                ++(Parser{type, {end - size, size}}.finish() ? valid : refused);
        }
    EXPECT_GT(valid, 10u);
    EXPECT_GT(refused, 100u);
    munmap(pages, 2 * page);
}
#endif

TEST(Parser, nothing_is_read_before_the_first_member) {
    Parser parser{FieldType::list, "1;a"};
    EXPECT_FALSE(parser.next_parameter());
    EXPECT_FALSE(parser.next_inner_item());
    EXPECT_EQ(parser.error(), std::nullopt);
    EXPECT_TRUE(parser.next_member());
    EXPECT_TRUE(parser.next_parameter());
}

TEST(Parser, errors_give_position_found_and_expected) {
    EXPECT_EQ(walk(FieldType::item, ""), "expected a bare item, found the end at offset 0");
    EXPECT_EQ(walk(FieldType::item, "1 2"), "expected the end of the field, found '2' at offset 2");
    EXPECT_EQ(walk(FieldType::item, "1\t"), "expected the end of the field, found 0x09 at offset 1");
    EXPECT_EQ(walk(FieldType::item, "(1)"), "expected a bare item, found '(' at offset 0");
    EXPECT_EQ(walk(FieldType::list, "\t1"), "expected a bare item or an inner list, found 0x09 at offset 0");
    EXPECT_EQ(walk(FieldType::list, "1,"), "expected a member after the comma, found the end at offset 2");
    EXPECT_EQ(walk(FieldType::list, "1,,2"), "expected a bare item or an inner list, found ',' at offset 2");
    EXPECT_EQ(walk(FieldType::list, "1 2"),
              "expected a comma or the end of the field, found '2' at offset 2");
    EXPECT_EQ(walk(FieldType::list, "(1\t2)"), "expected a space or ')', found 0x09 at offset 2");
    EXPECT_EQ(walk(FieldType::list, "(1 2"), "expected a space or ')', found the end at offset 4");
    EXPECT_EQ(walk(FieldType::list, "((1))"), "expected a bare item, found '(' at offset 1");
    EXPECT_EQ(walk(FieldType::list, "\"a\"\"b\""),
              "expected a comma or the end of the field, found '\"' at offset 3");
    EXPECT_EQ(walk(FieldType::dictionary, "A=1"),
              "expected a key, which begins with a lower-case letter or '*', found 'A' at offset 0");
    EXPECT_EQ(walk(FieldType::dictionary, "a=1;=2"),
              "expected a key, which begins with a lower-case letter or '*', found '=' at offset 4");
    EXPECT_EQ(walk(FieldType::dictionary, "a="),
              "expected a bare item or an inner list, found the end at offset 2");
    EXPECT_EQ(walk(FieldType::dictionary, "a= 1"),
              "expected a bare item or an inner list, found 0x20 at offset 2");
    EXPECT_EQ(walk(FieldType::dictionary, "a =1"),
              "expected a comma or the end of the field, found '=' at offset 2");
    EXPECT_EQ(walk(FieldType::item, "a;\tb"),
              "expected a key, which begins with a lower-case letter or '*', found 0x09 at offset 2");
    EXPECT_EQ(walk(FieldType::item, "?2"), "expected '0' or '1', found '2' at offset 1");
    EXPECT_EQ(walk(FieldType::item, "?"), "expected '0' or '1', found the end at offset 1");
    EXPECT_EQ(walk(FieldType::item, "\"a\\b\""),
              "expected '\"' or '\\' after the backslash, found 'b' at offset 3");
    EXPECT_EQ(walk(FieldType::item, "\"a\\"),
              "expected '\"' or '\\' after the backslash, found the end at offset 3");
    EXPECT_EQ(walk(FieldType::item, "%x"), "expected '\"' after '%', found 'x' at offset 1");
    EXPECT_EQ(walk(FieldType::item, "%\"%C3\""),
              "expected two lower-case hexadecimal digits after '%', found 'C' at offset 3");
    EXPECT_EQ(walk(FieldType::item, "%\"%cz\""),
              "expected two lower-case hexadecimal digits after '%', found 'z' at offset 4");
    EXPECT_EQ(walk(FieldType::item, "@1.5"), "expected no decimal point in a date, found '.' at offset 2");
    EXPECT_EQ(walk(FieldType::item, "@"), "expected a digit, found the end at offset 1");
}

TEST(Parser, rfc_8941_has_no_dates_or_display_strings) {
    const ParseOptions old{.rfc8941 = true};
    const std::string what =
        "expected a bare item of RFC 8941, which has no dates or display strings, found '";
    EXPECT_EQ(walk(FieldType::item, "@1", old), what + "@' at offset 0");
    EXPECT_EQ(walk(FieldType::list, "a, %\"x\"", old), what + "%' at offset 3");
    EXPECT_EQ(walk(FieldType::item, "a;b=@1", old), what + "@' at offset 4");
    EXPECT_EQ(walk(FieldType::item, "1.5;a=:AA==:", old), "decimal:1500 ;a=byte_sequence:AA== ");
}

TEST(Parser, decodes_on_request) {
    char buffer[32];
    const auto decode = [&](std::string_view field) -> std::string {
        Parser parser{FieldType::item, field};
        EXPECT_TRUE(parser.next_member()) << field;
        const RawItem& value = parser.value();
        EXPECT_EQ(value.needs_decoding(), value.decode_capacity() != 0);
        if (value.needs_decoding()) {
            EXPECT_FALSE(value.decode({buffer, value.decode_capacity() - 1}));
        }
        return std::string(*value.decode(std::span{buffer}.first(value.decode_capacity())));
    };
    EXPECT_EQ(decode(R"("a\"b\\c")"), R"(a"b\c)");
    EXPECT_EQ(decode(R"("\\")"), "\\");
    EXPECT_EQ(decode("\"plain\""), "plain");
    EXPECT_EQ(decode("\"\""), "");
    EXPECT_EQ(decode("tok/en:"), "tok/en:");
    EXPECT_EQ(decode("::"), "");
    EXPECT_EQ(decode(":aGVsbG8=:"), "hello");
    EXPECT_EQ(decode(":aGVsbG8:"), "hello");
    EXPECT_EQ(decode("%\"f%c3%bc %25%22\""), "f\u00fc %\"");
    EXPECT_EQ(decode("%\"plain\""), "plain");
    Parser parser{FieldType::item, "\"plain\""};
    ASSERT_TRUE(parser.next_member());
    EXPECT_FALSE(parser.value().needs_decoding());
}

} // namespace
} // namespace warpbeam::sfv
