// The memory of documents: inserting parts of themselves, moves, removal, growth.

#include <gtest/gtest.h>
#include <warpbeam/sfv/document.hpp>
#include <warpbeam/sfv/print.hpp>
#include <warpbeam/sfv/serialize.hpp>

#include <algorithm>
#include <bit>
#include <random>
#include <utility>
#include <vector>

namespace warpbeam::sfv {
namespace {

const std::string long_text(40, 'x');
const std::string long_value = "\"" + long_text + "\"";

TEST(Storage, part_of_a_list_may_be_appended_to_itself) {
    for (size_t count = 1; count < 20; ++count) {
        std::string field = long_value + ";p=" + long_value;
        for (size_t i = 1; i < count; ++i)
            field += ", " + std::to_string(i);
        auto list = *List::parse(field);
        ASSERT_TRUE(list.add(std::move(list[0])));
        ASSERT_EQ(list.size(), count + 1);
        EXPECT_EQ(list[0].item()->value, BareItem{}) << "a moved-from value is true";
        EXPECT_EQ(list[count].item()->value.text(), long_text);
        EXPECT_EQ(list[count].parameters().size(), 1U);
        EXPECT_TRUE(List::parse(to_string(list)));
    }
}

TEST(Storage, part_of_a_map_may_be_inserted_into_itself) {
    for (int count = 1; count < 40; ++count) {
        std::string field = "old=" + long_value;
        for (int i = 1; i < count; ++i)
            field += ", k" + std::to_string(i);
        auto dictionary = *Dictionary::parse(field);
        ASSERT_TRUE(dictionary.set("new", std::move(*dictionary.find("old"))));
        EXPECT_EQ(dictionary.find("new")->item()->value.text(), long_text);
        EXPECT_EQ(dictionary.find("old")->item()->value, BareItem{});
        ASSERT_TRUE(dictionary.set("new", std::move(*dictionary.find("new"))));
        EXPECT_EQ(dictionary.find("new")->item()->value.text(), long_text);
        auto item = *Item::parse("1;a=" + long_value + ";b;c;d");
        ASSERT_TRUE(item.parameters.put("z", std::move(*item.parameters.find("a"))));
        EXPECT_EQ(to_string(item), "1;a;b;c;d;z=" + long_value);
    }
}

TEST(Storage, moved_from_documents_can_be_serialized) {
    auto list = *List::parse("1, (a b;x c), token, :AAEC:");
    const BareItem token = std::move(list[1].inner_list()->items[1].value);
    EXPECT_EQ(token.text(), "b");
    EXPECT_EQ(to_string(list), "1, (a ?1;x c), token, :AAEC:");
    const Item item = std::move(*list[2].item());
    const Member inner_list = std::move(list[1]);
    EXPECT_EQ(to_string(list), "1, (), ?1, :AAEC:");
    auto dictionary = *Dictionary::parse("a=1, b=tok;secure, c=3");
    const Item b = std::move(*dictionary.find("b")->item());
    EXPECT_EQ(to_string(dictionary), "a=1, b, c=3");
    BareItem value = *BareItem::from(Token{"tok"});
    value = std::move(dictionary.find("c")->item()->value);
    EXPECT_EQ(value.integer(), 3);
    EXPECT_EQ(to_string(dictionary), "a=1, b, c");
}

TEST(Storage, documents_move_with_all_their_members) {
    for (size_t count = 0; count < 20; ++count) {
        std::string field;
        for (size_t i = 0; i < count; ++i)
            field += (i == 0 ? "" : ", ") + ("k" + std::to_string(i)) + "=" + long_value;
        auto first = *Dictionary::parse(field);
        Dictionary second = std::move(first);
        EXPECT_TRUE(first.empty());
        EXPECT_EQ(to_string(second), field);
        first = std::move(second);
        EXPECT_TRUE(second.empty());
        EXPECT_EQ(to_string(first), field);
        ASSERT_TRUE(second.set("again", 1));
        EXPECT_EQ(to_string(second), "again=1");
        std::swap(first, second);
        EXPECT_EQ(to_string(second), field);
        EXPECT_EQ(to_string(first), "again=1");
    }
}

/// Compares a map with a vector of pairs.
class Model {
public:
    void step(std::mt19937& random) {
        const std::string key = "k" + std::to_string(random() % 60);
        const auto at = std::ranges::find(pairs_, key, &Pair::first);
        switch (random() % 8) {
        case 0:
            EXPECT_EQ(map_.erase(key), at != pairs_.end());
            if (at != pairs_.end())
                pairs_.erase(at);
            break;
        case 1:
            if (random() % 16 == 0)
                remove_multiples(2 + static_cast<int>(random() % 5));
            break;
        case 2:
        case 3:
            EXPECT_EQ(map_.find(key) == nullptr, at == pairs_.end());
            if (at != pairs_.end() && map_.find(key) != nullptr) {
                EXPECT_EQ(map_.find(key)->integer(), at->second);
            }
            break;
        default:
            const auto number = static_cast<int>(random() % 1000);
            ASSERT_TRUE(map_.set(key, number));
            if (at != pairs_.end())
                at->second = number;
            else
                pairs_.emplace_back(key, number);
        }
    }
    void compare() const {
        ASSERT_EQ(map_.size(), pairs_.size());
        for (size_t i = 0; i < pairs_.size(); ++i) {
            EXPECT_EQ(map_[i].key(), pairs_[i].first);
            EXPECT_EQ(map_[i].value.integer(), pairs_[i].second);
            EXPECT_EQ(map_.find(pairs_[i].first), &map_[i].value);
        }
    }

private:
    using Pair = std::pair<std::string, int>;

