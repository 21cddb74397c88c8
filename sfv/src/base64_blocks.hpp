#pragma once

// Decodes base64 sixteen characters at a time, on x86 processors.

#include <warpbeam/sfv/scan.hpp>

#if WARPBEAM_SFV_SSE2
#include <cstdint>
#include <cstring>
#include <tmmintrin.h>

namespace warpbeam::sfv {

inline __m128i bytes_of(char byte) noexcept { return _mm_set1_epi8(byte); }

/// Both functions decode sixteen characters at a time while there is room for the extra bytes that they
/// write, at most four.
inline void decode_blocks_sse2(const char*& p, const char* end, char*& out) noexcept {
    while (end - p >= 20) {
        const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        // The number to add to a character depends on its class; the classes follow each other: + / 0-9 A-Z
        // a-z.
        const auto from = [&](char first, int difference) {
            return _mm_and_si128(_mm_cmpgt_epi8(text, bytes_of(static_cast<char>(first - 1))),
                                 bytes_of(static_cast<char>(difference)));
        };
        __m128i values = _mm_add_epi8(text, bytes_of(62 - '+'));
        values = _mm_add_epi8(values, from('/', (63 - '/') - (62 - '+')));
        values = _mm_add_epi8(values, from('0', (52 - '0') - (63 - '/')));
        values = _mm_add_epi8(values, from('A', (0 - 'A') - (52 - '0')));
        values = _mm_add_epi8(values, from('a', (26 - 'a') - (0 - 'A')));
        // In each group of four bytes, the first one lowest: join pairs to twelve bits, then pairs of those
        // to 24.
        const __m128i even = _mm_slli_epi16(_mm_and_si128(values, _mm_set1_epi16(0xff)), 6);
        const __m128i pairs = _mm_or_si128(even, _mm_srli_epi16(values, 8));
        const __m128i groups = _mm_madd_epi16(pairs, _mm_set1_epi32(1 << 12 | 1 << 16));
        alignas(16) uint32_t words[4];
        _mm_store_si128(reinterpret_cast<__m128i*>(words), groups);
        for (const uint32_t word : words) {
            const uint32_t bytes = __builtin_bswap32(word << 8);
            std::memcpy(out, &bytes, sizeof bytes);
            out += 3;
        }
        p += 16;
    }
}

/// With the byte shuffle of nearly all processors, a third of the instructions.
[[gnu::target("ssse3")]] inline void decode_blocks_ssse3(const char*& p, const char* end,
                                                         char*& out) noexcept {
    // The number to add, by the upper four bits of a character; but "/" differs from "+".
    const __m128i differences =
        _mm_setr_epi8(0, 0, 62 - '+', 52 - '0', -'A', -'A', 26 - 'a', 26 - 'a', 0, 0, 0, 0, 0, 0, 0, 0);
    const __m128i order = _mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
    while (end - p >= 20) {
        const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        const __m128i upper = _mm_and_si128(_mm_srli_epi32(text, 4), _mm_set1_epi8(0x0f));
        const __m128i slashes =
            _mm_and_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8('/')), _mm_set1_epi8((63 - '/') - (62 - '+')));
        const __m128i values =
            _mm_add_epi8(_mm_add_epi8(text, _mm_shuffle_epi8(differences, upper)), slashes);
        const __m128i pairs = _mm_maddubs_epi16(values, _mm_set1_epi16(1 << 6 | 1 << 8));
        const __m128i groups = _mm_madd_epi16(pairs, _mm_set1_epi32(1 << 12 | 1 << 16));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_shuffle_epi8(groups, order));
        out += 12;
        p += 16;
    }
}

} // namespace warpbeam::sfv
#endif
