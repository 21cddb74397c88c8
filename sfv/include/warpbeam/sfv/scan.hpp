#pragma once

#include <warpbeam/sfv/chars.hpp>

#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__) && !defined(WARPBEAM_SFV_PORTABLE)
#define WARPBEAM_SFV_SSE2 1
#include <emmintrin.h>
#else
#define WARPBEAM_SFV_SSE2 0
#endif

/// @file
/// Finds the end of a run of characters: sixteen bytes at a time with SSE2, otherwise four. No function
/// reads outside [p, end).

namespace warpbeam::sfv::scan {

/// The first character of [p, end) that is not in one of the classes `mask`; `end` if there is none.
[[gnu::always_inline]] inline const char* skip(const char* p, const char* end, unsigned mask) noexcept {
    while (p != end && chars::is(*p, mask))
        ++p;
    return p;
}

/// The first character of [p, end) that is not a space.
[[gnu::always_inline]] inline const char* skip_spaces(const char* p, const char* end) noexcept {
    while (p != end && *p == ' ')
        ++p;
    return p;
}

/// The first character of [p, end) that is neither a space nor a tab (OWS in RFC 9110).
[[gnu::always_inline]] inline const char* skip_ows(const char* p, const char* end) noexcept {
    while (p != end && (*p == ' ' || *p == '\t'))
        ++p;
    return p;
}

namespace detail {

inline constexpr uint64_t ones = 0x0101010101010101;

#if WARPBEAM_SFV_SSE2
using Block = __m128i;

[[gnu::always_inline]] inline Block equal(Block bytes, char c) noexcept {
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c));
}
/// Which bytes, taken as unsigned, are in the range from `first` to `last`.
[[gnu::always_inline]] inline Block between(Block bytes, char first, char last) noexcept {
    const Block offset = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
    return _mm_cmpeq_epi8(_mm_min_epu8(offset, _mm_set1_epi8(static_cast<char>(last - first))), offset);
}
[[gnu::always_inline]] inline Block either(Block a, Block b) noexcept { return _mm_or_si128(a, b); }
[[gnu::always_inline]] inline Block lower_case(Block bytes) noexcept {
    return either(bytes, _mm_set1_epi8(0x20));
}

// For each class, the bytes in the block that belong to it.
struct KeyChars {
    static constexpr unsigned mask = chars::key_char;
    [[gnu::always_inline]] static Block find(Block bytes) noexcept {
        const Block digits = _mm_andnot_si128(equal(bytes, '/'), between(bytes, '-', '9')); // and "-", "."
        return either(either(between(bytes, 'a', 'z'), digits), either(equal(bytes, '_'), equal(bytes, '*')));
    }
};
struct TokenChars {
    static constexpr unsigned mask = chars::token_char;
    [[gnu::always_inline]] static Block find(Block bytes) noexcept {
        // "!" to ":" without the quote, the parentheses and the comma; "^" to "~" without the braces; the
        // capitals.
        const Block low =
            _mm_andnot_si128(either(either(equal(bytes, '"'), equal(bytes, ',')), between(bytes, '(', ')')),
                             between(bytes, '!', ':'));
        const Block high =
            _mm_andnot_si128(either(equal(bytes, '{'), equal(bytes, '}')), between(bytes, '^', '~'));
        return either(either(low, high), between(bytes, 'A', 'Z'));
    }
};
struct StringChars {
    static constexpr unsigned mask = chars::string_char;
    [[gnu::always_inline]] static Block find(Block bytes) noexcept {
        return _mm_andnot_si128(either(equal(bytes, '"'), equal(bytes, '\\')), between(bytes, ' ', '~'));
    }
};
struct DisplayChars {
    static constexpr unsigned mask = chars::display_char;
    [[gnu::always_inline]] static Block find(Block bytes) noexcept {
        return _mm_andnot_si128(either(equal(bytes, '"'), equal(bytes, '%')), between(bytes, ' ', '~'));
    }
};
struct Base64Chars {
    static constexpr unsigned mask = chars::base64_char;
    [[gnu::always_inline]] static Block find(Block bytes) noexcept {
        // "/" comes right before "0".
        return either(either(between(lower_case(bytes), 'a', 'z'), between(bytes, '/', '9')),
                      equal(bytes, '+'));
    }
};

/// Like `skip`, for at least a few characters.
template <typename Class>
[[gnu::always_inline]] inline const char* skip_unrolled(const char* p, const char* end) noexcept {
    for (; end - p >= 4; p += 4) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i)
            if (!chars::is(p[i], Class::mask))
                return p + i;
    }
    return skip(p, end, Class::mask);
}

/// A bit for each byte of the block at `p` that is not in the class.
template <typename Class>
[[gnu::always_inline]] inline uint32_t others(const char* p) noexcept {
    const Block block = _mm_loadu_si128(reinterpret_cast<const Block*>(p));
    return static_cast<uint32_t>(_mm_movemask_epi8(Class::find(block))) ^ 0xffff;
}

