#include "base64.hpp"

#include <warpbeam/sfv/scan.hpp>

#if WARPBEAM_SFV_SSE2
#include <cpuid.h>
#include <tmmintrin.h>
#endif

#include <array>
#include <cstdint>
#include <cstring>

namespace warpbeam::sfv {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<uint8_t, 256> sextets = [] {
    std::array<uint8_t, 256> values{};
    for (size_t i = 0; i < alphabet.size(); ++i)
        values[static_cast<uint8_t>(alphabet[i])] = static_cast<uint8_t>(i);
    return values;
}();

uint32_t sextet(char c) noexcept { return sextets[static_cast<uint8_t>(c)]; }

std::string_view without_padding(std::string_view text) noexcept {
    while (!text.empty() && text.back() == '=')
        text.remove_suffix(1);
    return text;
}

} // namespace

size_t base64_decoded_size(std::string_view text) noexcept {
    const size_t size = without_padding(text).size();
    return size / 4 * 3 + size % 4 * 3 / 4;
}

namespace {

#if WARPBEAM_SFV_SSE2
__m128i bytes_of(char byte) noexcept { return _mm_set1_epi8(byte); }

/// Both functions decode sixteen characters at a time while there is room for the extra bytes that they
/// write, at most four.
void decode_blocks_sse2(const char*& p, const char* end, char*& out) noexcept {
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
[[gnu::target("ssse3")]] void decode_blocks_ssse3(const char*& p, const char* end, char*& out) noexcept {
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

void decode_blocks(const char*& p, const char* end, char*& out) noexcept {
    // With the compiler's function, every program would ask the processor when it starts, which takes
    // microseconds in a virtual machine.
    static const bool has_ssse3 = [] {
        unsigned a = 0;
        unsigned b = 0;
        unsigned c = 0;
        unsigned d = 0;
        return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_SSSE3) != 0;
    }();
    if (has_ssse3)
        decode_blocks_ssse3(p, end, out);
    else
        decode_blocks_sse2(p, end, out);
}
#else
void decode_blocks(const char*&, const char*, char*&) noexcept {}
#endif

} // namespace

size_t base64_decode(std::string_view text, char* out) noexcept {
    text = without_padding(text);
    const char* p = text.data();
    const char* const begin = out;
    decode_blocks(p, p + text.size(), out);
    for (const char* const stop = text.data() + text.size() / 4 * 4; p != stop; p += 4) {
        const uint32_t bits = sextet(p[0]) << 18 | sextet(p[1]) << 12 | sextet(p[2]) << 6 | sextet(p[3]);
        *out++ = static_cast<char>(bits >> 16);
        *out++ = static_cast<char>(bits >> 8);
        *out++ = static_cast<char>(bits);
    }
    const size_t rest = text.size() % 4;
    if (rest >= 2) {
        const uint32_t bits = sextet(p[0]) << 18 | sextet(p[1]) << 12 | (rest == 3 ? sextet(p[2]) << 6 : 0);
        *out++ = static_cast<char>(bits >> 16);
        if (rest == 3)
            *out++ = static_cast<char>(bits >> 8);
    }
    return static_cast<size_t>(out - begin);
}

void base64_encode(std::string_view bytes, char* out) noexcept {
    const auto byte = [&bytes](size_t i) -> uint32_t {
        return i < bytes.size() ? static_cast<uint8_t>(bytes[i]) : 0;
    };
    for (size_t i = 0; i < bytes.size(); i += 3) {
        const uint32_t bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
        *out++ = alphabet[bits >> 18];
        *out++ = alphabet[bits >> 12 & 63];
        *out++ = i + 1 < bytes.size() ? alphabet[bits >> 6 & 63] : '=';
        *out++ = i + 2 < bytes.size() ? alphabet[bits & 63] : '=';
    }
}

} // namespace warpbeam::sfv
