#include "json.hpp"

#include <cstdint>
#include <cstdio>

namespace warpbeam::cli {
namespace {

/// Takes one character.
uint32_t take(std::string_view& text) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
    const uint8_t first = byte(0);
    const size_t size = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 0;
    uint32_t code = size == 1 ? first : first & (0x7fu >> size);
    bool good = size != 0 && size <= text.size();
    for (size_t i = 1; good && i < size; ++i) {
        good = (byte(i) & 0xc0) == 0x80;
        code = code << 6 | (byte(i) & 0x3fu);
    }
    text.remove_prefix(good ? size : 1);
    return good && code <= 0x10ffff ? code : 0xfffd;
}

void escape(std::string& json, uint32_t unit) {
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\u%04x", unit & 0xffff);
    json += escaped;
}

} // namespace

std::string json_string(std::string_view text) {
    std::string json = "\"";
    while (!text.empty()) {
        const uint32_t code = take(text);
        if (code >= 0x10000) {
            escape(json, 0xd800 + ((code - 0x10000) >> 10));
            escape(json, 0xdc00 + ((code - 0x10000) & 0x3ff));
        } else if (code < 0x20 || code >= 0x7f || code == '"' || code == '\\') {
            escape(json, code);
        } else {
            json += static_cast<char>(code);
        }
    }
    return json + "\"";
}

} // namespace warpbeam::cli
