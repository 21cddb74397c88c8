#include <gtest/gtest.h>
#include <warpbeam/sfv/parser.hpp>
#include <warpbeam/sfv/writer.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace warpbeam::sfv {
namespace {

using Calls = std::function<void(Writer&)>;

/// The output, tried with buffers of every size: too small a buffer is reported, and nothing after it is
/// written.
std::string written(FieldType type, const Calls& calls) {
    Writer counter{type};
    calls(counter);
    const auto size = counter.finish_size();
    if (!size)
        return std::string(size.error().message().view());
    std::string field;
    for (size_t capacity = 0; capacity <= *size; ++capacity) {
        std::vector<char> buffer(capacity + 8, '\x01');
        Writer writer{type, {buffer.data(), capacity}};
        calls(writer);
        const auto result = writer.finish();
        for (size_t i = capacity; i < buffer.size(); ++i)
            EXPECT_EQ(buffer[i], '\x01');
        EXPECT_EQ(result.has_value(), capacity == *size);
        if (result)
            field = *result;
        else
            EXPECT_EQ(result.error(), (Error{Reason::buffer_too_small, Error::found_nothing, *size}));
    }
    EXPECT_TRUE((Parser{type, field}.finish())) << field;
    return field;
}

std::string item(const BareItemRef& value) {
    return written(FieldType::item, [&](Writer& writer) { writer.value(value); });
}

TEST(Writer, writes_every_type) {
    using namespace std::string_view_literals;
    EXPECT_EQ(item(true), "?1");
    EXPECT_EQ(item(false), "?0");
    EXPECT_EQ(item(R"(a "b" \c)"), R"("a \"b\" \\c")");
    EXPECT_EQ(item(std::string("x")), "\"x\"");
    EXPECT_EQ(item(""), "\"\"");
    EXPECT_EQ(item(Token{"a/b:c*"}), "a/b:c*");
    EXPECT_EQ(item(ByteSequence{"hello"}), ":aGVsbG8=:");
    EXPECT_EQ(item(ByteSequence{}), "::");
    EXPECT_EQ(item(ByteSequence{"\0\xff"sv}), ":AP8=:");
    EXPECT_EQ(item(std::array<uint8_t, 3>{1, 2, 3}), ":AQID:");
    EXPECT_EQ(item(std::vector<std::byte>{std::byte{255}}), ":/w==:");
    EXPECT_EQ(item(Date{1659578233}), "@1659578233");
    EXPECT_EQ(item(std::chrono::sys_seconds{std::chrono::seconds{5}}), "@5");
    EXPECT_EQ(item(std::chrono::sys_time<std::chrono::milliseconds>{std::chrono::milliseconds{-1}}), "@-1");
    EXPECT_EQ(item(DisplayString{"f\u00fc\"%\n"}), "%\"f%c3%bc%22%25%0a\"");
    EXPECT_EQ(item(DisplayString{""}), "%\"\"");
}

TEST(Writer, writes_fields) {
    EXPECT_EQ(written(FieldType::dictionary,
                      [](Writer& writer) {
                          writer.key("a").value(true).parameter("x").parameter("y", false);
                          writer.key("b").value(1);
                          writer.key("c").begin_inner_list().value(true).parameter("q", 0.5).value("s");
                          writer.end_inner_list().parameter("z", Token{"t"});
                          writer.key("d").begin_inner_list().end_inner_list();
                          writer.key("e").value(false);
                      }),
              "a;x;y=?0, b=1, c=(?1;q=0.5 \"s\");z=t, d=(), e=?0");
    EXPECT_EQ(written(FieldType::list,
                      [](Writer& writer) {
                          writer.begin_inner_list().value(1).value(2).end_inner_list().value(true).value(3);
                      }),
              "(1 2), ?1, 3");
    EXPECT_EQ(written(FieldType::list, [](Writer&) {}), "");
    EXPECT_EQ(written(FieldType::dictionary, [](Writer&) {}), "");
}

TEST(Writer, writes_no_control_characters) {
    for (int byte = 0; byte < 256; ++byte) {
        const std::string text{'a', static_cast<char>(byte), 'b'};
        const auto check = [&](FieldType type, const Calls& calls) {
            char buffer[64];
            Writer writer{type, buffer};
            calls(writer);
            if (const auto field = writer.finish()) {
                for (const char c : *field)
                    EXPECT_TRUE(c >= 0x20 && c < 0x7f) << byte;
                EXPECT_TRUE((Parser{type, *field}.finish())) << byte;
            }
        };
        check(FieldType::item, [&](Writer& writer) { writer.value(text); });
        check(FieldType::item, [&](Writer& writer) { writer.value(Token{text}); });
        check(FieldType::item, [&](Writer& writer) { writer.value(ByteSequence{text}); });
        check(FieldType::item, [&](Writer& writer) { writer.value(DisplayString{text}); });
        check(FieldType::dictionary, [&](Writer& writer) { writer.key(text).value(1); });
        check(FieldType::item, [&](Writer& writer) { writer.value(1).parameter(text); });
        check(FieldType::item, [&](Writer& writer) { writer.value(1).parameter("a", text); });
        check(FieldType::item, [&](Writer& writer) { writer.value(1).parameter("a", Token{text}); });
    }
}

TEST(Writer, refuses_what_the_rfc_cannot_carry) {
    const std::string no_string =
        "a string can only contain printable ASCII characters; use a display string for others";
    EXPECT_EQ(item("a\r\nb"), no_string);
    EXPECT_EQ(item("\x7f"), no_string);
    EXPECT_EQ(item("\u00fc"), no_string);
    EXPECT_EQ(item(std::string_view{"\0", 1}), no_string);
    for (const char* const bad : {"", "1a", "a b", "a\"", "a\n", "a,", ":a", "a\x80", "a("})
        EXPECT_EQ(item(Token{bad}), "not a token") << bad;
    for (const char* const bad : {"\xff", "\xc3", "\xed\xa0\x80", "\xc0\x80"})
        EXPECT_EQ(item(DisplayString{bad}), "a display string must be valid UTF-8");
    for (const char* const bad : {"", "A", "1", "-", "a b", "a=", "a\n", "a;", "_a", ".a", "a\x80", "aB"}) {
        const std::string no_key{describe(Reason::invalid_key)};
        EXPECT_EQ(written(FieldType::dictionary, [&](Writer& writer) { writer.key(bad).value(1); }), no_key)
            << bad;
        EXPECT_EQ(written(FieldType::item, [&](Writer& writer) { writer.value(1).parameter(bad); }), no_key)
            << bad;
    }
    const auto checked = BareItemRef{"ab\ncd"}.check();
    EXPECT_EQ(checked.error(), (Error{Reason::invalid_string, Error::found_nothing, 2}));
}

TEST(Writer, refuses_invalid_sequences_of_calls) {
    const std::string order = "invalid order of calls";
    const std::string nested{describe(Reason::nested_list)};
    using enum FieldType;
    EXPECT_EQ(written(FieldType::item, [](Writer&) {}), order);
    EXPECT_EQ(written(FieldType::item, [](Writer& writer) { writer.value(1).value(2); }), order);
    EXPECT_EQ(written(FieldType::item, [](Writer& writer) { writer.key("a").value(2); }), order);
    EXPECT_EQ(written(FieldType::item, [](Writer& writer) { writer.parameter("a"); }), order);
    EXPECT_EQ(written(FieldType::item, [](Writer& writer) { writer.begin_inner_list().end_inner_list(); }),
              nested);
    EXPECT_EQ(written(list, [](Writer& writer) { writer.key("a"); }), order);
    EXPECT_EQ(written(list, [](Writer& writer) { writer.end_inner_list(); }), order);
    EXPECT_EQ(written(list, [](Writer& writer) { writer.begin_inner_list(); }), order);
    EXPECT_EQ(written(list, [](Writer& writer) { writer.begin_inner_list().value(1); }), order);
    EXPECT_EQ(
        written(list, [](Writer& writer) { writer.begin_inner_list().parameter("a").end_inner_list(); }),
        order);
    EXPECT_EQ(written(list, [](Writer& writer) { writer.begin_inner_list().begin_inner_list(); }), nested);
    EXPECT_EQ(written(list, [](Writer& writer) { writer.begin_inner_list().value(1).begin_inner_list(); }),
              nested);
    EXPECT_EQ(written(dictionary, [](Writer& writer) { writer.key("a"); }), order);
    EXPECT_EQ(written(dictionary, [](Writer& writer) { writer.key("a").key("b"); }), order);
    EXPECT_EQ(written(dictionary, [](Writer& writer) { writer.key("a").parameter("b"); }), order);
    EXPECT_EQ(written(dictionary, [](Writer& writer) { writer.value(1); }), order);
    EXPECT_EQ(written(dictionary, [](Writer& writer) { writer.key("a").value(1).value(2); }), order);
    EXPECT_EQ(written(dictionary, [](Writer& writer) { writer.key("a").begin_inner_list().key("b"); }),
              order);
    EXPECT_EQ(written(dictionary, [](Writer& writer) { writer.begin_inner_list(); }), order);
    // The first failure is the one reported.
    EXPECT_EQ(written(list, [](Writer& writer) { writer.value(Token{""}).key("x").value(1); }),
              "not a token");
}

TEST(Writer, writes_nothing_after_a_failure) {
    char buffer[8] = {};
    Writer writer{FieldType::item, buffer};
    writer.value(1).value(2);
    EXPECT_EQ(writer.size(), 1u);
    EXPECT_EQ(std::string(buffer, sizeof buffer), std::string("1\0\0\0\0\0\0\0", 8));
}

} // namespace
} // namespace warpbeam::sfv
