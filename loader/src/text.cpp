#include <warpbeam/loader/printable.hpp>
#include <warpbeam/loader/text.hpp>

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
    char few[256];
    const int length = std::vsnprintf(few, sizeof few, format, again);
    va_end(again);
    if (length <= 0)
        return *this;
    if (const auto size = static_cast<size_t>(length); size < sizeof few)
        return add({few, size});
    Vec<char> many{characters_.allocator()};
    // One more for the terminating zero of vsnprintf.
    if (!many.resize(static_cast<size_t>(length) + 1))
        return *this;
    std::vsnprintf(many.data(), many.size(), format, arguments);
    return add({many.data(), many.size() - 1});
}

Text& Text::add(std::string_view words) noexcept {
    Printable rest{words};
    for (std::string_view piece; !(piece = rest.next()).empty();)
        (void)characters_.append({piece.data(), piece.size()});
    return *this;
}

Text& Text::add_lines(std::string_view words) noexcept {
    for (;;) {
        const size_t end = words.find('\n');
        add(words.substr(0, end));
        if (end == std::string_view::npos)
            return *this;
        add_line();
        words.remove_prefix(end + 1);
    }
}

} // namespace warpbeam
