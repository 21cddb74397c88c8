#include <warpbeam/loader/error.hpp>

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

void Error::append(const char* format, va_list arguments) noexcept {
    const size_t room = text_capacity - length_;
    const int written = std::vsnprintf(text_ + length_, room, format, arguments);
    if (written > 0)
        length_ = static_cast<uint16_t>(length_ + std::min(static_cast<size_t>(written), room - 1));
}

} // namespace warpbeam
