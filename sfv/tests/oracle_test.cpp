// Compares documents and the pull parser with an independent transcription of the RFC's algorithms, on random
// fields: mutated ones, and pieces from the official suite in sensible and random orders.

#include "agreement.hpp"
#include "oracle.hpp"
#include "random.hpp"

#include <gtest/gtest.h>

namespace warpbeam::sfv {
namespace {

using testing::count;
using testing::Random;

bool equal(const BareItem& a, const oracle::Bare& b) {
    if (!a.is(b.type))
        return false;
    switch (b.type) {
    case Type::string:
    case Type::token:
    case Type::byte_sequence:
    case Type::display_string:
        return a.text() == b.text;
    default:
        return a.ref().number() == b.number;
    }
}

bool equal(const Parameters& a, const oracle::Parameters& b) {
    if (a.size() != b.size())
        return false;
    for (size_t i = 0; i < b.size(); ++i)
        if (a[i].key() != b[i].first || !equal(a[i].value, b[i].second))
            return false;
    return true;
}

bool equal(const Item& a, const oracle::Item& b) {
    return equal(a.value, b.value) && equal(a.parameters, b.parameters);
}

bool equal(const Member& a, const oracle::Member& b) {
    if (a.is_inner_list() != b.is_inner_list)
        return false;
    if (!b.is_inner_list)
        return equal(*a.item(), b.item);
    const InnerList& list = *a.inner_list();
    if (list.items.size() != b.inner.size())
        return false;
    for (size_t i = 0; i < b.inner.size(); ++i)
        if (!equal(list.items[i], b.inner[i]))
            return false;
    return equal(list.parameters, b.parameters);
}

bool equal(const Item& a, const oracle::Field& b) { return b.size() == 1 && equal(a, b[0].second.item); }

bool equal(const List& a, const oracle::Field& b) {
    if (a.size() != b.size())
        return false;
    for (size_t i = 0; i < b.size(); ++i)
        if (!equal(a[i], b[i].second))
            return false;
    return true;
}

bool equal(const Dictionary& a, const oracle::Field& b) {
    if (a.size() != b.size())
        return false;
    for (size_t i = 0; i < b.size(); ++i)
        if (a[i].key() != b[i].first || !equal(a[i].value, b[i].second))
            return false;
    return true;
}

/// The difference, or null.
template <typename T>
const char* difference(const std::vector<std::string_view>& lines, const ParseOptions& options,
                       bool& accepted) {
    const auto expected = oracle::parse(field_type_of(T{}), lines,
                                        {options.rfc8941, options.strict_padding, options.strict_pad_bits,
                                         options.strict_dates, options.strict_lines, options.wide_keys});
    accepted = expected.has_value();
    const auto document = T::parse(lines, options);
    if (document.has_value() != accepted)
        return accepted ? "a document is refused" : "a document is accepted";
    Parser parser{field_type_of(T{}), lines, options};
    if (parser.finish().has_value() != accepted)
        return accepted ? "the pull parser refuses" : "the pull parser accepts";
    return accepted && !equal(*document, *expected) ? "other values" : nullptr;
}

constexpr std::string_view bare_pieces[] = {"a",
                                            "*",
                                            "foo123",
                                            "tok/en:x!#$%&'*+-.^_`|~",
                                            "A9",
                                            "1",
                                            "-1",
                                            "0",
                                            "-0",
                                            "00012",
                                            "999999999999999",
                                            "-999999999999999",
                                            "1000000000000000",
                                            "--1",
                                            "-",
                                            "1.5",
                                            "-0.5",
                                            "1.",
                                            ".5",
                                            "1.500",
                                            "1.1234",
                                            "123456789012.123",
                                            "1234567890123.1",
                                            "000000000000000.1",
                                            "1.2.3",
                                            "\"\"",
                                            "\"foo bar\"",
                                            R"("a\"b\\c")",
                                            R"("a\b")",
                                            R"("a\")",
                                            "\"abc",
                                            "\"",
                                            "\"a, b\"",
                                            "\"\t\"",
                                            "\"a long string without any escapes; (it) has, more\"",
                                            "::",
                                            ":aGVsbG8=:",
                                            ":aGVsbG8:",
                                            ":aGVsbG8==:",
                                            ":=:",
                                            ":====:",
                                            ":AA=:",
                                            ":AA==:",
                                            ":AB==:",
                                            ":AAB=:",
                                            ":AA:",
                                            ":A:",
                                            ":AAAAA:",
                                            ":AAAA=AAA:",
                                            ":A A:",
                                            ":iZ==:",
                                            ":/+Ah:",
                                            ":_-Ah:",
                                            ":aGVsbG8",
                                            ":AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHH:",
                                            ":AAAABBBBCCCCDDDDEEEEFFFFGGGGHHI=:",
                                            "?0",
                                            "?1",
                                            "?2",
                                            "?",
                                            "@0",
                                            "@-1",
                                            "@1659578233",
                                            "@1659578233.5",
                                            "@-62135596800",
                                            "@-62135596801",
                                            "@253402300799",
                                            "@253402300800",
                                            "@999999999999999",
                                            "@",
                                            "@a",
                                            "%\"\"",
                                            "%\"foo\"",
                                            "%\"f%c3%bc%c3%bc\"",
                                            "%\"%f0%9f%98%80\"",
                                            "%\"%ed%a0%80\"",
                                            "%\"%c0%80\"",
                                            "%\"%f4%90%80%80\"",
                                            "%\"%c3\"",
                                            "%\"%C3%BC\"",
                                            "%\"%00%22%25\"",
                                            "%\"%",
                                            "%\"%a\"",
                                            "%\"a\\\"",
                                            "%foo",
                                            "%\"a, b\"",
                                            "%\"%c3, %bc\""};
constexpr std::string_view keys[] = {"a", "b", "c",  "*", "a_-.*9", "abcdefghijklmnopqrstuvwxyz0123456789",
                                     "A", "1", "_a", "",  "a b"};
constexpr std::string_view separators[] = {",", " ,  ", "\t,\t", ",,", " ", ", , ", ";", "=", "\n"};

/// Random fields made from these pieces.
class Pieces {
public:
    explicit Pieces(Random& random) : random_{random} {}

