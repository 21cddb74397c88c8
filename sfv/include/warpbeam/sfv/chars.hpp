#pragma once

#include <array>
#include <cstdint>
#include <string_view>

/// @file
/// The character classes of RFC 9651's grammar, as bits of one table.

namespace warpbeam::sfv::chars {

/// The classes, as bits.
enum CharClass : uint8_t {
    key_start = 1 << 0,    ///< lcalpha / "*"                                          (section 3.1.2)
    key_char = 1 << 1,     ///< lcalpha / DIGIT / "_" / "-" / "." / "*"                (section 3.1.2)
    token_start = 1 << 2,  ///< ALPHA / "*"                                            (section 3.3.4)
    token_char = 1 << 3,   ///< tchar / ":" / "/"                                      (section 3.3.4)
    digit = 1 << 4,        ///< DIGIT
    string_char = 1 << 5,  ///< %x20-7E without DQUOTE and "\": needs no escape (section 3.3.3)
    base64_char = 1 << 6,  ///< ALPHA / DIGIT / "+" / "/"                              (section 3.3.5)
    display_char = 1 << 7, ///< %x20-7E without DQUOTE and "%": needs no escape (section 3.3.8)
};

/// The classes of each character.
inline constexpr std::array<uint8_t, 256> char_classes = [] {
    std::array<uint8_t, 256> classes{};
    const auto add = [&classes](std::string_view characters, unsigned bits) {
        for (const char c : characters) {
            uint8_t& entry = classes[static_cast<uint8_t>(c)];
            entry = static_cast<uint8_t>(entry | bits);
        }
    };
    const auto remove = [&classes](char c, unsigned bits) {
        uint8_t& entry = classes[static_cast<uint8_t>(c)];
        entry = static_cast<uint8_t>(entry & ~bits);
    };
    add("abcdefghijklmnopqrstuvwxyz", key_start | key_char | token_start | token_char | base64_char);
    add("ABCDEFGHIJKLMNOPQRSTUVWXYZ", token_start | token_char | base64_char);
    add("0123456789", key_char | token_char | digit | base64_char);
    add("*", key_start | key_char | token_start);
    add("_-.", key_char);
    add("!#$%&'*+-.^_`|~:/", token_char);
    add("+/", base64_char);
    for (unsigned c = 0x20; c <= 0x7e; ++c)
        classes[c] = static_cast<uint8_t>(classes[c] | string_char | display_char);
    remove('"', string_char | display_char);
    remove('\\', string_char);
    remove('%', display_char);
    return classes;
}();

/// Whether `c` is in one of the classes `mask`.
[[nodiscard]] constexpr bool is(char c, unsigned mask) noexcept {
    return (char_classes[static_cast<uint8_t>(c)] & mask) != 0;
}

/// Whether `text` is a key (section 3.1.2).
[[nodiscard]] constexpr bool is_key(std::string_view text) noexcept {
    if (text.empty() || !is(text.front(), key_start))
        return false;
    for (const char c : text)
        if (!is(c, key_char))
            return false;
    return true;
}

/// @{ Whether a character, or a text, may be in or be a key with ParseOptions::wide_keys.
[[nodiscard]] constexpr bool is_wide_key_char(char c) noexcept {
    return is(c, key_char | token_start) || c == '%';
}
[[nodiscard]] constexpr bool is_wide_key(std::string_view text) noexcept {
    for (const char c : text)
        if (!is_wide_key_char(c))
            return false;
    return !text.empty();
}
/// @}

/// Whether `text` is a token (section 3.3.4).
[[nodiscard]] constexpr bool is_token(std::string_view text) noexcept {
    if (text.empty() || !is(text.front(), token_start))
        return false;
    for (const char c : text)
        if (!is(c, token_char))
            return false;
    return true;
}

} // namespace warpbeam::sfv::chars
