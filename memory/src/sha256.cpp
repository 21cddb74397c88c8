#include "sha256_blocks.hpp"

#include <warpbeam/memory/sha256.hpp>

#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace warpbeam {
namespace detail {
namespace {

/// The first 32 bits of the fractions of the cube roots of the first 64 primes.
constexpr uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

uint32_t load_big_endian(const uint8_t* at) noexcept {
    return uint32_t{at[0]} << 24 | uint32_t{at[1]} << 16 | uint32_t{at[2]} << 8 | at[3];
}

} // namespace

void sha256_portable(uint32_t (&state)[8], const uint8_t* blocks, size_t count) noexcept {
    for (; count != 0; --count, blocks += 64) {
        uint32_t w[64];
        for (size_t i = 0; i < 16; ++i)
            w[i] = load_big_endian(blocks + 4 * i);
        for (size_t i = 16; i < 64; ++i) {
            const uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
            const uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ w[i - 2] >> 10;
            w[i] = w[i - 16] + s0 + w[i - 7] + s1;
        }
        auto [a, b, c, d, e, f, g, h] = state;
        for (size_t i = 0; i < 64; ++i) {
            const uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
            const uint32_t first = h + s1 + ((e & f) ^ (~e & g)) + round_constants[i] + w[i];
            const uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
            const uint32_t second = s0 + ((a & b) ^ (a & c) ^ (b & c));
            h = g;
            g = f;
            f = e;
            e = d + first;
            d = c;
            c = b;
            b = a;
            a = first + second;
        }
        const uint32_t changed[8] = {a, b, c, d, e, f, g, h};
        for (size_t i = 0; i < 8; ++i)
            state[i] += changed[i];
    }
}

#if defined(__x86_64__)

bool has_sha256_instructions() noexcept {
    static const bool has = [] {
        unsigned a = 0;
        unsigned b = 0;
        unsigned c = 0;
        unsigned d = 0;
        constexpr unsigned ssse3_and_sse41 = 1u << 9 | 1u << 19;
        constexpr unsigned sha = 1u << 29;
        return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & ssse3_and_sse41) == ssse3_and_sse41 &&
               __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & sha) != 0;
    }();
    return has;
}

/// The instructions keep the state as {f, e, b, a} and {h, g, d, c}, and do two rounds at a time.
__attribute__((target("sha,sse4.1,ssse3"))) void sha256_native(uint32_t (&state)[8], const uint8_t* blocks,
                                                               size_t count) noexcept {
    const auto load = [](const void* from) __attribute__((target("sse4.1"))) {
        return _mm_loadu_si128(static_cast<const __m128i*>(from));
    };
    const __m128i swap_bytes = _mm_set_epi64x(0x0c0d'0e0f'0809'0a0b, 0x0405'0607'0001'0203);
    const __m128i abcd = _mm_shuffle_epi32(load(state), 0xb1);     // {c, d, a, b}, from the top
    const __m128i efgh = _mm_shuffle_epi32(load(state + 4), 0x1b); // {e, f, g, h}
    __m128i abef = _mm_alignr_epi8(abcd, efgh, 8);
    __m128i cdgh = _mm_blend_epi16(efgh, abcd, 0xf0);
    for (; count != 0; --count, blocks += 64) {
        const __m128i abef_before = abef;
        const __m128i cdgh_before = cdgh;
        __m128i w[4];
        for (size_t i = 0; i < 4; ++i)
            w[i] = _mm_shuffle_epi8(load(blocks + 16 * i), swap_bytes);
        for (size_t i = 0; i < 16; ++i) {
            // The words of the next rounds, from those of the last four groups.
            if (i >= 4) {
                const __m128i before = _mm_alignr_epi8(w[(i + 3) % 4], w[(i + 2) % 4], 4);
                const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w[i % 4], w[(i + 1) % 4]), before);
                w[i % 4] = _mm_sha256msg2_epu32(sum, w[(i + 3) % 4]);
            }
            const __m128i words = _mm_add_epi32(w[i % 4], load(round_constants + 4 * i));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, words);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(words, 0x0e));
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    const __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
    const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(state), _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

#else

bool has_sha256_instructions() noexcept { return false; }
void sha256_native(uint32_t (&state)[8], const uint8_t* blocks, size_t count) noexcept {
    sha256_portable(state, blocks, count);
}

#endif

} // namespace detail

namespace {

void add_blocks(uint32_t (&state)[8], const uint8_t* blocks, size_t count) noexcept {
    if (detail::has_sha256_instructions())
        detail::sha256_native(state, blocks, count);
    else
        detail::sha256_portable(state, blocks, count);
}

} // namespace

bool Sha256::is_accelerated() noexcept { return detail::has_sha256_instructions(); }

void Sha256::update(std::span<const uint8_t> bytes) noexcept {
    const size_t filled = size_ % block_size;
    size_ += bytes.size();
    if (filled != 0 || bytes.size() < block_size) {
        const size_t count = std::min(block_size - filled, bytes.size());
        if (count != 0)
            std::memcpy(block_ + filled, bytes.data(), count);
        bytes = bytes.subspan(count);
        if (filled + count < block_size)
            return;
        add_blocks(state_, block_, 1);
    }
    const size_t blocks = bytes.size() / block_size;
    add_blocks(state_, bytes.data(), blocks);
    bytes = bytes.subspan(blocks * block_size);
    if (!bytes.empty())
        std::memcpy(block_, bytes.data(), bytes.size());
}

Digest Sha256::finish() noexcept {
    const uint64_t bits = size_ * 8;
    // A one bit, zeros, and the number of bits, at the end of a block.
    constexpr uint8_t padding[block_size] = {0x80};
    const size_t filled = size_ % block_size;
    update({padding, filled < 56 ? 56 - filled : 120 - filled});
    uint8_t length[8];
    for (size_t i = 0; i < 8; ++i)
        length[i] = static_cast<uint8_t>(bits >> (56 - 8 * i));
    update(length);
    Digest digest;
    for (size_t i = 0; i < digest.size(); ++i)
        digest[i] = static_cast<uint8_t>(state_[i / 4] >> (24 - 8 * (i % 4)));
    return digest;
}

} // namespace warpbeam
