#include <gtest/gtest.h>
#include <warpbeam/sfv/sfv.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Document = std::unique_ptr<wb_sfv_document, void (*)(wb_sfv_document*)>;

wb_sfv_text text(std::string_view view) { return {view.data(), view.size()}; }
std::string_view view(wb_sfv_text text) { return {text.data, text.size}; }
wb_sfv_line line(std::string_view view) { return wb_sfv_line_of(view.data(), view.size()); }
wb_sfv_value integer(int64_t number) { return {WB_SFV_INTEGER, false, number, {}}; }
wb_sfv_value of_text(wb_sfv_type type, std::string_view view) { return {type, false, 0, text(view)}; }

Document parse(wb_sfv_field_type type, std::string_view field, wb_sfv_error* error = nullptr,
               unsigned options = 0) {
    const wb_sfv_line one = line(field);
    return {wb_sfv_document_parse(type, &one, 1, options, error), wb_sfv_document_free};
}

std::string serialize(const Document& document) {
    std::string field(wb_sfv_document_serialize(document.get(), nullptr, 0), '\0');
    EXPECT_EQ(wb_sfv_document_serialize(document.get(), field.data(), field.size()), field.size());
    return field;
}

TEST(CInterface, pulls) {
    const wb_sfv_line lines[] = {line("a=(\"x\\\"y\" 2;p);q=1.5"), line("b=\"split"), line("here\", c")};
    wb_sfv_parser parser;
    wb_sfv_parser_init(&parser, WB_SFV_DICTIONARY, lines, 3, 0);
    wb_sfv_text key;
    wb_sfv_value value;
    wb_sfv_text decoded;
    wb_sfv_error error;
    char buffer[32];
    ASSERT_TRUE(wb_sfv_next_member(&parser, &key, &value));
    EXPECT_EQ(view(key), "a");
    EXPECT_EQ(value.type, WB_SFV_INNER_LIST);
    EXPECT_EQ(wb_sfv_parser_decode_capacity(&parser), 0U);
    ASSERT_TRUE(wb_sfv_next_inner_item(&parser, &value));
    EXPECT_TRUE(value.needs_decoding);
    EXPECT_EQ(wb_sfv_parser_decode_capacity(&parser), 4U);
    EXPECT_FALSE(wb_sfv_parser_decode(&parser, buffer, 3, &decoded, &error));
    EXPECT_STREQ(error.message, "the buffer is too small: 4 bytes are needed");
    EXPECT_EQ(error.offset, 4U);
    ASSERT_TRUE(wb_sfv_parser_decode(&parser, buffer, sizeof buffer, &decoded, nullptr));
    EXPECT_EQ(view(decoded), "x\"y");
    EXPECT_FALSE(wb_sfv_next_parameter(&parser, &key, &value));
    ASSERT_TRUE(wb_sfv_next_inner_item(&parser, &value));
    EXPECT_EQ(value.number, 2);
    ASSERT_TRUE(wb_sfv_next_parameter(&parser, &key, nullptr));
    EXPECT_EQ(view(key), "p");
    EXPECT_FALSE(wb_sfv_next_inner_item(&parser, nullptr));
    ASSERT_TRUE(wb_sfv_next_parameter(&parser, &key, &value));
    EXPECT_EQ(value.type, WB_SFV_DECIMAL);
    EXPECT_EQ(value.number, 1500);
    ASSERT_TRUE(wb_sfv_next_member(&parser, &key, &value));
    ASSERT_TRUE(wb_sfv_parser_decode(&parser, buffer, sizeof buffer, &decoded, nullptr));
    EXPECT_EQ(view(decoded), "split, here");
    EXPECT_TRUE(wb_sfv_parser_finish(&parser, nullptr));

    wb_sfv_parser_init(&parser, WB_SFV_LIST, nullptr, 0, 0);
    EXPECT_FALSE(wb_sfv_next_member(&parser, &key, &value));
    EXPECT_TRUE(wb_sfv_parser_finish(&parser, nullptr));

    const wb_sfv_line bad = line("1;x, @1");
    wb_sfv_parser_init(&parser, WB_SFV_LIST, &bad, 1, WB_SFV_RFC8941);
    ASSERT_TRUE(wb_sfv_next_member(&parser, &key, &value));
    EXPECT_TRUE(wb_sfv_next_parameter(&parser, nullptr, nullptr));
    EXPECT_FALSE(wb_sfv_parser_finish(&parser, &error));
    EXPECT_EQ(error.offset, 5U);
    EXPECT_STREQ(
        error.message,
        "expected a bare item of RFC 8941, which has no dates or display strings, found '@' at offset 5");
}

