// Runs of characters of every length that the scanning functions treat differently, with and without a
// character that does not belong to them at each position. The fields lie in blocks of their exact size, so
// that AddressSanitizer notices a read beyond an end. Each is read by a local parser, which the compiler
// keeps in registers, and by one that other functions see.

#include <gtest/gtest.h>
#include <warpbeam/sfv/chars.hpp>
#include <warpbeam/sfv/parser.hpp>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

namespace warpbeam::sfv {
namespace {

/// A copy of a field in a block without room before or after it.
class Exact {
public:
    explicit Exact(std::string_view text) : bytes_{new char[text.size()]}, size_{text.size()} {
        std::copy(text.begin(), text.end(), bytes_.get());
    }
    [[nodiscard]] std::string_view view() const { return {bytes_.get(), size_}; }

private:
    std::unique_ptr<char[]> bytes_;
    size_t size_;
};

std::string text_of(const RawItem& value) {
    switch (value.type()) {
    case Type::integer:
    case Type::date:
        return std::to_string(value.integer());
    case Type::decimal:
        return std::to_string(value.decimal().thousandths) + "/1000";
    case Type::boolean:
        return value.boolean() ? "?1" : "?0";
    case Type::inner_list:
        return "()";
    default:
        break;
    }
    std::string buffer(value.decode_capacity(), '\0');
    return std::string(*value.decode(buffer));
}

[[gnu::noinline]] bool next_member(Parser& parser) { return parser.next_member(); }
[[gnu::noinline]] bool next_parameter(Parser& parser) { return parser.next_parameter(); }
[[gnu::noinline]] bool next_inner_item(Parser& parser) { return parser.next_inner_item(); }

/// The keys and values of a field, each after a character for what it is; or the error.
template <FieldType type>
std::string read(std::string_view text, ParseOptions options = {}) {
    const Exact field{text};
    const auto walk = [&] [[gnu::always_inline]] (auto& parser, const auto& member, const auto& inner,
                                                  const auto& parameter) {
        std::string all;
        const auto parameters = [&] [[gnu::always_inline]] {
            while (parameter(parser))
                all.append(";").append(parser.key()).append("=").append(text_of(parser.value()));
        };
        while (member(parser)) {
            all.append(",").append(type == FieldType::dictionary ? parser.key() : "").append("=");
            all.append(text_of(parser.value()));
            while (inner(parser)) {
                all.append(" ").append(text_of(parser.value()));
                parameters();
            }
            parameters();
        }
        const auto finished = parser.finish();
        return finished ? all : std::string(finished.error().message().view());
    };
    Parser local{type, field.view(), options};
    const std::string all = walk(
        local, [](Parser& parser) { return parser.next_member(); },
        [](Parser& parser) { return parser.next_inner_item(); },
        [](Parser& parser) { return parser.next_parameter(); });
    Parser seen{type, field.view(), options};
    EXPECT_EQ(all, walk(seen, next_member, next_inner_item, next_parameter)) << text;
    return all;
}

std::string item(std::string_view text, ParseOptions options = {}) {
    return read<FieldType::item>(text, options);
}
std::string list(std::string_view text) { return read<FieldType::list>(text); }
std::string dictionary(std::string_view text) { return read<FieldType::dictionary>(text); }

/// What `read` returns for a field with an error at this offset.
std::string expected(Reason reason, std::string_view text, size_t at) {
    const int found = at < text.size() ? static_cast<uint8_t>(text[at]) : Error::found_end;
    return std::string(Error{reason, found, at}.message().view());
}

/// Characters of a class, all of them if there are enough.
std::string run_of(unsigned mask, size_t size) {
    std::string all;
    for (int c = 0; c < 256; ++c)
        if (chars::is(static_cast<char>(c), mask))
            all += static_cast<char>(c);
    std::string run;
    while (run.size() < size)
        run += all[(run.size() * 7 + size) % all.size()];
    return run;
}

constexpr size_t longest = 70; ///< more than four blocks of sixteen
constexpr char others[] = {'\0', '\t', '\x1f', ' ', '"',    '\\',   '%',   ',',
                           ';',  '=',  ')',    ':', '\x7f', '\x80', '\xff'};
const std::string befores[] = {"", "a=1, ", "a=1;bcdefghijkl=2, "}; // the run begins at various offsets

TEST(Edges, the_longest_messages_are_complete) {
    const std::string offset = std::to_string(SIZE_MAX);
    for (int reason = 0; reason <= static_cast<int>(Reason::out_of_memory); ++reason) {
        const auto message = [&](int found) {
            return std::string(Error{static_cast<Reason>(reason), found, SIZE_MAX}.message().view());
        };
        const std::string phrase{describe(static_cast<Reason>(reason))};
        for (const int found : {Error::found_end, int{'a'}, 0xff, -3})
            EXPECT_TRUE(message(found).ends_with(" at offset " + offset)) << message(found);
        const bool has_size = static_cast<Reason>(reason) == Reason::buffer_too_small;
        EXPECT_EQ(message(Error::found_nothing),
                  has_size ? phrase + ": " + offset + " bytes are needed" : phrase);
    }
}

TEST(Edges, tokens_end_at_the_first_other_character) {
    for (size_t size = 1; size <= longest; ++size) {
        const std::string token = "T" + run_of(chars::token_char, size - 1);
        EXPECT_EQ(item(token), ",=" + token);
        EXPECT_EQ(list("1," + token + ",2"), ",=1,=" + token + ",=2");
        EXPECT_EQ(list("(" + token + ")"), ",=() " + token);
        EXPECT_EQ(item("1;p=" + token + ";q"), ",=1;p=" + token + ";q=?1");
        for (const char other : others)
            if (!chars::is(other, chars::token_char) && other != ';' && other != ' ') {
                const std::string text = token + other + token;
                EXPECT_EQ(item(text), expected(Reason::end, text, size));
            }
    }
}

TEST(Edges, keys_end_at_the_first_other_character) {
    for (size_t size = 1; size <= longest; ++size) {
        const std::string key = "k" + run_of(chars::key_char, size - 1);
        EXPECT_EQ(dictionary(key), "," + key + "=?1");
        EXPECT_EQ(dictionary(key + "=" + key), "," + key + "=" + key);
        EXPECT_EQ(item("1;" + key), ",=1;" + key + "=?1");
        EXPECT_EQ(item("1; " + key + "=2"), ",=1;" + key + "=2");
        EXPECT_EQ(list("(1;" + key + "=2)"), ",=() 1;" + key + "=2");
        for (const char other : others)
            if (std::strchr("\t ,;=", other) == nullptr || other == '\0') {
                const std::string text = key + other + key;
                EXPECT_EQ(dictionary(text), expected(Reason::comma_or_end, text, size));
            }
    }
}

TEST(Edges, strings_contain_only_their_characters) {
    for (const std::string& before : befores)
        for (size_t size = 0; size <= longest; ++size) {
            const std::string run = run_of(chars::string_char, size);
            const std::string start = before + "s=\"";
            const std::string text = start + run + '"';
            const std::string value = dictionary(text);
            EXPECT_TRUE(value.ends_with(",s=" + run)) << text;
            EXPECT_EQ(dictionary(start + run),
                      expected(Reason::string_char, start + run, start.size() + size));
            for (size_t at = 0; at < size; ++at) {
                const auto with = [&](std::string_view piece) {
                    return start + run.substr(0, at) + std::string(piece) + run.substr(at) + '"';
                };
                for (const char other : {'\0', '\x1f', '\x7f', '\x80', '\xff'})
                    EXPECT_EQ(dictionary(with({&other, 1})),
                              expected(Reason::string_char, with({&other, 1}), start.size() + at));
                const auto escaped = [&](char c) { return ",s=" + run.substr(0, at) + c + run.substr(at); };
                EXPECT_TRUE(dictionary(with("\\\"")).ends_with(escaped('"')));
                EXPECT_TRUE(dictionary(with("\\\\")).ends_with(escaped('\\')));
                EXPECT_EQ(dictionary(with("\\\x7f")),
                          expected(Reason::string_escape, with("\\\x7f"), start.size() + at + 1));
            }
        }
}

TEST(Edges, display_strings_contain_only_their_characters) {
    for (size_t size = 0; size <= longest; ++size) {
        const std::string run = run_of(chars::display_char, size);
        EXPECT_EQ(item("%\"" + run + '"'), ",=" + run);
        for (size_t at = 0; at < size; ++at) {
            const auto with = [&](std::string_view piece) {
                return "%\"" + run.substr(0, at) + std::string(piece) + run.substr(at) + '"';
            };
            EXPECT_EQ(item(with("%c3%bc%22")), ",=" + run.substr(0, at) + "\xc3\xbc\"" + run.substr(at));
            EXPECT_EQ(item(with("%f0%9f%98%80")),
                      ",=" + run.substr(0, at) + "\xf0\x9f\x98\x80" + run.substr(at));
            EXPECT_EQ(item(with("%c3")).substr(0, 20), "expected valid UTF-8");
            EXPECT_EQ(item(with("%G0")), expected(Reason::display_hex, with("%G0"), 3 + at));
            for (const char other : {'\0', '\x1f', '\x7f', '\x80', '\xff'})
                EXPECT_EQ(item(with({&other, 1})), expected(Reason::display_char, with({&other, 1}), 2 + at));
        }
        // Every place where such a field can end.
        const std::string text = "%\"" + run + "%c3%bc\"";
        for (size_t cut = 1; cut < text.size(); ++cut)
            EXPECT_TRUE(item(text.substr(0, cut)).starts_with("expected")) << cut;
    }
}

TEST(Edges, byte_sequences_have_whole_groups_or_the_padding) {
    for (size_t size = 0; size <= longest; ++size) {
        const std::string run = run_of(chars::base64_char, size);
        for (size_t padding = 0; padding <= 4; ++padding) {
            const std::string text = ":" + run + std::string(padding, '=') + ":";
            const size_t needed = size % 4 == 0 ? 0 : 4 - size % 4;
            const bool is_valid = size % 4 != 1 && (padding == needed || padding == 0);
            EXPECT_EQ(item(text).starts_with(","), is_valid) << text;
            EXPECT_EQ(item("1;a=" + text + ";b").ends_with(";b=?1"), is_valid) << text;
            EXPECT_EQ(item(text, {.strict_padding = true}).starts_with(","), is_valid && padding == needed)
                << text;
        }
        for (size_t at = 0; at < size; ++at)
            for (const char other : {'\0', ' ', '-', '_', '.', '@', '[', '`', '{', '\x80', '\xff'}) {
                const std::string text = ":" + run.substr(0, at) + other + run.substr(at) + ":";
                EXPECT_EQ(item(text), expected(Reason::base64, text, 1 + at));
            }
    }
}

TEST(Edges, numbers_have_a_limited_number_of_digits) {
    const std::string digits = "12345678901234567890";
    for (const std::string sign : {"", "-"})
        for (const std::string after : {"", ";a", ";abcdefghijklmnopq"})
            for (size_t size = 1; size <= digits.size(); ++size) {
                const std::string integer = sign + digits.substr(0, size);
                const std::string text = integer + after;
                const std::string parameter = after.empty() ? "" : after + "=?1";
                EXPECT_EQ(item(text), size <= 15 ? ",=" + integer + parameter
                                                 : expected(Reason::max_15_digits, text, sign.size() + 15));
                EXPECT_EQ(item("@" + text),
                          size <= 15 ? ",=" + integer + parameter
                                     : expected(Reason::max_15_digits, "@" + text, sign.size() + 16));
                for (size_t places = 0; places <= 5; ++places) {
                    const std::string decimal =
                        integer + "." + std::string("987654").substr(0, places) + after;
                    const size_t point = integer.size();
                    std::string value = ",=" + integer + std::string("98700").substr(0, places);
                    value.append(places <= 3 ? 3 - places : 0, '0').append("/1000").append(parameter);
                    std::string found = value;
                    if (size > 16) // the point is out of sight
                        found = expected(Reason::max_15_digits, decimal, sign.size() + 15);
                    else if (size > 12)
                        found = expected(Reason::max_12_digits, decimal, sign.size() + 12);
                    else if (places == 0)
                        found = expected(Reason::digit, decimal, point + 1);
                    else if (places > 3)
                        found = expected(Reason::max_3_digits, decimal, point + 4);
                    EXPECT_EQ(item(decimal), found);
                }
            }
}

TEST(Edges, spaces_may_be_many) {
    for (size_t size = 0; size <= 20; ++size) {
        const std::string spaces(size, ' ');
        const std::string mixed = spaces + "\t" + spaces;
        EXPECT_EQ(item(spaces + "1" + spaces), ",=1");
        EXPECT_EQ(list(spaces + "1" + spaces + "," + spaces + "2" + spaces), ",=1,=2");
        EXPECT_EQ(list("1" + mixed + "," + mixed + "2" + mixed), ",=1,=2");
        EXPECT_EQ(list("(" + spaces + "1 " + spaces + "2" + spaces + ");" + spaces + "a"), ",=() 1 2;a=?1");
        EXPECT_EQ(list("(" + spaces + ")"), ",=()");
        EXPECT_EQ(item(spaces), expected(Reason::bare_item, spaces, size));
        EXPECT_EQ(list(spaces), "");
        EXPECT_EQ(list("1," + mixed), expected(Reason::member_after, "1," + mixed, 2 + mixed.size()));
        EXPECT_EQ(item("1" + spaces + "\t"), expected(Reason::end, "1" + spaces + "\t", 1 + size));
    }
}

} // namespace
} // namespace warpbeam::sfv
