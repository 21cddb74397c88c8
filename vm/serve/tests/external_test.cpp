#include <gtest/gtest.h>

#include <external.hpp>
#include <initializer_list>
#include <string>

namespace warpbeam::serve::external {
namespace {

using Data = std::vector<uint8_t>;

Data operator+(Data left, const Data& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}
Data repeated(const Data& part, size_t count) {
    Data all;
    for (size_t i = 0; i != count; ++i)
        all.insert(all.end(), part.begin(), part.end());
    return all;
}

/// Every tag, once.
const Data atom{119, 1, 'a'};
const Data whole[] = {
    {97, 5},
    {98, 255, 255, 255, 255},
    Data{70} + Data(8, 0),
    {100, 0, 1, 'a'},
    {115, 1, 'a'},
    {118, 0, 1, 'a'},
    atom,
    {104, 2, 97, 1, 106},
    {105, 0, 0, 0, 1, 106},
    {106},
    {107, 0, 2, 1, 2},
    {108, 0, 0, 0, 1, 97, 1, 106},
    {109, 0, 0, 0, 2, 1, 2},
    {77, 0, 0, 0, 1, 3, 224},
    {110, 2, 0, 1, 2},
    {111, 0, 0, 0, 2, 1, 1, 2},
    {112, 0, 0, 0, 6, 1, 2},
    Data{113} + atom + atom + Data{97, 1},
    {116, 0, 0, 0, 1, 97, 1, 106},
    Data{103} + atom + Data(9, 0),
    Data{88} + atom + Data(12, 0),
    Data{102} + atom + Data(5, 0),
    Data{89} + atom + Data(8, 0),
    Data{120} + atom + Data(12, 0),
    Data{114, 0, 2} + atom + Data(9, 0),
    Data{90, 0, 2} + atom + Data(12, 0),
};

TEST(ExternalTermTest, FindsTheEndOfEveryTerm) {
    for (const Data& term : whole) {
        EXPECT_EQ(size_of(term), term.size()) << int{term[0]};
        EXPECT_EQ(size_of(term + Data{1, 2, 3}), term.size()) << int{term[0]};
        for (size_t i = 0; i != term.size(); ++i)
            EXPECT_EQ(size_of(Data(term.begin(), term.begin() + static_cast<ptrdiff_t>(i))), std::nullopt)
                << int{term[0]} << ", " << i;
    }
}

TEST(ExternalTermTest, RefusesOtherTags) {
    std::vector<bool> known(256);
    for (const Data& term : whole)
        known[term[0]] = true;
    for (size_t tag = 0; tag != 256; ++tag)
        if (!known[tag]) {
            EXPECT_EQ(size_of(Data{static_cast<uint8_t>(tag)} + Data(300, 0)), std::nullopt) << tag;
        }
}

TEST(ExternalTermTest, BelievesNoCount) {
    for (const Data& begin :
         {Data{105, 255, 255, 255, 255}, Data{108, 255, 255, 255, 255}, Data{116, 255, 255, 255, 255},
          Data{109, 255, 255, 255, 255}, Data{111, 255, 255, 255, 255}, Data{112, 255, 255, 255, 255},
          Data{112, 0, 0, 0, 3}, Data{90, 255, 255}, Data{114, 0, 6}}) {
        EXPECT_EQ(size_of(begin + Data(100, 106)), std::nullopt) << int{begin[0]};
        EXPECT_EQ(size_of(repeated(begin, 10'000)), std::nullopt) << int{begin[0]};
    }
}

TEST(ExternalTermTest, DepthCostsNoStack) {
    constexpr size_t depth = 300'000;
    const Data nested = repeated({104, 1}, depth) + Data{106};
    EXPECT_EQ(size_of(nested), nested.size());
    Data flat;
    EXPECT_TRUE(flatten(repeated({108, 0, 0, 0, 1}, depth) + Data{97, 7} + Data(depth, 106), flat));
    EXPECT_EQ(flat, Data{7});
}

TEST(ExternalTermTest, ReadsIntegers) {
    const auto expect = [](const Data& term, std::optional<uint64_t> bits, bool is_negative) {
        ASSERT_EQ(size_of(term), term.size());
        const auto found = integer(term);
        ASSERT_EQ(found.has_value(), bits.has_value());
        if (found) {
            EXPECT_EQ(found->bits, *bits);
            EXPECT_EQ(found->is_negative, is_negative);
        }
    };
    expect({97, 255}, 255, false);
    expect({98, 128, 0, 0, 0}, static_cast<uint64_t>(INT32_MIN), true);
    expect({110, 8, 0, 255, 255, 255, 255, 255, 255, 255, 255}, UINT64_MAX, false);
    expect({110, 8, 1, 0, 0, 0, 0, 0, 0, 0, 128}, static_cast<uint64_t>(INT64_MIN), true);
    expect({110, 8, 1, 1, 0, 0, 0, 0, 0, 0, 128}, std::nullopt, true);
    expect({110, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, std::nullopt, false);
    expect({110, 10, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 5, false);
    expect({110, 0, 1}, 0, false);
    expect({106}, std::nullopt, false);
}

TEST(ExternalTermTest, WritesWhatItReads) {
    for (const int64_t value :
         {int64_t{0}, int64_t{255}, int64_t{256}, int64_t{INT32_MAX}, int64_t{INT32_MAX} + 1, int64_t{-1},
          int64_t{INT32_MIN}, int64_t{INT32_MIN} - 1, INT64_MAX, INT64_MIN}) {
        Buffer term;
        write_integer(term, value < 0, static_cast<uint64_t>(value));
        ASSERT_EQ(size_of(term), term.size()) << value;
        EXPECT_EQ(static_cast<int64_t>(integer(term)->bits), value);
        EXPECT_EQ(integer(term)->is_negative, value < 0);
    }
    Buffer text;
    write_atom(text, "word");
    EXPECT_EQ(external::atom(text), "word");
    Buffer real;
    write_float(real, -2.5);
    EXPECT_EQ(number(real), -2.5);
    EXPECT_EQ(number(Data{70, 127, 240, 0, 0, 0, 0, 0, 0}), std::nullopt); // no term: an infinity
}

TEST(ExternalTermTest, FlattensListsOfBytes) {
    const auto flat = [](const Data& term) -> std::optional<std::string> {
        EXPECT_EQ(size_of(term), term.size());
        Data bytes;
        if (!flatten(term, bytes))
            return std::nullopt;
        return std::string(bytes.begin(), bytes.end());
    };
    EXPECT_EQ(flat({106}), "");
    EXPECT_EQ(flat({107, 0, 2, 'a', 'b'}), "ab");
    EXPECT_EQ(flat({109, 0, 0, 0, 1, 'a'}), "a");
    const Data end{109, 0, 0, 0, 1, 'c'};
    EXPECT_EQ(flat(Data{108, 0, 0, 0, 2, 97, 'a', 108, 0, 0, 0, 1, 97, 'b', 106} + end),
              "abc"); // a binary as the tail
    EXPECT_EQ(flat({108, 0, 0, 0, 1, 98, 0, 0, 0, 'a', 106}), "a");
    EXPECT_EQ(flat({97, 'a'}), std::nullopt);
    EXPECT_EQ(flat({108, 0, 0, 0, 1, 97, 1, 97, 1}), std::nullopt); // a number as the tail
    EXPECT_EQ(flat({108, 0, 0, 0, 0, 97, 1}), std::nullopt);
    EXPECT_EQ(flat({108, 0, 0, 0, 1, 98, 0, 0, 1, 0, 106}), std::nullopt);
    EXPECT_EQ(flat({108, 0, 0, 0, 1, 98, 255, 255, 255, 255, 106}), std::nullopt);
    EXPECT_EQ(flat({104, 0}), std::nullopt);
    EXPECT_EQ(flat({77, 0, 0, 0, 1, 3, 224}), std::nullopt);
}

TEST(ExternalTermTest, HandlesAreOfOneProcess) {
    Buffer term;
    write_handle(term, 77, uint64_t{1} << 40);
    ASSERT_EQ(size_of(term), term.size());
    EXPECT_EQ(handle(term, 77), uint64_t{1} << 40);
    EXPECT_EQ(handle(term, 78), std::nullopt);
    for (size_t i = 1; i + 8 < term.size(); ++i) {
        Data other = term;
        other[i] ^= 1;
        if (size_of(other) == other.size()) {
            EXPECT_EQ(handle(other, 77), std::nullopt) << i;
        }
    }
    EXPECT_EQ(handle(Data{106}, 77), std::nullopt);
}

} // namespace
} // namespace warpbeam::serve::external
