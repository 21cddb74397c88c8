#include "base64.hpp"

#include "base64_blocks.hpp"

#if WARPBEAM_SFV_SSE2
#include <cpuid.h>
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