    std::string make(FieldType type) {
        std::string field{random_.once_in(10) ? " " : ""};
        if (type == FieldType::item) {
            field += bare();
            parameters(field);
        }
        for (size_t more = type == FieldType::item ? 0 : random_.below(5); more > 0; --more) {
            if (type == FieldType::dictionary)
                member_key(field);
            else
                value(field);
            if (more > 1)
                field += random_.once_in(20) ? pick(separators) : ", ";
        }
        if (random_.once_in(20))
            field += pick(separators);
        if (random_.once_in(3))
            random_.mutate(field);
        return field;
    }

private:
    template <size_t size>
    std::string_view pick(const std::string_view (&pieces)[size]) {
        return pieces[random_.below(size)];
    }
    /// Mostly well-formed, since otherwise long fields never would be.
    std::string_view bare() {
        static constexpr std::string_view good[] = {"t",      "5",  "-1.5", "\"x\\\"\"",
                                                    ":AQID:", "?0", "@7",   "%\"%c3%bc\""};
        return random_.once_in(3) ? pick(bare_pieces) : pick(good);
    }
    std::string_view key() { return random_.once_in(20) ? pick(keys) : pick({"a", "b", "c*", "d.e"}); }
    void parameters(std::string& field) {
        while (random_.once_in(3)) {
            field += random_.once_in(4) ? "; " : ";";
            field += key();
            if (random_.once_in(2))
                field.append("=").append(bare());
        }
    }
    void value(std::string& field) {
        if (random_.once_in(3)) {
            field += random_.once_in(4) ? "( " : "(";
            for (size_t more = random_.below(4); more > 0; --more) {
                field += bare();
                parameters(field);
                if (more > 1)
                    field += random_.once_in(30) ? pick(separators) : " ";
            }
            field += random_.once_in(20) ? "" : random_.once_in(4) ? "  )" : ")";
        } else {
            field += bare();
        }
        parameters(field);
    }
    void member_key(std::string& field) {
        field += key();
        if (random_.once_in(4))
            return parameters(field);
        field += "=";
        value(field);
    }

    Random& random_;
};

template <typename T>
class PropertyOfOracle : public ::testing::Test {};
using Documents = ::testing::Types<Item, List, Dictionary>;
TYPED_TEST_SUITE(PropertyOfOracle, Documents);

/// Tries the fields that `make` makes.
template <typename T, typename Make>
void compare(uint64_t seed, const Make& make) {
    Random random{seed};
    size_t accepted = 0;
    for (size_t i = 0; i < count(); ++i) {
        const std::string field = make(random);
        std::vector<std::string_view> lines = random.lines(field);
        if (random.once_in(1000))
            lines.clear();
        bool is_accepted = false;
        const char* const fault = difference<T>(lines, random.options(), is_accepted);
        ASSERT_EQ(fault, nullptr) << fault << ": " << testing::join(lines);
        accepted += is_accepted;
    }
    EXPECT_GT(accepted, count() / 10);
    EXPECT_LT(accepted, count() / 10 * 9);
}

TYPED_TEST(PropertyOfOracle, agrees_about_mutated_fields) {
    compare<TypeParam>(3, [](Random& random) {
        TypeParam document;
        random.make(document);
        std::string field = to_string(document);
        random.mutate(field);
        return field;
    });
}

TYPED_TEST(PropertyOfOracle, agrees_about_pieces) {
    compare<TypeParam>(4, [](Random& random) { return Pieces{random}.make(field_type_of(TypeParam{})); });
}

} // namespace
} // namespace warpbeam::sfv
