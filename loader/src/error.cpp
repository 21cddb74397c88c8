#include <warpbeam/loader/error.hpp>
#include <warpbeam/loader/printable.hpp>

#include <algorithm>
#include <cstdio>

namespace warpbeam {

Error::Error(ErrorCode code, const char* format, ...) noexcept : code_{code} {
    va_list arguments;
    va_start(arguments, format);
    append(format, arguments);
    va_end(arguments);
}

Error& Error::add(const char* format, ...) noexcept {
    va_list arguments;
    va_start(arguments, format);
    append(format, arguments);
    va_end(arguments);
    return *this;
}

Error& Error::add_line(const char* format, ...) noexcept {
    if (length_ + 1u < text_capacity)
        text_[length_++] = '\n';
    va_list arguments;
    va_start(arguments, format);
    append(format, arguments);
    va_end(arguments);
    return *this;
}

void Error::append(const char* format, va_list arguments) noexcept {
    // The text may contain arbitrary names from the module. The buffer is a little larger than the message,
    // so that a character cut at its end is never part of the message.
    char raw[text_capacity + 4];
    const int written = std::vsnprintf(raw, sizeof raw, format, arguments);
    if (written > 0)
        append({raw, std::min(static_cast<size_t>(written), sizeof raw - 1)});
}

void Error::append(std::string_view words) noexcept {
    Printable rest{words};
    for (std::string_view piece; !(piece = rest.next()).empty();) {
        size_t fitting = std::min(piece.size(), text_capacity - 1 - length_);
        if (fitting < piece.size()) {
            // An escape, or a character of several bytes, is left out whole.
            if (rest.is_escape())
                return;
            while (fitting != 0 && (static_cast<uint8_t>(piece[fitting]) & 0xc0) == 0x80)
                --fitting;
        }
        piece.copy(text_ + length_, fitting);
        length_ = static_cast<uint16_t>(length_ + fitting);
        if (fitting < piece.size())
            return;
    }
}

} // namespace warpbeam
