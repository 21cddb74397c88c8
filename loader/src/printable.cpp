#include <warpbeam/loader/printable.hpp>
#include <warpbeam/loader/utf8.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace warpbeam {
namespace {

/// Multi-byte characters that affect the text around them. https://www.unicode.org/reports/tr9/
constexpr bool acts(uint32_t character) noexcept {
    return (character >= 0x80 && character < 0xa0) || character == 0x61c || character == 0x200e ||
           character == 0x200f || (character >= 0x2028 && character <= 0x202e) ||
           (character >= 0x2066 && character <= 0x2069);
}

/// The code point of a multi-byte character.
uint32_t decode(std::string_view character) noexcept {
    auto number = static_cast<uint32_t>(static_cast<uint8_t>(character[0]) & (0x7f >> character.size()));
    for (const char c : character.substr(1))
        number = number << 6 | (static_cast<uint8_t>(c) & 0x3f);
    return number;
}

} // namespace

/// The number of bytes from `at` on that form a character which needs no escape; 0 if it needs one.
size_t Printable::safe_length(size_t at) const noexcept {
    const auto byte = static_cast<uint8_t>(rest_[at]);
    if (byte < 0x80) {
        const bool escaped = byte < 0x20 || byte == 0x7f || (quoted_ && (byte == '"' || byte == '\\'));
        return escaped ? 0 : 1;
    }
    const size_t length = utf8_length(rest_.substr(at));
    return length != 0 && !acts(decode(rest_.substr(at, length))) ? length : 0;
}

std::string_view Printable::next() noexcept {
    if (rest_.empty())
        return {};
    size_t safe = 0;
    while (safe < rest_.size()) {
        const size_t length = safe_length(safe);
        if (length == 0)
            break;
        safe += length;
    }
    is_escape_ = safe == 0;
    if (safe != 0) {
        const std::string_view piece = rest_.substr(0, safe);
        rest_.remove_prefix(safe);
        return piece;
    }
    const auto byte = static_cast<uint8_t>(rest_.front());
    const size_t length = utf8_length(rest_);
    const int written =
        length > 1 ? std::snprintf(escape_, sizeof escape_, "\\u{%x}", decode(rest_.substr(0, length)))
                   : std::snprintf(escape_, sizeof escape_, "\\%02x", byte);
    rest_.remove_prefix(std::max(length, size_t{1}));
    return {escape_, static_cast<size_t>(written)};
}

} // namespace warpbeam