TEST(CInterface, decodes_only_the_current_item) {
    const auto expect_nothing = [](const wb_sfv_parser& parser) {
        char buffer[32];
        wb_sfv_text decoded;
        wb_sfv_error error;
        EXPECT_EQ(wb_sfv_parser_decode_capacity(&parser), 0U);
        EXPECT_FALSE(wb_sfv_parser_decode(&parser, buffer, sizeof buffer, &decoded, nullptr));
        EXPECT_FALSE(wb_sfv_parser_decode(&parser, buffer, sizeof buffer, &decoded, &error));
        EXPECT_STREQ(error.message, "nothing to decode: the previous call returned no value");
    };
    const wb_sfv_line one = line(R"("x\\y";p="longer \"text\"")");
    wb_sfv_parser parser;
    wb_sfv_parser_init(&parser, WB_SFV_ITEM, &one, 1, 0);
    expect_nothing(parser);
    ASSERT_TRUE(wb_sfv_next_member(&parser, nullptr, nullptr));
    ASSERT_TRUE(wb_sfv_parser_finish(&parser, nullptr)); // skips the parameter
    expect_nothing(parser);

    const wb_sfv_line list = line(R"(("a\"" "b\"");p="c\"")");
    wb_sfv_parser_init(&parser, WB_SFV_LIST, &list, 1, 0);
    ASSERT_TRUE(wb_sfv_next_member(&parser, nullptr, nullptr));
    ASSERT_TRUE(wb_sfv_next_parameter(&parser, nullptr, nullptr)); // skips the items
    EXPECT_EQ(wb_sfv_parser_decode_capacity(&parser), 3U);
    EXPECT_FALSE(wb_sfv_next_parameter(&parser, nullptr, nullptr));
    expect_nothing(parser);
    EXPECT_FALSE(wb_sfv_next_inner_item(&parser, nullptr));
    expect_nothing(parser);
    EXPECT_FALSE(wb_sfv_next_member(&parser, nullptr, nullptr));
    expect_nothing(parser);
}

TEST(CInterface, refuses_values_that_are_still_encoded) {
    const wb_sfv_line one = line(":AAEC:");
    wb_sfv_parser parser;
    wb_sfv_value value;
    wb_sfv_parser_init(&parser, WB_SFV_ITEM, &one, 1, 0);
    ASSERT_TRUE(wb_sfv_next_member(&parser, nullptr, &value));
    ASSERT_TRUE(value.needs_decoding);

    char buffer[32];
    const auto write = [&](bool as_parameter, wb_sfv_text* field, wb_sfv_error* error) {
        wb_sfv_writer writer;
        wb_sfv_writer_init(&writer, WB_SFV_ITEM, buffer, sizeof buffer);
        const wb_sfv_value five = integer(5);
        wb_sfv_write_value(&writer, as_parameter ? &five : &value);
        if (as_parameter)
            wb_sfv_write_parameter(&writer, text("p"), &value);
        return wb_sfv_writer_finish(&writer, field, error);
    };
    const char* const reason = "text from the parser that was not decoded";
    wb_sfv_text field;
    wb_sfv_error error;
    for (const bool as_parameter : {false, true}) {
        EXPECT_FALSE(write(as_parameter, &field, &error));
        EXPECT_STREQ(error.message, reason);
    }
    const Document document{wb_sfv_document_new(WB_SFV_LIST), wb_sfv_document_free};
    EXPECT_EQ(wb_sfv_set_member(document.get(), text(""), &value, &error), nullptr);
    EXPECT_STREQ(error.message, reason);
    const wb_sfv_value inner_list{WB_SFV_INNER_LIST, false, 0, {}};
    wb_sfv_node* const node = wb_sfv_set_member(document.get(), text(""), &inner_list, nullptr);
    ASSERT_NE(node, nullptr);
    error = {};
    EXPECT_EQ(wb_sfv_add_inner_item(node, &value, &error), nullptr);
    EXPECT_STREQ(error.message, reason);
    error = {};
    EXPECT_FALSE(wb_sfv_set_parameter(node, text("p"), &value, &error));
    EXPECT_STREQ(error.message, reason);

    char decoded[16];
    ASSERT_TRUE(wb_sfv_parser_decode(&parser, decoded, sizeof decoded, &value.text, nullptr));
    value.needs_decoding = false;
    ASSERT_TRUE(write(false, &field, nullptr));
    EXPECT_EQ(view(field), ":AAEC:");
}

