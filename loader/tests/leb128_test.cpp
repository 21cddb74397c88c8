#include <gtest/gtest.h>
#include <warpbeam/loader/leb128.hpp>

#include <vector>

namespace warpbeam {
namespace {

template <typename T, unsigned bits = sizeof(T) * 8>
std::pair<LebFault, T> decode(std::vector<uint8_t> bytes) {
    T value{};
    const uint8_t* p = bytes.data();
    const LebFault fault = decode_leb128<T, bits>(p, p + bytes.size(), value);
    return {fault, value};
}

TEST(Leb128, unsigned) {
    EXPECT_EQ(decode<uint32_t>({0x00}), std::pair(LebFault::none, 0u));
    EXPECT_EQ(decode<uint32_t>({0xe5, 0x8e, 0x26}), std::pair(LebFault::none, 624485u));
    EXPECT_EQ(decode<uint32_t>({0x80, 0x80, 0x80, 0x80, 0x00}), std::pair(LebFault::none, 0u));
    EXPECT_EQ(decode<uint32_t>({0xff, 0xff, 0xff, 0xff, 0x0f}), std::pair(LebFault::none, UINT32_MAX));
    EXPECT_EQ(decode<uint64_t>({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}),
              std::pair(LebFault::none, UINT64_MAX));
}

TEST(Leb128, signed) {
    EXPECT_EQ(decode<int32_t>({0x7f}), std::pair(LebFault::none, -1));
    EXPECT_EQ(decode<int32_t>({0x3f}), std::pair(LebFault::none, 63));
    EXPECT_EQ(decode<int32_t>({0x40}), std::pair(LebFault::none, -64));
    EXPECT_EQ(decode<int32_t>({0x80, 0x80, 0x80, 0x80, 0x78}), std::pair(LebFault::none, INT32_MIN));
    EXPECT_EQ(decode<int32_t>({0xff, 0xff, 0xff, 0xff, 0x07}), std::pair(LebFault::none, INT32_MAX));
    EXPECT_EQ(decode<int64_t>({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}),
              std::pair(LebFault::none, INT64_MIN));
}

TEST(Leb128, thirty_three_bits) {
    EXPECT_EQ((decode<int64_t, 33>({0xff, 0xff, 0xff, 0xff, 0x0f})),
              std::pair(LebFault::none, int64_t{UINT32_MAX}));
    EXPECT_EQ((decode<int64_t, 33>({0x80, 0x80, 0x80, 0x80, 0x70})),
              std::pair(LebFault::none, -(int64_t{1} << 32)));
    EXPECT_EQ((decode<int64_t, 33>({0x80, 0x80, 0x80, 0x80, 0x10})).first, LebFault::too_large);
}

template <typename T>
void expect_valid(std::initializer_list<T> values) {
    for (const T value : values) {
        uint8_t bytes[max_leb128];
        const uint8_t* const end = encode_leb128(value, bytes);
        const uint8_t* p = bytes;
        EXPECT_EQ(valid_leb128<T>(p), value);
        EXPECT_EQ(p, end) << value;
    }
}

TEST(Leb128, what_is_valid_is_read_without_checks) {
    expect_valid<uint32_t>(
        {0, 1, 63, 64, 127, 128, 0x1fff, 0x2000, 0x3fff, 0x4000, 0x7fff'ffff, 0x8000'0000, UINT32_MAX});
    expect_valid<uint64_t>({0, 64, 0x2000, 0x3fff, uint64_t{1} << 55, uint64_t{1} << 62, UINT64_MAX});
    expect_valid<int32_t>({0, -1, 63, 64, -64, -65, 0x1fff, 0x2000, -0x2000, INT32_MIN, INT32_MAX});
    expect_valid<int64_t>({0, -1, 64, -65, int64_t{1} << 55, -(int64_t{1} << 55), int64_t{1} << 62,
                           -(int64_t{1} << 62), INT64_MIN, INT64_MAX});
}

TEST(Leb128, faults) {
    EXPECT_EQ(decode<uint32_t>({}).first, LebFault::unexpected_end);
    EXPECT_EQ(decode<uint32_t>({0x80}).first, LebFault::unexpected_end);
    EXPECT_EQ(decode<uint32_t>({0x80, 0x80, 0x80, 0x80, 0x80, 0x00}).first, LebFault::too_long);
    EXPECT_EQ(decode<uint32_t>({0xff, 0xff, 0xff, 0xff, 0x10}).first, LebFault::too_large);
    EXPECT_EQ(decode<int32_t>({0xff, 0xff, 0xff, 0xff, 0x4f}).first, LebFault::too_large);
    EXPECT_EQ(decode<int32_t>({0x80, 0x80, 0x80, 0x80, 0x08}).first, LebFault::too_large);
}

template <typename T>
void encode_all(std::initializer_list<std::pair<T, size_t>> values) {
    for (const auto& [value, size] : values) {
        uint8_t bytes[max_leb128];
        const uint8_t* const end = encode_leb128(value, bytes);
        EXPECT_EQ(static_cast<size_t>(end - bytes), size) << value;
        T again = 0;
        const uint8_t* p = bytes;
        EXPECT_EQ(decode_leb128(p, end, again), LebFault::none) << value;
        EXPECT_EQ(p, end) << value;
        EXPECT_EQ(again, value);
    }
}

TEST(Leb128, is_encoded_in_as_few_bytes_as_possible) {
    encode_all<uint64_t>({{0, 1}, {0x7f, 1}, {0x80, 2}, {0x3fff, 2}, {0x4000, 3}, {UINT64_MAX, 10}});
    encode_all<int64_t>(
        {{0, 1}, {0x3f, 1}, {0x40, 2}, {-1, 1}, {-0x40, 1}, {-0x41, 2}, {INT64_MAX, 10}, {INT64_MIN, 10}});
}

} // namespace
} // namespace warpbeam
