// Every byte value in every kind of position, and the grammar's edge cases.

#include "agreement.hpp"

#include <gtest/gtest.h>
#include <warpbeam/sfv/document.hpp>

namespace warpbeam::sfv {
namespace {

template <typename T>
bool accepts(std::string_view field, ParseOptions options = {}) {
    const std::string_view lines[] = {field};
    const char* const fault = testing::disagreement<T>(lines, options);
    EXPECT_EQ(fault, nullptr) << fault << ": " << field;
    return T::parse(field, options).has_value();
}

/// The bytes that are accepted instead of the `#`, as a list.
template <typename T>
std::string accepted(std::string_view pattern) {
    std::string bytes;
    const size_t place = pattern.find('#');
    for (int byte = 0; byte < 256; ++byte) {
        std::string field{pattern};
        field[place] = static_cast<char>(byte);
        if (accepts<T>(field))
            bytes += static_cast<char>(byte);
    }
    return bytes;
}

const std::string lower = "abcdefghijklmnopqrstuvwxyz";
const std::string upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const std::string digits = "0123456789";

/// The printable ASCII characters except those in `except`.
std::string printable_but(std::string_view except) {
    std::string bytes;
    for (char c = 0x20; c < 0x7f; ++c)
        if (except.find(c) == std::string_view::npos)
            bytes += c;
    return bytes;
}

TEST(Grammar, every_byte_in_a_key) {
    EXPECT_EQ(accepted<Dictionary>("#"), " *" + lower);
    EXPECT_EQ(accepted<Dictionary>("#b=1"), " *" + lower);
    EXPECT_EQ(accepted<Dictionary>("a#b=1"), "*,-." + digits + ";_" + lower);
    EXPECT_EQ(accepted<Dictionary>("aaaaaaaaaaaaaaaaaaaa#=1"), "*-." + digits + "_" + lower);
    EXPECT_EQ(accepted<Item>("1;a#b=1"), "*-." + digits + ";_" + lower);
}

TEST(Grammar, every_byte_in_a_token) {
    const std::string tchar = "!#$%&'*+-./" + digits + ":" + upper + "^_`" + lower + "|~";
    EXPECT_EQ(accepted<Item>("#"), "*" + digits + upper + lower);
    EXPECT_EQ(accepted<Item>("#a"), " *" + upper + lower);
    EXPECT_EQ(accepted<Item>("a#"), " " + tchar);
    EXPECT_EQ(accepted<Item>("a#b"), "!#$%&'*+-./" + digits + ":;" + upper + "^_`" + lower + "|~");
    EXPECT_EQ(accepted<Item>("aaaaaaaaaaaaaaaaa#bbbbbbbbbbbbbbbbb"),
              "!#$%&'*+-./" + digits + ":;" + upper + "^_`" + lower + "|~");
}

TEST(Grammar, every_byte_in_a_string) {
    EXPECT_EQ(accepted<Item>("\"#\""), printable_but("\"\\"));
    EXPECT_EQ(accepted<Item>("\"\\#\""), "\"\\");
    EXPECT_EQ(accepted<Item>("\"0123456789abcdef0#23456789abcdef\""), printable_but("\"\\"));
    EXPECT_EQ(accepted<Item>("\"0123456789abcdef012345678#\""), printable_but("\"\\"));
}

TEST(Grammar, every_byte_in_a_byte_sequence) {
    const std::string base64 = "+/" + digits + upper + lower;
    EXPECT_EQ(accepted<Item>(":A#AA:"), base64);
    EXPECT_EQ(accepted<Item>(":AAA#:"), "+/" + digits + "=" + upper + lower);
    EXPECT_EQ(accepted<Item>(":AAAAAAAAAAAAAAAAA#AAAAAAAAAAAAAA:"), base64);
}

TEST(Grammar, every_byte_in_a_display_string) {
    EXPECT_EQ(accepted<Item>("%\"#\""), printable_but("\"%"));
    EXPECT_EQ(accepted<Item>("%\"%#1\""), "01234567");
    EXPECT_EQ(accepted<Item>("%\"%4#\""), digits + "abcdef");
    EXPECT_EQ(accepted<Item>("%#x\""), "\"");
}

TEST(Grammar, every_byte_in_numbers_and_booleans) {
    EXPECT_EQ(accepted<Item>("1#"), " " + digits);
    EXPECT_EQ(accepted<Item>("-#"), digits);
    EXPECT_EQ(accepted<Item>("1#5"), "." + digits);
    EXPECT_EQ(accepted<Item>("1.#"), digits);
    EXPECT_EQ(accepted<Item>("?#"), "01");
    EXPECT_EQ(accepted<Item>("@#"), digits);
    EXPECT_EQ(accepted<Item>("@#1"), "-" + digits);
}

TEST(Grammar, every_byte_between_members) {
    EXPECT_EQ(accepted<List>("1#,2"), "\t " + digits);
    EXPECT_EQ(accepted<List>("1,#2"), "\t *-" + digits + "@" + upper + lower);
    EXPECT_EQ(accepted<List>("(a#?1)"), " ");
    EXPECT_EQ(accepted<List>("(#)"), " *" + digits + upper + lower);
    EXPECT_EQ(accepted<List>("(a)#"), "\t ");
    EXPECT_EQ(accepted<Item>("a;#b"), " *" + lower);
    EXPECT_EQ(accepted<Item>("#1"), " *-" + digits + "?@" + upper + lower);
}

TEST(Grammar, spaces_and_tabs) {
    EXPECT_TRUE(accepts<List>("  1  "));
    EXPECT_TRUE(accepts<List>("1\t"));
    EXPECT_TRUE(accepts<List>("1 \t , \t 2"));
    EXPECT_FALSE(accepts<List>("\t1"));
    EXPECT_FALSE(accepts<List>("\t"));
    EXPECT_FALSE(accepts<Item>("1\t"));
    EXPECT_TRUE(accepts<Item>("a;  b;c"));
    EXPECT_FALSE(accepts<Item>("a ;b"));
    EXPECT_FALSE(accepts<Item>("a;b =1"));
    EXPECT_FALSE(accepts<Item>("a;b= 1"));
    EXPECT_FALSE(accepts<List>("(a) ;b"));
    EXPECT_TRUE(accepts<List>("( a  b )"));
    EXPECT_TRUE(accepts<List>("(a;x  b);y"));
}

TEST(Grammar, base64_padding) {
    for (const char* const good : {"::", ":AA==:", ":AA:", ":AAA=:", ":AAA:", ":AAAA:", ":/+==:"})
        EXPECT_TRUE(accepts<Item>(good)) << good;
    for (const char* const bad :
         {":", ":A:", ":A=:", ":A==:", ":A===:", ":AA=:", ":AA===:", ":AAA==:", ":AAAA=:", ":=:", ":====:",
          ":AA==AA==:", ":AA==", ":AA=", ":AAAAA:", ":A A=:", ":-_==:"})
        EXPECT_FALSE(accepts<Item>(bad)) << bad;
    EXPECT_EQ(Item::parse(":AA===:").error(), (Error{Reason::base64, '=', 5}));
    EXPECT_EQ(Item::parse(":AAAA=:").error(), (Error{Reason::base64, '=', 5}));
    EXPECT_EQ(Item::parse(":AA=:").error(), (Error{Reason::base64_padding, ':', 4}));
    const ParseOptions padded{.strict_padding = true};
    EXPECT_FALSE(accepts<Item>(":AA:", padded));
    EXPECT_FALSE(accepts<Item>(":AAA:", padded));
    EXPECT_TRUE(accepts<Item>(":AA==:", padded));
    EXPECT_TRUE(accepts<Item>("::", padded));
    const ParseOptions zero{.strict_pad_bits = true};
    EXPECT_TRUE(accepts<Item>(":iZ==:"));
    EXPECT_FALSE(accepts<Item>(":iZ==:", zero));
    EXPECT_FALSE(accepts<Item>(":iZ:", zero));
    size_t twos = 0;
    size_t threes = 0;
    for (const char c : upper + lower + digits + "+/") {
        twos += accepts<Item>(std::string(":A") + c + "==:", zero);
        threes += accepts<Item>(std::string(":AA") + c + "=:", zero);
    }
    EXPECT_EQ(twos, 4U);
    EXPECT_EQ(threes, 16U);
}

/// Percent-encodes all bytes.
std::string display(std::string_view bytes) {
    constexpr std::string_view hex = "0123456789abcdef";
    std::string field = "%\"";
    for (const char c : bytes)
        field.append({'%', hex[static_cast<uint8_t>(c) >> 4], hex[static_cast<uint8_t>(c) & 15]});
    return field + "\"";
}

TEST(Grammar, utf8_in_display_strings) {
    using namespace std::string_view_literals;
    for (const std::string_view good :
         {"\xc2\x80"sv, "\xdf\xbf"sv, "\xe0\xa0\x80"sv, "\xed\x9f\xbf"sv, "\xee\x80\x80"sv, "\xef\xbb\xbf"sv,
          "\xf0\x90\x80\x80"sv, "\xf4\x8f\xbf\xbf"sv, "\0\n\r\x7f"sv})
        EXPECT_TRUE(accepts<Item>(display(good))) << display(good);
    for (const std::string_view bad :
         {"\x80"sv, "\xbf"sv, "\xc0\x80"sv, "\xc1\xbf"sv, "\xc2"sv, "\xc2\x41"sv, "\xc2\xc2"sv,
          "\xe0\x9f\xbf"sv, "\xed\xa0\x80"sv, "\xed\xbf\xbf"sv, "\xe1\x80"sv, "\xf0\x8f\xbf\xbf"sv,
          "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv, "\xf1\x80\x80"sv, "\xff"sv, "\xfe"sv})
        EXPECT_FALSE(accepts<Item>(display(bad))) << display(bad);
    EXPECT_FALSE(accepts<Item>("%\"%c3 %bc\""));
    EXPECT_FALSE(accepts<Item>("%\"\xc3\xbc\""));
}

TEST(Grammar, dates) {
    const ParseOptions strict{.strict_dates = true};
    for (const char* const date : {"@0", "@-0", "@-62135596800", "@253402300799"})
        EXPECT_TRUE(accepts<Item>(date, strict)) << date;
    for (const char* const date :
         {"@-62135596801", "@253402300800", "@999999999999999", "@-999999999999999"}) {
        EXPECT_TRUE(accepts<Item>(date)) << date;
        EXPECT_FALSE(accepts<Item>(date, strict)) << date;
    }
    for (const char* const bad : {"@1000000000000000", "@", "@-", "@a", "@ 1", "@1.0", "@--1", "@+1"})
        EXPECT_FALSE(accepts<Item>(bad)) << bad;
    EXPECT_EQ(Item::parse("  @-62135596801", strict).error(), (Error{Reason::date_range, '-', 3}));
    EXPECT_EQ(Item::parse("  @253402300800", strict).error(), (Error{Reason::date_range, '2', 3}));
}

TEST(Grammar, tokens_are_what_the_parser_reads_as_a_token) {
    EXPECT_FALSE(chars::is_token(""));
    for (int first = 0; first < 256; ++first) {
        const std::string one(1, static_cast<char>(first));
        const auto item = Item::parse(one);
        EXPECT_EQ(chars::is_token(one), item && item->value.is(Type::token)) << first;
        const auto longer = Item::parse("a" + one + "b");
        EXPECT_EQ(chars::is_token("a" + one + "b"), longer && longer->parameters.empty()) << first;
    }
}

TEST(Grammar, all_lengths_around_scanner_blocks) {
    for (size_t size = 1; size < 70; ++size) {
        const std::string run(size, 'a');
        EXPECT_TRUE(accepts<Item>(run));
        EXPECT_TRUE(accepts<Item>("\"" + run + "\";" + run));
        EXPECT_TRUE(accepts<Dictionary>(run + "=" + run + ", b" + run));
        EXPECT_EQ(accepts<Item>(":" + run + ":"), size % 4 != 1);
        EXPECT_FALSE(accepts<Item>("\"" + run));
        EXPECT_FALSE(accepts<Item>("\"" + run + "\x80\""));
        EXPECT_FALSE(accepts<Item>(run + "("));
    }
}

TEST(Grammar, large_fields) {
    constexpr size_t megabyte = 1 << 20;
    EXPECT_TRUE(accepts<Item>("\"" + std::string(megabyte, 'x') + "\""));
    EXPECT_TRUE(accepts<Item>("t" + std::string(megabyte, '/')));
    EXPECT_TRUE(accepts<Item>(":" + std::string(megabyte, 'A') + ":"));
    EXPECT_TRUE(accepts<Item>("a;" + std::string(megabyte, 'k')));
    EXPECT_TRUE(accepts<Item>("a;" + std::string(megabyte, ' ') + "k"));
    EXPECT_FALSE(accepts<Item>(std::string(megabyte, '1')));
    EXPECT_FALSE(accepts<Item>("1." + std::string(megabyte, '0')));
    std::string parameters = "a";
    std::string members;
    std::string same = "k=0";
    for (size_t i = 0; parameters.size() < megabyte; ++i) {
        parameters += ";k" + std::to_string(i);
        members += (i == 0 ? "k" : ",k") + std::to_string(i);
        same += ",k";
    }
    EXPECT_TRUE(accepts<Item>(parameters));
    EXPECT_TRUE(accepts<Dictionary>(members));
    EXPECT_TRUE(accepts<Dictionary>(same));
    EXPECT_EQ(Dictionary::parse(same)->size(), 1U);
    std::string list = "(";
    while (list.size() < megabyte)
        list += "1 ";
    EXPECT_TRUE(accepts<List>(list + ")"));
    EXPECT_FALSE(accepts<List>(list));
}

} // namespace
} // namespace warpbeam::sfv