TEST(CInterface, says_why_an_inner_list_or_an_item_does_not_fit) {
    const Document document{wb_sfv_document_new(WB_SFV_LIST), wb_sfv_document_free};
    const wb_sfv_value list{WB_SFV_INNER_LIST, false, 0, {}};
    const wb_sfv_value five = integer(5);
    const wb_sfv_value none{static_cast<wb_sfv_type>(15), false, 0, {}};
    wb_sfv_node* const item = wb_sfv_set_member(document.get(), text(""), &five, nullptr);
    ASSERT_NE(item, nullptr);
    const char* const nested = "a list inside an inner list, or where only a bare item is allowed";
    wb_sfv_error error;
    EXPECT_FALSE(wb_sfv_set_parameter(item, text("p"), &list, &error));
    EXPECT_STREQ(error.message, nested);
    EXPECT_EQ(wb_sfv_add_inner_item(item, &five, &error), nullptr);
    EXPECT_STREQ(error.message, "an item where an inner list is needed");
    EXPECT_EQ(wb_sfv_set_member(document.get(), text(""), &none, &error), nullptr);
    EXPECT_STREQ(error.message, "a value of a type that does not exist");
    wb_sfv_node* const node = wb_sfv_set_member(document.get(), text(""), &list, nullptr);
    ASSERT_NE(node, nullptr);
    EXPECT_EQ(wb_sfv_add_inner_item(node, &list, &error), nullptr);
    EXPECT_STREQ(error.message, nested);

    char buffer[16];
    wb_sfv_writer writer;
    wb_sfv_text field;
    wb_sfv_writer_init(&writer, WB_SFV_LIST, buffer, sizeof buffer);
    wb_sfv_write_value(&writer, &list);
    error = {};
    EXPECT_FALSE(wb_sfv_writer_finish(&writer, &field, &error));
    EXPECT_STREQ(error.message, nested);
}

TEST(CInterface, a_list_has_no_keys) {
    const wb_sfv_line one = line("1;x, 2");
    wb_sfv_parser parser;
    wb_sfv_parser_init(&parser, WB_SFV_LIST, &one, 1, 0);
    wb_sfv_text key;
    ASSERT_TRUE(wb_sfv_next_member(&parser, nullptr, nullptr));
    ASSERT_TRUE(wb_sfv_next_parameter(&parser, nullptr, nullptr));
    ASSERT_TRUE(wb_sfv_next_member(&parser, &key, nullptr));
    EXPECT_EQ(key.size, 0U);
}

