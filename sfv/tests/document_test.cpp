#include <gtest/gtest.h>
#include <warpbeam/sfv/document.hpp>
#include <warpbeam/sfv/print.hpp>
#include <warpbeam/sfv/serialize.hpp>

#include <sstream>

namespace warpbeam::sfv {
namespace {

TEST(Document, the_last_duplicate_wins_and_takes_the_first_position) {
    const auto dictionary = Dictionary::parse("a=1;x, b=2, a=(1 2);y;z=1;y=3, c, b");
    ASSERT_TRUE(dictionary);
    EXPECT_EQ(to_string(*dictionary), "a=(1 2);y=3;z=1, b, c");
    EXPECT_EQ(to_string(*Dictionary::parse("a=(1;q 2);x, a=5")), "a=5");
    EXPECT_EQ(to_string(*Dictionary::parse("a=5;x, a=(6)")), "a=(6)");
    EXPECT_EQ(
        to_string(*Item::parse("1;a=\"a long text in a parameter\";b;a=2;b=\"another long text there\"")),
        "1;a=2;b=\"another long text there\"");
}

TEST(Document, duplicates_in_long_maps) {
    std::string field;
    for (int i = 0; i < 1000; ++i)
        field += "key-" + std::to_string(i) + "=" + std::to_string(i) + ",";
    for (int i = 999; i > 0; --i)
        field += "key-" + std::to_string(i) + "=" + std::to_string(-i) + ",";
    auto dictionary = Dictionary::parse(field + "last");
    ASSERT_TRUE(dictionary);
    ASSERT_EQ(dictionary->size(), 1001U);
    for (int i = 0; i < 1000; ++i) {
        const std::string key = "key-" + std::to_string(i);
        EXPECT_EQ((*dictionary)[static_cast<size_t>(i)].key(), key);
        const Member* const member = dictionary->find(key);
        ASSERT_NE(member, nullptr);
        EXPECT_EQ(member->item()->value.integer(), -i);
    }
    EXPECT_EQ(dictionary->find("key-1000"), nullptr);
    EXPECT_EQ(dictionary->find(""), nullptr);
    // Positions change; the index must follow.
    for (int i = 0; i < 1000; i += 2)
        EXPECT_TRUE(dictionary->erase("key-" + std::to_string(i)));
    EXPECT_FALSE(dictionary->erase("key-0"));
    ASSERT_TRUE(dictionary->set("key-0", 0));
    for (int i = 1; i < 1000; i += 2)
        EXPECT_EQ(dictionary->find("key-" + std::to_string(i))->item()->value.integer(), -i);
    EXPECT_EQ((*dictionary)[dictionary->size() - 1].key(), "key-0");
    EXPECT_TRUE(Dictionary::parse(to_string(*dictionary)) == *dictionary);
    dictionary->clear();
    EXPECT_TRUE(dictionary->empty());
    EXPECT_EQ(dictionary->find("key-1"), nullptr);
}

TEST(Document, is_built_by_hand) {
    Dictionary dictionary;
    ASSERT_TRUE(dictionary.set("u", 3));
    auto incremental = dictionary.set("i");
    ASSERT_TRUE(incremental);
    ASSERT_TRUE((*incremental)->parameters.set("why", Token{"prefetch"}));
    auto inner = dictionary.set_inner_list("l");
    ASSERT_TRUE(inner);
    auto first = (*inner)->add("a string that is long enough for the heap");
    ASSERT_TRUE(first);
    ASSERT_TRUE((*first)->parameters.set("q", 0.25));
    ASSERT_TRUE((*inner)->add(ByteSequence{"\x01"}));
    ASSERT_TRUE((*inner)->parameters.set("x", false));
    EXPECT_EQ(to_string(dictionary),
              "u=3, i;why=prefetch, l=(\"a string that is long enough for the heap\";q=0.25 :AQ==:);x=?0");
    ASSERT_TRUE(dictionary.set("u", DisplayString{"\u00fc"}));
    EXPECT_EQ(to_string(dictionary).substr(0, 12), "u=%\"%c3%bc\",");

    List list;
    ASSERT_TRUE(list.add(1));
    ASSERT_TRUE(list.add_inner_list());
    ASSERT_TRUE(list.add(Member{Item{}}));
    EXPECT_EQ(to_string(list), "1, (), ?1");
    list.erase(1);
    EXPECT_EQ(to_string(list), "1, ?1");
}

TEST(Document, refuses_what_cannot_be_serialized) {
    Dictionary dictionary;
    EXPECT_EQ(dictionary.set("A", 1).error().reason, Reason::invalid_key);
    EXPECT_EQ(dictionary.set("", 1).error().reason, Reason::invalid_key);
    EXPECT_EQ(dictionary.set("a\r\n", 1).error().reason, Reason::invalid_key);
    EXPECT_EQ(dictionary.set("a", "\n").error().reason, Reason::invalid_string);
    EXPECT_EQ(dictionary.set("a", Token{"a b"}).error().reason, Reason::invalid_token);
    EXPECT_EQ(dictionary.set_inner_list("=").error().reason, Reason::invalid_key);
    EXPECT_TRUE(dictionary.empty());
    Item item;
    EXPECT_EQ(item.parameters.set("a", 1e300).error().reason, Reason::decimal_range);
    EXPECT_EQ(item.parameters.set("É", 1).error().reason, Reason::invalid_key);
    EXPECT_TRUE(item.parameters.empty());
}

TEST(Document, a_document_may_be_set_to_contain_parts_of_itself) {
    Dictionary dictionary;
    ASSERT_TRUE(dictionary.set("a", Token{"a-token-that-is-much-longer-than-a-small-text"}));
    for (int i = 0; i < 40; ++i) {
        const std::string key = "k" + std::to_string(i);
        ASSERT_TRUE(dictionary.set(key, dictionary.find("a")->item()->value.ref()));
    }
    // A key that is a text inside the map, at the moments when the map grows.
    Parameters parameters;
    ASSERT_TRUE(parameters.set("x", "key-number-one-which-is-long"));
    for (int i = 0; i < 40; ++i) {
        ASSERT_TRUE(parameters.set("y" + std::to_string(i), i));
        const std::string_view own = parameters[0].value.text();
        ASSERT_TRUE(parameters.set(own.substr(0, own.size() - static_cast<size_t>(i) % 20), i));
    }
    EXPECT_EQ(parameters.find("key-number-one")->type(), Type::integer);
    BareItem& value = parameters[0].value;
    BareItem& same = value;
    value = std::move(same);
    EXPECT_EQ(value.text(), "key-number-one-which-is-long");
}

TEST(Document, compares) {
    const auto read = [](std::string_view field) { return std::move(*Dictionary::parse(field)); };
    EXPECT_EQ(read("a=1, b"), read("a=1 ,  b=?1"));
    EXPECT_FALSE(read("a=1, b") == read("b, a=1"));
    EXPECT_FALSE(read("a=1") == read("a=1.0"));
    EXPECT_FALSE(read("a=x") == read("a=\"x\""));
    EXPECT_FALSE(read("a=\"x\"") == read("a=%\"x\""));
    EXPECT_FALSE(read("a=1") == read("a=@1"));
    EXPECT_FALSE(read("a=1") == read("a=?1"));
    EXPECT_FALSE(read("a=(1)") == read("a=1"));
    EXPECT_FALSE(read("a=(1)") == read("a=(1);x"));
    EXPECT_FALSE(read("a;x") == read("a;y"));
    EXPECT_FALSE(read("a") == read("a, b"));
    EXPECT_EQ(read("a=0.50"), read("a=00.5"));
}

TEST(Document, is_printable) {
    std::ostringstream stream;
    stream << *Dictionary::parse("a=1 ,b") << '|' << *List::parse("1 , 2") << '|' << *Item::parse("x;y")
           << '|' << BareItem{} << '|' << Item::parse("!").error();
    EXPECT_EQ(stream.str(), "a=1, b|1, 2|x;y|?1|expected a bare item, found '!' at offset 0");
}

TEST(Document, knows_its_size_in_advance) {
    for (const std::string_view field :
         {"a=1, b=(x \"y\");z=:AAA=:, c=%\"%c3%bc\", d=@-5, e=-0.125, f=?0", ""}) {
        const auto dictionary = Dictionary::parse(field);
        ASSERT_TRUE(dictionary);
        EXPECT_EQ(serialized_size(*dictionary), field.size());
        std::string buffer(field.size(), '#');
        EXPECT_EQ(serialize(*dictionary, buffer), field);
        EXPECT_EQ(serialize(*dictionary)->view(), field);
        if (field.empty())
            continue;
        const auto refused = serialize(*dictionary, {buffer.data(), buffer.size() - 1});
        EXPECT_EQ(refused.error(), (Error{Reason::buffer_too_small, Error::found_nothing, field.size()}));
    }
}

TEST(Document, texts_of_all_lengths) {
    for (size_t size = 0; size < 50; ++size) {
        std::string bytes;
        for (size_t i = 0; i < size; ++i)
            bytes += static_cast<char>('a' + i % 26);
        auto item = BareItem::from(bytes);
        ASSERT_TRUE(item);
        EXPECT_EQ(item->text(), bytes);
        BareItem moved = std::move(*item);
        EXPECT_EQ(moved.text(), bytes);
        const auto binary = BareItem::from(ByteSequence{bytes});
        char buffer[128];
        Writer writer{FieldType::item, buffer};
        const auto field = writer.value(binary->ref()).finish();
        EXPECT_EQ(Item::parse(*field)->value.text(), bytes);
        Text text;
        ASSERT_TRUE(text.assign(bytes));
        ASSERT_TRUE(text.assign(text.view().substr(size / 2)));
        EXPECT_EQ(text.view(), bytes.substr(size / 2));
    }
}

TEST(Document, all_bytes_through_base64) {
    std::string bytes;
    for (int i = 0; i < 1024; ++i)
        bytes += static_cast<char>(i * 7 + i / 256);
    for (size_t size = 0; size <= bytes.size(); ++size) {
        Item item = std::move(*Item::from(ByteSequence{std::string_view{bytes}.substr(0, size)}));
        EXPECT_EQ(*Item::parse(to_string(item)), item);
    }
}

} // namespace
} // namespace warpbeam::sfv
