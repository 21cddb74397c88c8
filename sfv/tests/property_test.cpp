// Random documents, and fields that are nearly right. WARPBEAM_SFV_PROPERTIES sets the number of each; the
// default takes seconds.

#include "agreement.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

namespace warpbeam::sfv {
namespace {

using testing::disagreement;

size_t count() {
    const char* const chosen = std::getenv("WARPBEAM_SFV_PROPERTIES");
    return chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : 20'000;
}

/// Makes random values; often the edges of what is allowed.
class Random {
public:
    explicit Random(uint64_t seed) : engine_{seed} {}

    size_t below(size_t limit) { return engine_() % limit; }
    bool once_in(size_t times) { return below(times) == 0; }
    char pick(std::string_view from) { return from[below(from.size())]; }

    std::string key() {
        std::string key(1, pick("abcxyz*"));
        for (size_t more = size(); more > 0; --more)
            key += pick("abcdefghijklmnopqrstuvwxyz0123456789_-.*");
        return key;
    }

    Item item() {
        Item item{bare(), {}};
        fill(item.parameters);
        return item;
    }
    Member member() {
        if (!once_in(4))
            return item();
        InnerList list;
        for (size_t more = below(5); more > 0; --more)
            EXPECT_NE(list.items.emplace(item()), nullptr);
        fill(list.parameters);
        return list;
    }
    void make(Item& to) { to = item(); }
    void make(List& list) {
        for (size_t more = size(); more > 0; --more)
            EXPECT_TRUE(list.add(member()));
    }
    void make(Dictionary& dictionary) {
        for (size_t more = size(); more > 0; --more)
            EXPECT_TRUE(dictionary.set(key(), member()));
    }

    /// Changes, drops, doubles or inserts a few bytes.
    void mutate(std::string& text) {
        constexpr std::string_view telling = " \t,;=()\"\\:?@%*-.0159aAzZ_/+\x7f\x80\n";
        for (size_t times = 1 + below(3); times > 0; --times) {
            const size_t at = below(text.size() + 1);
            switch (below(4)) {
            case 0:
                text.insert(at, 1, once_in(4) ? static_cast<char>(below(256)) : pick(telling));
                break;
            case 1:
                text.erase(at, 1 + below(3));
                break;
            case 2:
                text.insert(at, text.substr(below(text.size() + 1), below(8)));
                break;
            default:
                if (at < text.size())
                    text[at] = pick(telling);
            }
        }
    }

private:
    size_t size() { return once_in(50) ? below(60) : below(6); }

    int64_t number() {
        const int64_t magnitude = once_in(8) ? max_integer - static_cast<int64_t>(below(2000))
                                             : static_cast<int64_t>(engine_() >> (14 + below(50)));
        const int64_t bounded = magnitude % (max_integer + 1);
        return once_in(2) ? -bounded : bounded;
    }

    std::string bytes(char first, char last) {
        std::string text;
        for (size_t more = size() * (1 + below(4)); more > 0; --more)
            text +=
                static_cast<char>(first + static_cast<char>(below(static_cast<size_t>(last - first) + 1)));
        return text;
    }

    std::string any_bytes() {
        std::string text;
        for (size_t more = size() * (1 + below(4)); more > 0; --more)
            text += static_cast<char>(below(256));
        return text;
    }

    std::string utf8() {
        constexpr std::string_view characters[] = {"a",
                                                   "\"",
                                                   "%",
                                                   "\\",
                                                   "\n",
                                                   "\x7f",
                                                   "\u0080",
                                                   "\u07ff",
                                                   "\u0800",
                                                   "\uffff",
                                                   "\U00010000",
                                                   "\U0010ffff",
                                                   std::string_view{"\0", 1}};
        std::string text;
        for (size_t more = size(); more > 0; --more)
            text += characters[below(std::size(characters))];
        return text;
    }

    BareItem bare() {
        switch (below(8)) {
        case 0:
            return *BareItem::from(number());
        case 1:
            return *BareItem::from(Decimal{number()});
        case 2:
            return *BareItem::from(bytes(' ', '~'));
        case 3: {
            std::string token(1, pick("aZ*"));
            for (size_t more = size(); more > 0; --more)
                token += pick("azAZ09!#$%&'*+-.^_`|~:/");
            return *BareItem::from(Token{token});
        }
        case 4:
            return *BareItem::from(ByteSequence{any_bytes()});
        case 5:
            return *BareItem::from(once_in(2));
        case 6:
            return *BareItem::from(Date{number()});
        default:
            return *BareItem::from(DisplayString{utf8()});
        }
    }

    void fill(Parameters& parameters) {
        for (size_t more = once_in(2) ? size() : 0; more > 0; --more)
            EXPECT_TRUE(parameters.put(key(), bare()));
    }

    std::mt19937_64 engine_;
};

template <typename T>
class Property : public ::testing::Test {};
using Documents = ::testing::Types<Item, List, Dictionary>;
TYPED_TEST_SUITE(Property, Documents);

TYPED_TEST(Property, WhatIsSerializedIsReadBack) {
    Random random{1};
    for (size_t i = 0; i < count(); ++i) {
        TypeParam document;
        random.make(document);
        const std::string field = to_string(document);
        const auto again = TypeParam::parse(field);
        ASSERT_TRUE(again) << field << ": " << again.error().message().view();
        ASSERT_TRUE(*again == document) << field;
        ASSERT_EQ(to_string(*again), field);
    }
}

TYPED_TEST(Property, MutatedFieldsAreReadTheSameByAll) {
    Random random{2};
    size_t accepted = 0;
    for (size_t i = 0; i < count(); ++i) {
        TypeParam document;
        random.make(document);
        std::string field = to_string(document);
        random.mutate(field);
        // Cut into lines at commas, too.
        const size_t comma = field.find(", ");
        std::vector<std::string_view> lines{field};
        if (comma != std::string::npos && random.once_in(2))
            lines = {std::string_view{field}.substr(0, comma), std::string_view{field}.substr(comma + 2)};
        ParseOptions options;
        if (random.once_in(4))
            options = {random.once_in(2), random.once_in(2), random.once_in(2), random.once_in(2),
                       random.once_in(2)};
        const char* const fault = disagreement<TypeParam>(lines, options);
        ASSERT_EQ(fault, nullptr) << fault << ": " << field;
        accepted += TypeParam::parse(lines, options).has_value();
    }
    // Both sides have to be tried.
    EXPECT_GT(accepted, count() / 20);
    EXPECT_LT(accepted, count() / 20 * 19);
}

} // namespace
} // namespace warpbeam::sfv
