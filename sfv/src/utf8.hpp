#pragma once

#include <array>
#include <cstdint>

namespace warpbeam::sfv {

/// The values of the lower-case hexadecimal digits; -1 for all other characters.
inline constexpr std::array<int8_t, 256> lower_hex_values = [] {
    std::array<int8_t, 256> values{};
    values.fill(-1);
    for (int i = 0; i < 16; ++i)
        values[static_cast<uint8_t>("0123456789abcdef"[i])] = static_cast<int8_t>(i);
    return values;
}();

/// The value of a lower-case hexadecimal digit; -1 for any other character.
[[nodiscard]] constexpr int lower_hex(char c) noexcept { return lower_hex_values[static_cast<uint8_t>(c)]; }

/// Checks UTF-8 byte by byte (RFC 3629: no surrogates, nothing beyond U+10FFFF, only the shortest form).
class Utf8Checker {
public:
    /// False when the bytes so far cannot be the start of UTF-8.
    [[nodiscard]] constexpr bool take(uint8_t byte) noexcept {
        if (missing_ == 0) {
            low_ = 0x80;
            high_ = 0xbf;
            if (byte < 0x80)
                return true;
            if (byte < 0xc2 || byte > 0xf4)
                return false;
            missing_ = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
            if (byte == 0xe0)
                low_ = 0xa0; // lower values have a shorter form
            else if (byte == 0xed)
                high_ = 0x9f; // surrogates
            else if (byte == 0xf0)
                low_ = 0x90;
            else if (byte == 0xf4)
                high_ = 0x8f; // beyond U+10FFFF
            return true;
        }
        if (byte < low_ || byte > high_)
            return false;
        low_ = 0x80;
        high_ = 0xbf;
        --missing_;
        return true;
    }
    [[nodiscard]] constexpr bool is_complete() const noexcept { return missing_ == 0; }

private:
    uint8_t missing_ = 0; ///< bytes of the character that are still to come
    uint8_t low_ = 0x80;  ///< the bounds of the next byte
    uint8_t high_ = 0xbf;
};

} // namespace warpbeam::sfv
