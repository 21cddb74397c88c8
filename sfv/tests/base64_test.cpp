// What decodes sixteen characters at a time: this processor chooses one of them, the tests try both.

#include "base64.hpp"
#include "base64_blocks.hpp"

#include <gtest/gtest.h>
#include <warpbeam/sfv/scan.hpp>

#include <random>
#include <string>

namespace warpbeam::sfv {
namespace {

#if WARPBEAM_SFV_SSE2
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string bytes_of_text(std::string_view text) {
    std::string bytes;
    for (size_t i = 0; i < text.size(); i += 4) {
        size_t bits = 0;
        for (const char c : text.substr(i, 4))
            bits = bits << 6 | alphabet.find(c);
        for (const int shift : {16, 8, 0})
            bytes += static_cast<char>(bits >> shift);
    }
    return bytes;
}

template <typename Decode>
void expect_blocks(const Decode& decode) {
    std::mt19937 random{1};
    std::string text{alphabet}; // every character in every place of a block
    for (size_t i = 0; i < 16; ++i)
        text.append(alphabet.substr(i)).append(alphabet.substr(0, i));
    for (int i = 0; i < 400; ++i)
        text += alphabet[random() % alphabet.size()];
    const std::string expected = bytes_of_text(text);
    for (size_t size = 0; size <= text.size(); ++size) {
        const size_t blocks = size < 20 ? 0 : (size - 4) / 16; // the last four are left to others
        std::string bytes(blocks * 12 + 4, '#');
        const char* p = text.data();
        char* out = bytes.data();
        decode(p, p + size, out);
        ASSERT_EQ(p, text.data() + blocks * 16) << size;
        ASSERT_EQ(out, bytes.data() + blocks * 12) << size;
        ASSERT_EQ(bytes.substr(0, blocks * 12), expected.substr(0, blocks * 12)) << size;
    }
}

TEST(Base64, blocks_without_the_byte_shuffle) {
    expect_blocks([](const char*& p, const char* end, char*& out) { decode_blocks_sse2(p, end, out); });
}

TEST(Base64, blocks_with_the_byte_shuffle) {
    if (!__builtin_cpu_supports("ssse3"))
        GTEST_SKIP() << "this processor does not have SSSE3";
    expect_blocks([](const char*& p, const char* end, char*& out) { decode_blocks_ssse3(p, end, out); });
}
#endif

TEST(Base64, the_size_is_that_of_the_bytes) {
    char bytes[16];
    for (const std::string_view text : {"", "AA", "AA==", "AAA", "AAA=", "AAAA", "AAAAAA==", "AAAAAAA"})
        EXPECT_EQ(base64_decode(text, bytes), base64_decoded_size(text)) << text;
}

} // namespace
} // namespace warpbeam::sfv
