#include "../src/sha256_blocks.hpp"

#include <gtest/gtest.h>
#include <warpbeam/memory/sha256.hpp>

#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <utility>
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
    EXPECT_EQ(hex(sha256(bytes_of("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                                  "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"))),
              "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
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

TEST(Sha256Test, pads_every_last_block_as_it_should) {
    // Computed by another program.
    const std::pair<size_t, const char*> expected[] = {
        {1, "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"},
        {54, "45f316e10b2c99abf374b22bda893cf3300d77263f1e272349ed414680522952"},
        {55, "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072"},
        {56, "04c26261370ee7541549d16dee320c723e3fd14671e66a099afe0a377c16888e"},
        {57, "ae14a2563ccf969d99aca69ce6bb74981f734bbf9f655f73b8f06db68cab5217"},
        {63, "75220b47218278e656f2013bb8f0c455a25eaf01e86c64924e9d48d89776d6f2"},
        {64, "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c"},
        {65, "9537c5fdf120482f7d58d25e9ed583f52c02b4e304ea814db1633ad565aed7e9"},
        {118, "d4fc3f146a19ae0453b2195bba6b11cffd0afc8c6f94f902e55a94ed975c6abd"},
        {119, "000b48d4edf0fa7bee3c6236ecd2785baa5db4eeb8bb54341b029e0d9fa5fb0c"},
        {120, "13f05a0b594787f5ecd315edc96141bd3243203d1b7d4f0836f37308b276ba98"},
        {127, "70156a14adbabf98cff3a71c7084b417abf057a8efd27329ca36b7202c87d81f"},
        {128, "24da1b81d0b16df6428eee73c69fcb2a93c76bc6df706f0c6670fe6bfe800464"},
        {129, "0ec9eb33e74510bcdd1f2ea55206e82f21649c5c2becbf2b433eb475b34c01bd"},
    };
    for (const auto& [length, digest] : expected)
        EXPECT_EQ(hex(sha256(bytes_of(std::string(length, 'x')))), digest) << length;
}

TEST(Sha256Test, takes_parts_of_any_number_and_size) {
    const std::string message(1000, 'y');
    const Digest expected = sha256(bytes_of(message));
    for (const size_t part : {1u, 3u, 63u, 64u, 65u, 128u, 999u}) {
        Sha256 hash;
        for (size_t at = 0; at < message.size(); at += part) {
            hash.update(bytes_of(std::string_view{message}.substr(at, part)));
            hash.update({});
        }
        EXPECT_EQ(hash.finish(), expected) << part;
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