template <typename Class>
[[gnu::always_inline]] inline const char* skip_class(const char* p, const char* end,
                                                     const char* begin) noexcept {
    while (end - p >= 16) {
        const uint32_t stops = others<Class>(p);
        if (stops != 0)
            return p + std::countr_zero(stops);
        p += 16;
    }
    if (end - begin < 16)
        return skip_unrolled<Class>(p, end);
    // The last block of the line, part of which has already been checked.
    const uint32_t stops = (others<Class>(end - 16) | 1U << 16) >> (16 - (end - p));
    return p + std::countr_zero(stops);
}
#else
struct KeyChars {
    static constexpr unsigned mask = chars::key_char;
};
struct TokenChars {
    static constexpr unsigned mask = chars::token_char;
};
struct StringChars {
    static constexpr unsigned mask = chars::string_char;
};
struct DisplayChars {
    static constexpr unsigned mask = chars::display_char;
};
struct Base64Chars {
    static constexpr unsigned mask = chars::base64_char;
};

template <typename Class>
[[gnu::always_inline]] inline const char* skip_class(const char* p, const char* end, const char*) noexcept {
    constexpr unsigned mask = Class::mask;
    while (end - p >= 4 && chars::is(p[0], mask) && chars::is(p[1], mask) && chars::is(p[2], mask) &&
           chars::is(p[3], mask))
        p += 4;
    return skip(p, end, mask);
}
#endif

/// Like `skip_class`, for runs that are mostly shorter than `likely`. The processor predicts where such a run
/// ends and continues after it, whereas code after a block must wait for the block.
template <typename Class, int likely>
[[gnu::always_inline]] inline const char* skip_short(const char* p, const char* end,
                                                     const char* begin) noexcept {
    // Unrolled, a character takes three instructions.
    if (end - p >= likely) [[likely]] {
#pragma GCC unroll 16
        for (int i = 0; i < likely; ++i)
            if (!chars::is(p[i], Class::mask))
                return p + i;
        return skip_class<Class>(p + likely, end, begin);
    }
    return skip(p, end, Class::mask);
}

/// The number whose decimal digits are the byte values of `word`, the first digit in the lowest byte.
constexpr uint64_t number_of_digits(uint64_t word) noexcept {
    word = (word * 10 + (word >> 8)) & 0x00ff00ff00ff00ff;
    word = (word * 100 + (word >> 16)) & 0x0000ffff0000ffff;
    return (word * 10000 + (word >> 32)) & 0xffffffff;
}

} // namespace detail

/// @{ Like `skip`, each for one class of characters, in a line that begins at `begin`.
[[gnu::always_inline]] inline const char* skip_key_chars(const char* p, const char* end,
                                                         const char* begin) noexcept {
    return detail::skip_short<detail::KeyChars, 12>(p, end, begin);
}
[[gnu::always_inline]] inline const char* skip_token_chars(const char* p, const char* end,
                                                           const char* begin) noexcept {
    return detail::skip_short<detail::TokenChars, 16>(p, end, begin);
}
[[gnu::always_inline]] inline const char* skip_string_chars(const char* p, const char* end,
                                                            const char* begin) noexcept {
    return detail::skip_class<detail::StringChars>(p, end, begin);
}
[[gnu::always_inline]] inline const char* skip_display_chars(const char* p, const char* end,
                                                             const char* begin) noexcept {
    return detail::skip_class<detail::DisplayChars>(p, end, begin);
}
[[gnu::always_inline]] inline const char* skip_base64_chars(const char* p, const char* end,
                                                            const char* begin) noexcept {
    return detail::skip_class<detail::Base64Chars>(p, end, begin);
}
/// @}

/// Reads up to 16 digits at `p`; the caller has checked that the first is one. Returns the position after
/// them.
[[gnu::always_inline]] inline const char* read_digits(const char* p, const char* end,
                                                      uint64_t& number) noexcept {
    const auto digit_at = [](const char* at) {
        return static_cast<uint64_t>(static_cast<uint8_t>(*at)) - '0';
    };
    number = digit_at(p);
    if (p + 1 == end || digit_at(p + 1) > 9)
        return p + 1; // many numbers have one digit
    const char* const limit = end - p > 16 ? p + 16 : end;
    if (std::endian::native == std::endian::little && end - p >= 8) {
        uint64_t word;
        std::memcpy(&word, p, sizeof word);
        word ^= detail::ones * '0';
        // The processor predicts where the number ends and goes on after it; it would have to wait for a
        // count of digits. The shift makes the digits the last of eight; those before them become zeros.
#pragma GCC unroll 8
        for (int count = 2; count < 8; ++count)
            if (digit_at(p + count) > 9) {
                number = detail::number_of_digits(word << (64 - 8 * count));
                return p + count;
            }
        number = detail::number_of_digits(word);
        p += 8;
    } else {
        ++p;
    }
    for (; p != limit && digit_at(p) <= 9; ++p)
        number = number * 10 + digit_at(p);
    return p;
}

} // namespace warpbeam::sfv::scan
