#include "../src/sha256_blocks.hpp"

#include <gtest/gtest.h>
#include <warpbeam/memory/sha256.hpp>

#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace warpbeam {
namespace {

std::span<const uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
std::string hex(const Digest& digest) {
    std::string text;
    for (const uint8_t byte : digest) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

TEST(Sha256Test, has_the_digests_of_the_standard) {
    EXPECT_EQ(hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(hex(sha256(bytes_of("abc"))),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex(sha256(bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(hex(sha256(bytes_of(std::string(1'000'000, 'a')))),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, does_not_depend_on_how_the_bytes_are_divided) {
    std::string message;
    for (int i = 0; i < 200; ++i)
        message += static_cast<char>(i * 7);
    for (size_t size = 0; size <= message.size(); ++size) {
        const auto whole = bytes_of(std::string_view{message}.substr(0, size));
        const Digest expected = sha256(whole);
        for (size_t cut = 0; cut <= size; ++cut) {
            Sha256 hash;
            hash.update(whole.first(cut));
            hash.update(whole.subspan(cut));
            ASSERT_EQ(hash.finish(), expected) << size << ' ' << cut;
        }
    }
}

TEST(Sha256Test, instructions_compute_what_portable_code_does) {
    if (!detail::has_sha256_instructions()) {
        EXPECT_FALSE(Sha256::is_accelerated());
        return;
    }
    std::mt19937 random{1};
    std::vector<uint8_t> blocks(64 * 9);
    for (int round = 0; round < 100; ++round) {
        for (uint8_t& byte : blocks)
            byte = static_cast<uint8_t>(random());
        uint32_t portable[8];
        for (uint32_t& word : portable)
            word = static_cast<uint32_t>(random());
        uint32_t native[8];
        std::memcpy(native, portable, sizeof native);
        const size_t count = static_cast<size_t>(round) % 10;
        detail::sha256_portable(portable, blocks.data(), count);
        detail::sha256_native(native, blocks.data(), count);
        ASSERT_EQ(std::memcmp(portable, native, sizeof native), 0) << round;
    }
}

} // namespace
} // namespace warpbeam
