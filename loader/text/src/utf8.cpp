#include <warpbeam/text/lexer.hpp>

namespace warpbeam::text {

size_t utf8_length(std::string_view text) noexcept {
    const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    const auto continues = [&](size_t from, size_t count) {
        for (size_t i = from; i < count; ++i)
            if ((byte(i) & 0xc0) != 0x80)
                return false;
        return true;
    };
    if (text.empty())
        return 0;
    const unsigned first = byte(0);
    const unsigned second = byte(1);
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    if (first < 0xe0)
        return continues(1, 2) ? 2 : 0;
    // The second byte's range keeps out what is too long, surrogates, and what lies beyond U+10FFFF.
    if (first < 0xf0) {
        const bool ok =
            second >= (first == 0xe0 ? 0xa0u : 0x80u) && second <= (first == 0xed ? 0x9fu : 0xbfu);
        return ok && continues(2, 3) ? 3 : 0;
    }
    const bool ok = second >= (first == 0xf0 ? 0x90u : 0x80u) && second <= (first == 0xf4 ? 0x8fu : 0xbfu);
    return ok && continues(2, 4) ? 4 : 0;
}

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const size_t length = utf8_length(text);
        if (length == 0)
            return false;
        text.remove_prefix(length);
    }
    return true;
}

} // namespace warpbeam::text
