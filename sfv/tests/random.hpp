#pragma once

#include <gtest/gtest.h>
#include <warpbeam/sfv/document.hpp>

#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace warpbeam::sfv::testing {

/// The number of inputs for each property test. The default takes seconds.
inline size_t count() {
    const char* const chosen = std::getenv("WARPBEAM_SFV_PROPERTIES");
    return chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : 20'000;
}

/// Makes random values, often at the limits of what is allowed.
class Random {
public:
    explicit Random(uint64_t seed) : engine_{seed} {}

    uint64_t bits() { return engine_(); }
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

    /// The text as one line or, cut at commas, as several; they borrow from it.
    std::vector<std::string_view> lines(std::string_view text) {
        std::vector<std::string_view> lines;
        size_t start = 0;
        for (size_t comma = text.find(", "); comma != std::string_view::npos;
             comma = text.find(", ", comma + 2)) {
            if (!once_in(3))
                continue;
            lines.push_back(text.substr(start, comma - start));
            start = comma + 2;
        }
        lines.push_back(text.substr(start));
        return lines;
    }
    ParseOptions options() {
        if (!once_in(4))
            return {};
        return {once_in(2), once_in(2), once_in(2), once_in(2), once_in(2), once_in(2)};
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

} // namespace warpbeam::sfv::testing
