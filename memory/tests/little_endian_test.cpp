#include <gtest/gtest.h>
#include <warpbeam/memory/little_endian.hpp>

#include <string>

namespace warpbeam {
namespace {

/// The bytes of a number in the order of a memory.
template <typename T>
std::string bytes_of(T number) {
    const T ordered = little_endian(number);
    return {reinterpret_cast<const char*>(&ordered), sizeof ordered};
}

TEST(LittleEndian, LowestByteFirst) {
    EXPECT_EQ(bytes_of(uint8_t{0x12}), "\x12");
    EXPECT_EQ(bytes_of(uint16_t{0x1234}), "\x34\x12");
    EXPECT_EQ(bytes_of(int32_t{-2}), "\xfe\xff\xff\xff");
    EXPECT_EQ(bytes_of(uint64_t{0x1122334455667788}), "\x88\x77\x66\x55\x44\x33\x22\x11");
    EXPECT_EQ(bytes_of(1.0F), (std::string{"\0\0\x80\x3f", 4}));
    EXPECT_EQ(bytes_of(-2.0), (std::string{"\0\0\0\0\0\0\0\xc0", 8}));
}

TEST(LittleEndian, BackAgain) {
    EXPECT_EQ(little_endian(little_endian(uint32_t{0xdeadbeef})), 0xdeadbeef);
    EXPECT_EQ(little_endian(little_endian(int64_t{INT64_MIN + 1})), INT64_MIN + 1);
    EXPECT_EQ(little_endian(little_endian(3.5)), 3.5);
}

} // namespace
} // namespace warpbeam
