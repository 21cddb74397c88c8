#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace warpbeam::text {

/// The characters of identifiers, keywords and numbers.
/// https://webassembly.github.io/spec/core/text/values.html#text-idchar
inline constexpr std::array<bool, 256> idchar_table = [] {
    std::array<bool, 256> table{};
    for (char c = '0'; c <= '9'; ++c)
        table[static_cast<unsigned char>(c)] = true;
    for (char c = 'a'; c <= 'z'; ++c)
        table[static_cast<unsigned char>(c)] = true;
    for (char c = 'A'; c <= 'Z'; ++c)
        table[static_cast<unsigned char>(c)] = true;
    for (const char c : std::string_view{"!#$%&'*+-./:<=>?@\\^_`|~"})
        table[static_cast<unsigned char>(c)] = true;
    return table;
}();
constexpr bool is_idchar(unsigned char c) noexcept { return idchar_table[c]; }

/// The value of a hexadecimal digit; 16 for any other character.
constexpr unsigned hex_digit(unsigned char c) noexcept {
    if (c >= '0' && c <= '9')
        return c - unsigned{'0'};
    if (c >= 'a' && c <= 'f')
        return c - unsigned{'a'} + 10;
    if (c >= 'A' && c <= 'F')
        return c - unsigned{'A'} + 10;
    return 16;
}

} // namespace warpbeam::text
