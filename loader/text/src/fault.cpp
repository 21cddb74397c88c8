#include <warpbeam/loader/printable.hpp>
#include <warpbeam/loader/text.hpp>
#include <warpbeam/text/fault.hpp>
#include <warpbeam/text/lexer.hpp>

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace warpbeam::text {
namespace {

constexpr size_t shown_width = 80;

constexpr bool is_continuation(char c) noexcept { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/// A position in a text, as people count.
struct Place {
    uint32_t line = 0; ///< from zero
    size_t line_begin = 0;
    size_t line_end = 0;
};

Place locate(std::string_view text, size_t offset) noexcept {
    Place place;
    for (size_t i = 0; i < offset; ++i) {
        // CR LF is one line break, which its LF ends.
        if (text[i] != '\n' && (text[i] != '\r' || text.substr(i + 1).starts_with('\n')))
            continue;
        ++place.line;
        place.line_begin = i + 1;
    }
    place.line_end = std::min(text.find_first_of("\r\n", std::max(place.line_begin, offset)), text.size());
    return place;
}

/// The part of a line that is shown: a window around the position if the line is long, without characters
/// that a terminal could interpret.
struct Excerpt {
    char text[4 * shown_width + 1];
    size_t caret = 0;

    Excerpt(std::string_view line, size_t column) noexcept {
        size_t begin = column > shown_width / 2 && line.size() > shown_width ? column - shown_width / 2 : 0;
        while (begin > 0 && is_continuation(line[begin]))
            --begin;
        size_t length = 0;
        size_t width = 0;
        for (size_t i = begin; i < line.size() && width < shown_width; ++width) {
            if (i <= column)
                caret = width;
            const size_t character = utf8_length(line.substr(i));
            if (character <= 1) {
                const char c = line[i++];
                text[length++] = c == '\t' ? ' ' : character == 1 && c >= ' ' && c < 0x7f ? c : '?';
            } else {
                // An escape would be longer than the character, and the caret would be misplaced.
                Printable printable{line.substr(i, character)};
                (void)printable.next();
                if (printable.is_escape())
                    text[length++] = '?';
                else
                    length += line.copy(text + length, character, i);
                i += character;
            }
        }
        if (column >= line.size())
            caret = width;
        text[length] = 0;
    }
};

size_t count_characters(std::string_view text) noexcept {
    return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return !is_continuation(c); }));
}

} // namespace

Fault::Position Fault::position_of(size_t offset) const noexcept {
    const Place place = locate(text_, std::min(offset, text_.size()));
    return {first_line_ + place.line,
            count_characters(text_.substr(place.line_begin, offset - place.line_begin)) + 1};
}

void Fault::report(size_t offset, ErrorCode code, const char* format, ...) noexcept {
    if (error_)
        return;
    Text what{Allocator::standard()};
    va_list arguments;
    va_start(arguments, format);
    what.vprint(format, arguments);
    va_end(arguments);

    offset = std::min(offset, text_.size());
    const Place place = locate(text_, offset);
    const std::string_view line = text_.substr(place.line_begin, place.line_end - place.line_begin);
    const Excerpt excerpt{line, offset - place.line_begin};
    const Position position = position_of(offset);
    error_
        .emplace(code, "%u:%zu: %.*s", position.line, position.column, static_cast<int>(what.view().size()),
                 what.view().data())
        .add_line("%s", excerpt.text)
        .add_line("%*s^", static_cast<int>(excerpt.caret), "")
        .at(offset);
}

void Fault::out_of_memory() noexcept {
    if (!error_)
        error_.emplace(ErrorCode::out_of_memory);
}

} // namespace warpbeam::text
