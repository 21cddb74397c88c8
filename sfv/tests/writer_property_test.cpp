// Calls of the Writer in any order: what `finish` returns is a field in its canonical form.

#include "agreement.hpp"
#include "random.hpp"

#include <gtest/gtest.h>

#include <bit>

namespace warpbeam::sfv {
namespace {

using testing::count;
using testing::Random;

constexpr std::string_view good_keys[] = {"a", "b", "*c", "k-1_.*"};
constexpr std::string_view bad_keys[] = {"", "A", "a b", "\n", "_a", std::string_view{"a\0", 2}, "\u00fc"};
constexpr std::string_view texts[] = {
    "",       "a",    "tok",  "*x:/", "9a",           "a b",
    "%",      "(",    ",",    "\"\\", "a\"b",         "\r\n",
    "\u00fc", "\x7f", "\xff", "\xc3", "\xed\xa0\x80", std::string_view{"a\0b", 3}};

class Calls {
public:
    explicit Calls(uint64_t seed) : random_{seed} {}

    Random& random() { return random_; }

    /// A random number of calls; often valid ones.
    void make(Writer& writer, FieldType type) {
        is_wild_ = random_.once_in(4);
        bool is_inner = false;
        for (size_t more = 1 + random_.below(12); more > 0; --more) {
            if (is_wild_) {
                any_call(writer);
                continue;
            }
            if (is_inner && random_.once_in(3)) {
                writer.end_inner_list();
                is_inner = false;
            } else if (!is_inner && type == FieldType::dictionary) {
                writer.key(key());
            }
            if (!is_inner && type != FieldType::item && random_.once_in(3)) {
                writer.begin_inner_list();
                is_inner = true;
            } else {
                writer.value(value());
                while (random_.once_in(3))
                    writer.parameter(key(), value());
            }
            if (type == FieldType::item)
                break;
        }
        if (is_inner)
            writer.end_inner_list();
    }

private:
    template <size_t size>
    std::string_view pick(const std::string_view (&choices)[size]) {
        return choices[random_.below(size)];
    }
    std::string_view key() { return is_wild_ && random_.once_in(8) ? pick(bad_keys) : pick(good_keys); }

    void any_call(Writer& writer) {
        switch (random_.below(6)) {
        case 0:
            writer.key(key());
            break;
        case 1:
            writer.begin_inner_list();
            break;
        case 2:
            writer.end_inner_list();
            break;
        case 3:
            random_.once_in(2) ? writer.parameter(key()) : writer.parameter(key(), value());
            break;
        case 4:
            (void)writer.finish(); // changes nothing
            [[fallthrough]];
        default:
            writer.value(value());
        }
    }

    BareItemRef value() {
        const bool is_bad = random_.once_in(is_wild_ ? 8 : 60);
        const auto bits = static_cast<int64_t>(random_.bits());
        const int64_t number = is_bad ? bits : bits % (max_integer + 1);
        switch (random_.below(10)) {
        case 0:
            return number;
        case 1:
            return Decimal{number};
        case 2:
            return Date{number};
        case 3:
            return random_.once_in(2);
        case 4:
            return is_bad ? std::bit_cast<double>(bits) : static_cast<double>(bits % 1'000'000) / 1024;
        case 5:
            return is_bad ? std::bit_cast<float>(static_cast<uint32_t>(bits))
                          : static_cast<float>(bits % 999) / 7;
        case 6:
            return Token{is_bad ? pick(texts) : std::string_view{"t/*"}};
        case 7:
            return ByteSequence{pick(texts)};
        case 8:
            return DisplayString{is_bad ? pick(texts) : std::string_view{"\u00fc%\"\n"}};
        default:
            return is_bad ? pick(texts) : std::string_view{"a\"\\;, "};
        }
    }

    Random random_;
    bool is_wild_ = false;
};

/// Writes what a parser reads, without a document, which would drop duplicate keys.
void copy(Parser& parser, Writer& writer) {
    const auto value = [&] { writer.value(testing::decoded(parser.value())->ref()); };
    const auto parameters = [&] {
        while (parser.next_parameter())
            writer.parameter(parser.key(), testing::decoded(parser.value())->ref());
    };
    while (parser.next_member()) {
        if (parser.field_type() == FieldType::dictionary)
            writer.key(parser.key());
        if (parser.value().is(Type::inner_list)) {
            writer.begin_inner_list();
            while (parser.next_inner_item()) {
                value();
                parameters();
            }
            writer.end_inner_list();
        } else {
            value();
        }
        parameters();
    }
}

TEST(PropertyOfWriter, finished_output_is_canonical) {
    Calls calls{5};
    size_t finished = 0;
    for (size_t i = 0; i < count(); ++i) {
        const auto type = static_cast<FieldType>(calls.random().below(3));
        std::vector<char> buffer(calls.random().once_in(8) ? calls.random().below(40) : 1000);
        Writer writer{type, buffer};
        calls.make(writer, type);
        const auto field = writer.finish();
        const auto size = writer.finish_size();
        if (!field) {
            const bool is_small = field.error().reason == Reason::buffer_too_small;
            ASSERT_EQ(size.has_value(), is_small);
            if (is_small) {
                ASSERT_EQ(field.error().offset, *size);
                ASSERT_GT(*size, buffer.size());
            }
            continue;
        }
        ++finished;
        ASSERT_EQ(size, field->size());
        for (const char c : *field)
            ASSERT_TRUE(c >= 0x20 && c < 0x7f) << *field;
        Parser parser{type, *field};
        std::vector<char> again(field->size());
        Writer second{type, again};
        copy(parser, second);
        ASSERT_TRUE(parser.finish()) << *field;
        const auto rewritten = second.finish();
        ASSERT_TRUE(rewritten) << *field;
        ASSERT_EQ(*rewritten, *field);
    }
    EXPECT_GT(finished, count() / 4);
    EXPECT_LT(finished, count() / 10 * 9);
}

} // namespace
} // namespace warpbeam::sfv