TEST(CInterface, writes) {
    const auto write = [](char* buffer, size_t size, wb_sfv_text* field, wb_sfv_error* error) {
        wb_sfv_writer writer;
        wb_sfv_writer_init(&writer, WB_SFV_DICTIONARY, buffer, size);
        wb_sfv_write_key(&writer, text("a"));
        wb_sfv_begin_inner_list(&writer);
        const wb_sfv_value values[] = {integer(-5),
                                       of_text(WB_SFV_STRING, "q\""),
                                       of_text(WB_SFV_BYTE_SEQUENCE, "hello"),
                                       of_text(WB_SFV_DISPLAY_STRING, "\u00fc"),
                                       {WB_SFV_DATE, false, 7, {}},
                                       {WB_SFV_DECIMAL, false, 1050, {}}};
        for (const wb_sfv_value& value : values)
            wb_sfv_write_value(&writer, &value);
        wb_sfv_end_inner_list(&writer);
        const wb_sfv_value yes{WB_SFV_BOOLEAN, false, 1, {}};
        wb_sfv_write_parameter(&writer, text("p"), &yes);
        return wb_sfv_writer_finish(&writer, field, error);
    };
    wb_sfv_text field;
    wb_sfv_error error;
    EXPECT_FALSE(write(nullptr, 0, &field, &error));
    std::vector<char> buffer(error.offset);
    ASSERT_TRUE(write(buffer.data(), buffer.size(), &field, &error));
    EXPECT_EQ(view(field), "a=(-5 \"q\\\"\" :aGVsbG8=: %\"%c3%bc\" @7 1.05);p");
    EXPECT_EQ(field.size, buffer.size());

    wb_sfv_writer writer;
    wb_sfv_writer_init(&writer, WB_SFV_ITEM, buffer.data(), buffer.size());
    const wb_sfv_value list{WB_SFV_INNER_LIST, false, 0, {}};
    wb_sfv_write_value(&writer, &list);
    EXPECT_FALSE(wb_sfv_writer_finish(&writer, &field, nullptr));
}

TEST(CInterface, reads_documents) {
    const Document document = parse(WB_SFV_DICTIONARY, "a=1;x=\"y\", b=(t u;z), a=2;q");
    ASSERT_TRUE(document);
    EXPECT_EQ(wb_sfv_member_count(document.get()), 2U);
    wb_sfv_text key;
    const wb_sfv_node* const a = wb_sfv_member_at(document.get(), 0, &key);
    EXPECT_EQ(view(key), "a");
    EXPECT_EQ(wb_sfv_node_value(a).number, 2);
    EXPECT_EQ(wb_sfv_inner_count(a), 0U);
    EXPECT_EQ(wb_sfv_parameter_count(a), 1U);
    EXPECT_EQ(wb_sfv_parameter_at(a, 0, &key).number, 1);
    EXPECT_EQ(view(key), "q");
    EXPECT_FALSE(wb_sfv_parameter_find(a, text("x"), nullptr));
    const wb_sfv_node* const b = wb_sfv_member_find(document.get(), text("b"));
    ASSERT_NE(b, nullptr);
    EXPECT_EQ(wb_sfv_node_value(b).type, WB_SFV_INNER_LIST);
    ASSERT_EQ(wb_sfv_inner_count(b), 2U);
    const wb_sfv_node* const u = wb_sfv_inner_at(b, 1);
    EXPECT_EQ(view(wb_sfv_node_value(u).text), "u");
    wb_sfv_value value;
    EXPECT_TRUE(wb_sfv_parameter_find(u, text("z"), &value));
    EXPECT_EQ(value.type, WB_SFV_BOOLEAN);
    EXPECT_EQ(wb_sfv_member_find(document.get(), text("c")), nullptr);
    EXPECT_EQ(wb_sfv_member_find(parse(WB_SFV_LIST, "b").get(), text("b")), nullptr);

    wb_sfv_error error;
    EXPECT_FALSE(parse(WB_SFV_ITEM, "1,", &error));
    EXPECT_EQ(error.offset, 1U);
    EXPECT_FALSE(parse(WB_SFV_ITEM, ":AA:", nullptr, WB_SFV_STRICT_PADDING));
    EXPECT_TRUE(parse(WB_SFV_ITEM, ":AA:"));
}