    void remove_multiples(int of) {
        map_.erase_if([of](const Parameters::Entry& entry) { return entry.value.integer() % of == 0; });
        std::erase_if(pairs_, [of](const Pair& pair) { return pair.second % of == 0; });
    }

    Parameters map_;
    std::vector<Pair> pairs_;
};

TEST(Storage, maps_agree_with_a_vector_of_pairs) {
    std::mt19937 random{1};
    for (int round = 0; round < 50; ++round) {
        Model model;
        for (int i = 0; i < 300; ++i) {
            model.step(random);
            if (i % 20 == 0)
                model.compare();
        }
        model.compare();
    }
}

TEST(Storage, a_map_stays_intact_if_removal_throws) {
    std::string field = "k0=\"" + long_text + "\"";
    for (int i = 1; i < 40; ++i)
        field += ", k" + std::to_string(i) + "=\"" + long_text + "\"";
    auto dictionary = *Dictionary::parse(field);
    int seen = 0;
    EXPECT_ANY_THROW(dictionary.erase_if([&](const Dictionary::Entry&) {
        return ++seen == 30 ? throw std::runtime_error{"enough"} : seen % 2 == 0;
    }));
    EXPECT_EQ(dictionary.size(), 26U);
    for (int i = 0; i < 40; ++i)
        EXPECT_EQ(dictionary.find("k" + std::to_string(i)) == nullptr, i < 29 && i % 2 == 1) << i;
    EXPECT_TRUE(Dictionary::parse(to_string(dictionary)));
}

TEST(Storage, erasing_members_of_a_list) {
    auto list = *List::parse("1, 2, (3 4), 5, 6");
    list.erase(1);
    EXPECT_EQ(to_string(list), "1, (3 4), 5, 6");
    list.erase_if([](const Member& member) { return member.is_inner_list(); });
    EXPECT_EQ(to_string(list), "1, 5, 6");
    list.erase_if([](const Member&) { return true; });
    EXPECT_TRUE(list.empty());
}

TEST(Storage, the_empty_key_is_in_no_map) {
    for (const std::string field : {"a", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u"}) {
        auto dictionary = *Dictionary::parse(field);
        EXPECT_EQ(dictionary.find(std::string_view{}), nullptr);
        EXPECT_FALSE(dictionary.erase(std::string_view{}));
    }
}

TEST(Storage, an_index_has_room_for_its_keys) {
    for (const size_t keys : {1U, 16U, 17U, 32U, 33U, 1000U}) {
        KeyIndex index;
        EXPECT_FALSE(index.has_room());
        ASSERT_TRUE(index.make(keys));
        size_t count = 0;
        for (; index.has_room(); ++count)
            index.add(index.find(static_cast<uint32_t>(count), [](uint32_t) { return false; }),
                      static_cast<uint32_t>(count), count);
        EXPECT_EQ(count,
                  std::max(std::bit_ceil(keys), KeyIndex::threshold)); // no less, and not twice as many
    }
}

TEST(Storage, an_index_of_too_many_keys_is_not_made) {
    KeyIndex index;
    EXPECT_FALSE(index.make(size_t{UINT32_MAX} / 2));
    EXPECT_FALSE(index.exists());
}

TEST(Storage, the_hash_depends_on_each_byte_of_a_key_and_on_nothing_else) {
    KeyIndex index;
    ASSERT_TRUE(index.make(1));
    for (size_t size = 1; size < 50; ++size) {
        const std::string key(size, 'k');
        const std::string before = std::string(8, 'x') + key + "x";
        const uint32_t hash = index.hash(key);
        EXPECT_EQ(index.hash(std::string_view{before}.substr(8, size)), hash) << size;
        for (size_t i = 0; i < size; ++i) {
            std::string other = key;
            other[i] = 'l';
            EXPECT_NE(index.hash(other), hash) << size << ", " << i; // fails once in 2^32 cases
        }
    }
}

TEST(Storage, keys_with_the_same_hash_are_all_there) {
    // About 29 of 500,000 keys have the same 32 bits as another one.
    std::string field = "k0";
    for (int i = 1; i < 500'000; ++i)
        field += ",k" + std::to_string(i);
    auto dictionary = *Dictionary::parse(field);
    dictionary.erase_if([](const auto&) { return false; }); // the index is made again
    for (int i = 0; i < 500'000; ++i)
        ASSERT_NE(dictionary.find("k" + std::to_string(i)), nullptr) << i;
}

TEST(Storage, a_line_may_have_four_gigabytes) {
    // Of none is more than the size looked at.
    const auto line_of = [](size_t size) { return std::string_view{"a", size}; };
    if constexpr (sizeof(size_t) > 4) {
        const std::string_view one[] = {line_of(Text::max_size + 1)};
        EXPECT_EQ(List::parse(one).error().reason, Reason::too_long);
        const std::string_view two[] = {line_of(Text::max_size / 2), line_of(Text::max_size / 2 + 1)};
        EXPECT_EQ(Dictionary::parse(two).error().reason, Reason::too_long);
        const std::string_view joined[] = {line_of(1), line_of(Text::max_size - 4)}; // and two commas
        EXPECT_EQ(Item::parse(joined).error().reason, Reason::too_long);
    }
}

TEST(Storage, lookup_after_removal_is_still_fast) {
    // With quadratic lookup these would be 10^10 comparisons.
    std::string field;
    for (int i = 0; i < 100'000; ++i)
        field += "k" + std::to_string(i) + ",";
    auto dictionary = *Dictionary::parse(field + "last");
    ASSERT_TRUE(dictionary.erase("k5"));
    for (int i = 0; i < 100'000; ++i)
        ASSERT_EQ(dictionary.find("k" + std::to_string(i)) == nullptr, i == 5);
    dictionary.erase_if([](const auto& entry) { return entry.key().back() != '7'; });
    EXPECT_EQ(dictionary.size(), 10'000U);
}

TEST(Storage, members_in_many_lines) {
    // The estimate from a line's length is always too small.
    const std::vector<std::string_view> lines(100'000, "a;x");
    const auto list = List::parse(lines);
    ASSERT_TRUE(list);
    EXPECT_EQ(list->size(), lines.size());
}

TEST(Storage, a_field_that_begins_dense_takes_little_memory) {
    // Two members in four bytes, then one of a megabyte.
    const auto list = List::parse("1,2,3,4,\"" + std::string(1'000'000, 'x') + "\"");
    ASSERT_TRUE(list);
    EXPECT_EQ(list->size(), 5U);
}

} // namespace
} // namespace warpbeam::sfv
