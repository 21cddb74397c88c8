#include "runtime/text.hpp"

#include <cstdio>

namespace warpbeam {

Text& Text::print(const char* format, ...) noexcept {
    va_list arguments;
    va_start(arguments, format);
    vprint(format, arguments);
    va_end(arguments);
    return *this;
}

Text& Text::vprint(const char* format, va_list arguments) noexcept {
    va_list again;
    va_copy(again, arguments);
    const int length = std::vsnprintf(nullptr, 0, format, again);
    va_end(again);
    const size_t before = characters_.size();
    // One more for the zero that vsnprintf writes.
    if (length <= 0 || !characters_.resize(before + static_cast<size_t>(length) + 1))
        return *this;
    std::vsnprintf(characters_.data() + before, static_cast<size_t>(length) + 1, format, arguments);
    characters_.pop();
    return *this;
}

} // namespace warpbeam
