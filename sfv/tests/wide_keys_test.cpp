// Keys beyond the RFC: ParseOptions::wide_keys and WriteOptions::wide_keys.

#include "agreement.hpp"

#include <gtest/gtest.h>
#include <warpbeam/sfv/sfv.h>

#include <cstring>

namespace warpbeam::sfv {
namespace {

constexpr ParseOptions wide_keys{.wide_keys = true};

template <typename T>
std::string read(std::span<const std::string_view> lines, ParseOptions options) {
    if (const char* const fault = testing::disagreement<T>(lines, options))
        return fault;
    const auto document = T::parse(lines, options);
    return document ? to_string(*document) : std::string(document.error().message().view());
}
template <typename T>
std::string read(std::string_view field, ParseOptions options = wide_keys) {
    return read<T>(std::span{&field, 1}, options);
}

TEST(WideKeys, are_read_and_written) {
    for (const std::string_view key :
         {"A", "Content-Type", "9lives", "-a", "%41b", ".a", "_x", "*", "a", "x*%.-_9Z", "%%%",
          "a-key-that-is-longer-than-a-block-of-sixteen-Bytes"}) {
        const std::string k{key};
        EXPECT_EQ(read<Dictionary>(k), k);
        EXPECT_EQ(read<Dictionary>(k + "=1"), k + "=1");
        EXPECT_EQ(read<Dictionary>("b=(1 2);" + k + "=?0, " + k + ";" + k),
                  "b=(1 2);" + k + "=?0, " + k + ";" + k);
        EXPECT_EQ(read<List>("a;" + k + "=tok"), "a;" + k + "=tok");
        EXPECT_EQ(read<Item>("(1", {}), read<Item>("(1")); // nothing else changes
        EXPECT_EQ(read<Item>("1; " + k + ";" + k + "=2"), "1;" + k + "=2");
    }
}

TEST(WideKeys, are_refused_by_default) {
    for (const char first : std::string_view{"AZ059-%._"}) {
        const std::string key(1, first);
        EXPECT_FALSE(Dictionary::parse(key + "=1"));
        EXPECT_FALSE(Item::parse("1;" + key));
        EXPECT_TRUE(Dictionary::parse(key + "=1", wide_keys));
        EXPECT_TRUE(Item::parse("1;" + key, wide_keys));
    }
    EXPECT_EQ(read<Dictionary>("aB=1", {}),
              "expected a comma or the end of the field, found 'B' at offset 1");
}

TEST(WideKeys, are_of_these_characters_only) {
    EXPECT_EQ(read<Dictionary>("=1"), "expected a key, which consists of letters, digits, '_', '-', '.', '*' "
                                      "and '%', found '=' at offset 0");
    EXPECT_EQ(read<Dictionary>("a, ,b"), "expected a key, which consists of letters, digits, '_', '-', '.', "
                                         "'*' and '%', found ',' at offset 3");
    EXPECT_EQ(read<Dictionary>("a,"), "expected a member after the comma, found the end at offset 2");
    EXPECT_EQ(read<Item>("1;"), "expected a key, which consists of letters, digits, '_', '-', '.', '*' and "
                                "'%', found the end at offset 2");
    EXPECT_EQ(read<Item>("1;\"a\""), "expected a key, which consists of letters, digits, '_', '-', '.', '*' "
                                     "and '%', found '\"' at offset 2");
    const std::string_view lines[] = {"A", "", "B"};
    EXPECT_EQ(read<Dictionary>(lines, wide_keys), "expected a key, which consists of letters, digits, '_', "
                                                  "'-', '.', '*' and '%', found ',' at offset 3");
    for (int c = 0; c < 256; ++c) {
        const char key[] = {'K', static_cast<char>(c), 'k'};
        const std::string_view text{key, sizeof key};
        const auto document = Dictionary::parse(text, wide_keys);
        const bool is_key = document && document->size() == 1 && (*document)[0].key() == text;
        const bool is_expected = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                                 (c != 0 && c < 128 && std::strchr("_-.*%", c) != nullptr);
        EXPECT_EQ(is_key, is_expected) << c;
        char buffer[16];
        Writer writer{FieldType::dictionary, buffer, {.wide_keys = true}};
        EXPECT_EQ(writer.key(text).value(1).finish().has_value(), is_key) << c;
    }
}

TEST(WideKeys, that_are_empty_end_the_field) {
    Parser parameter{FieldType::item, "1;=2", wide_keys};
    ASSERT_TRUE(parameter.next_member());
    EXPECT_FALSE(parameter.next_parameter());
    EXPECT_EQ(parameter.error(), (Error{Reason::wide_key, '=', 2}));
    Parser member{FieldType::dictionary, "A=1, =2", wide_keys};
    ASSERT_TRUE(member.next_member());
    EXPECT_FALSE(member.next_member());
    EXPECT_EQ(member.error(), (Error{Reason::wide_key, '=', 5}));
}

TEST(WideKeys, are_told_apart_by_case) {
    EXPECT_EQ(read<Dictionary>("a=1, A=2, a=3"), "a=3, A=2");
    EXPECT_EQ(read<Item>("x;k;K=1;k=2"), "x;k=2;K=1");
}

TEST(WideKeys, of_documents_are_copied_and_written_but_must_be_asked_for) {
    auto document = Dictionary::parse("A=(1;B);C", wide_keys);
    ASSERT_TRUE(document);
    const auto copy = document->clone();
    ASSERT_TRUE(copy);
    EXPECT_EQ(*copy, *document);
    EXPECT_EQ(to_string(*copy), "A=(1;B);C");
    EXPECT_EQ(serialize(*copy)->view(), "A=(1;B);C");

    EXPECT_EQ(document->set("D").error().reason, Reason::invalid_key);
    EXPECT_EQ(document->put("D", Member{}).error().reason, Reason::invalid_key);
    EXPECT_TRUE(document->put("D", Member{}, {.wide_keys = true}));
    EXPECT_EQ(document->put("d d", Member{}, {.wide_keys = true}).error().reason, Reason::invalid_wide_key);
    EXPECT_EQ(document->put("", Member{}, {.wide_keys = true}).error().reason, Reason::invalid_wide_key);
    EXPECT_EQ(to_string(*document), "A=(1;B);C, D");

    char buffer[32];
    Writer strict{FieldType::dictionary, buffer};
    write(strict, *document);
    EXPECT_EQ(strict.finish().error().reason, Reason::invalid_key);
}

TEST(WideKeys, of_the_writer_stay_free_of_separators) {
    for (const std::string_view key :
         {"", "a b", "a=b", "a;b", "a,b", "(a", "\"a", "a\r\nb", "\x7f", "\u00fc", "a?", "a/b", "!", ":"}) {
        Writer as_key{FieldType::dictionary, {}, {.wide_keys = true}};
        EXPECT_EQ(as_key.key(key).value(1).finish_size().error().reason, Reason::invalid_wide_key) << key;
        Writer as_parameter{FieldType::item, {}, {.wide_keys = true}};
        EXPECT_EQ(as_parameter.value(1).parameter(key).finish_size().error().reason, Reason::invalid_wide_key)
            << key;
    }
}

TEST(WideKeys, in_c) {
    const std::string_view field = "%41=1;B";
    const wb_sfv_line line = wb_sfv_line_of(field.data(), field.size());
    EXPECT_EQ(wb_sfv_document_parse(WB_SFV_DICTIONARY, &line, 1, 0, nullptr), nullptr);
    wb_sfv_document* const document =
        wb_sfv_document_parse(WB_SFV_DICTIONARY, &line, 1, WB_SFV_WIDE_KEYS, nullptr);
    ASSERT_NE(document, nullptr);
    char buffer[16];
    EXPECT_EQ((std::string_view{buffer, wb_sfv_document_serialize(document, buffer, sizeof buffer)}), field);
    wb_sfv_document_free(document);

    const wb_sfv_value one{WB_SFV_INTEGER, false, 1, {nullptr, 0}};
    for (const unsigned options : {0U, unsigned{WB_SFV_WIDE_KEYS}}) {
        wb_sfv_writer writer;
        wb_sfv_text text{nullptr, 0};
        wb_sfv_writer_init_with(&writer, WB_SFV_DICTIONARY, buffer, sizeof buffer, options);
        wb_sfv_write_key(&writer, {"A", 1});
        wb_sfv_write_value(&writer, &one);
        ASSERT_EQ(wb_sfv_writer_finish(&writer, &text, nullptr), options != 0);
        EXPECT_EQ((std::string_view{text.data, text.size}), options != 0 ? "A=1" : "");
    }
}

} // namespace
} // namespace warpbeam::sfv