TEST(CInterface, each_option_has_its_bit) {
    const wb_sfv_line split[] = {line("a=\"b"), line("c\"")};
    const struct {
        unsigned option;
        std::vector<wb_sfv_line> lines;
    } refused[] = {
        {WB_SFV_RFC8941, {line("a=@0")}},
        {WB_SFV_STRICT_PADDING, {line("a=:AA:")}},
        {WB_SFV_STRICT_PAD_BITS, {line("a=:AB==:")}},
        {WB_SFV_STRICT_DATES, {line("a=@-62135596801")}},
        {WB_SFV_STRICT_LINES, {split[0], split[1]}},
    };
    const auto is_valid = [](const std::vector<wb_sfv_line>& lines, unsigned options) {
        const Document document{
            wb_sfv_document_parse(WB_SFV_DICTIONARY, lines.data(), lines.size(), options, nullptr),
            wb_sfv_document_free};
        return document != nullptr;
    };
    for (const auto& [option, lines] : refused)
        for (unsigned set = 1; set <= WB_SFV_WIDE_KEYS; set *= 2) {
            const bool has_no_dates = set == WB_SFV_RFC8941 && option == WB_SFV_STRICT_DATES;
            EXPECT_EQ(is_valid(lines, set), set != option && !has_no_dates) << option << ' ' << set;
            EXPECT_TRUE(is_valid(lines, 0)) << option;
        }
    const std::vector<wb_sfv_line> wide{line("A=1")};
    EXPECT_FALSE(is_valid(wide, 63u & ~unsigned{WB_SFV_WIDE_KEYS}));
    EXPECT_TRUE(is_valid(wide, WB_SFV_WIDE_KEYS));
}

TEST(CInterface, builds_documents) {
    const Document document{wb_sfv_document_new(WB_SFV_DICTIONARY), wb_sfv_document_free};
    wb_sfv_error error;
    const wb_sfv_value list{WB_SFV_INNER_LIST, false, 0, {}};
    const wb_sfv_value token = of_text(WB_SFV_TOKEN, "gzip");
    const wb_sfv_value five = integer(5);
    wb_sfv_node* const node = wb_sfv_set_member(document.get(), text("l"), &list, &error);
    ASSERT_NE(node, nullptr);
    wb_sfv_node* const inner = wb_sfv_add_inner_item(node, &token, &error);
    ASSERT_NE(inner, nullptr);
    EXPECT_TRUE(wb_sfv_set_parameter(inner, text("q"), &five, &error));
    EXPECT_TRUE(wb_sfv_set_parameter(node, text("r"), &token, &error));
    EXPECT_EQ(wb_sfv_add_inner_item(inner, &token, nullptr), nullptr);
    EXPECT_EQ(wb_sfv_add_inner_item(node, &list, nullptr), nullptr);
    ASSERT_NE(wb_sfv_set_member(document.get(), text("n"), &five, nullptr), nullptr);
    EXPECT_EQ(wb_sfv_set_member(document.get(), text("N"), &five, &error), nullptr);
    const wb_sfv_value bad = of_text(WB_SFV_STRING, "\r\n");
    EXPECT_EQ(wb_sfv_set_member(document.get(), text("s"), &bad, &error), nullptr);
    EXPECT_FALSE(wb_sfv_set_parameter(node, text("s"), &bad, &error));
    EXPECT_EQ(serialize(document), "l=(gzip;q=5);r=gzip, n=5");
    EXPECT_TRUE(wb_sfv_document_equal(document.get(), parse(WB_SFV_DICTIONARY, serialize(document)).get()));
    EXPECT_FALSE(wb_sfv_document_equal(document.get(), parse(WB_SFV_LIST, "l").get()));

    const Document item{wb_sfv_document_new(WB_SFV_ITEM), wb_sfv_document_free};
    EXPECT_EQ(serialize(item), "?1");
    EXPECT_EQ(wb_sfv_set_member(item.get(), text(""), &list, nullptr), nullptr);
    ASSERT_NE(wb_sfv_set_member(item.get(), text(""), &five, nullptr), nullptr);
    EXPECT_EQ(serialize(item), "5");
    const Document numbers{wb_sfv_document_new(WB_SFV_LIST), wb_sfv_document_free};
    ASSERT_NE(wb_sfv_set_member(numbers.get(), text(""), &five, nullptr), nullptr);
    ASSERT_NE(wb_sfv_set_member(numbers.get(), text(""), &list, nullptr), nullptr);
    EXPECT_EQ(serialize(numbers), "5, ()");
    wb_sfv_document_free(nullptr);
}

} // namespace
