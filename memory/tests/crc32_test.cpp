#include <gtest/gtest.h>
#include <warpbeam/memory/crc32.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

namespace warpbeam {
namespace {

std::span<const uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

TEST(Crc32Test, known_values) {
    EXPECT_EQ(crc32({}), 0u);
    EXPECT_EQ(crc32(bytes_of("a")), 0xe8b7'be43u);
    EXPECT_EQ(crc32(bytes_of("123456789")), 0xcbf4'3926u);
    EXPECT_EQ(crc32(bytes_of("The quick brown fox jumps over the lazy dog")), 0x414f'a339u);
    const std::vector<uint8_t> zeros(32);
    EXPECT_EQ(crc32(zeros), 0x190a'55adu);
}

TEST(Crc32Test, parts_make_the_same_as_the_whole) {
    const auto whole = bytes_of("The quick brown fox jumps over the lazy dog");
    for (size_t i = 0; i <= whole.size(); ++i)
        EXPECT_EQ(crc32(whole.subspan(i), crc32(whole.first(i))), crc32(whole)) << i;
}

TEST(Crc32Test, every_changed_bit_counts) {
    std::vector<uint8_t> bytes(100, 0x5a);
    const uint32_t before = crc32(bytes);
    for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
        EXPECT_NE(crc32(bytes), before) << bit;
        bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    }
}

} // namespace
} // namespace warpbeam
