#include "base64.hpp"
#include "utf8.hpp"

#include <warpbeam/sfv/raw_item.hpp>

#include <cstring>

namespace warpbeam::sfv {

namespace {

size_t unescape(std::string_view text, char* out) noexcept {
    const char* const begin = out;
    const char* p = text.data();
    const char* const end = p + text.size();
    while (p != end) {
        const auto* const escape =
            static_cast<const char*>(std::memchr(p, '\\', static_cast<size_t>(end - p)));
        const auto run = static_cast<size_t>((escape == nullptr ? end : escape) - p);
        std::memcpy(out, p, run);
        out += run;
        if (escape == nullptr)
            break;
        *out++ = escape[1];
        p = escape + 2;
    }
    return static_cast<size_t>(out - begin);
}

size_t percent_decode(std::string_view text, char* out) noexcept {
    const char* const begin = out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            *out++ = text[i];
        } else {
            *out++ = static_cast<char>(lower_hex(text[i + 1]) * 16 + lower_hex(text[i + 2]));
            i += 2;
        }
    }
    return static_cast<size_t>(out - begin);
}

} // namespace

size_t RawItem::decode_to(char* out) const noexcept {
    if (type_ == Type::byte_sequence)
        return base64_decode({data_, size_}, out);
    const auto decode = type_ == Type::string ? unescape : percent_decode;
    size_t written = decode({data_, first_size()}, out);
    // No escape stands across the end of a line, so that each part can be decoded by itself.
    const std::string_view* line = line_;
    for (size_t done = first_size(); done < size_;) {
        std::memcpy(out + written, ", ", 2);
        ++line;
        const std::string_view part = line->substr(0, size_ - done - 2);
        written += 2 + decode(part, out + written + 2);
        done += 2 + part.size();
    }
    return written;
}

} // namespace warpbeam::sfv
