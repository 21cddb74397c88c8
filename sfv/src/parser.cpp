#include "utf8.hpp"

#include <warpbeam/sfv/parser.hpp>

namespace warpbeam::sfv {

Error Parser::failure() const noexcept {
    Error error{static_cast<Reason>(static_cast<unsigned>(state_) - static_cast<unsigned>(State::failed)),
                Error::found_end, base_ + static_cast<size_t>(pos_ - begin_)};
    if (pos_ != end_)
        error.found = static_cast<uint8_t>(*pos_);
    else if (has_next_line())
        error.found = ','; // it joins the lines
    return error;
}

Result<void> Parser::finish_rest() noexcept {
    while (next_member()) {
    }
    if (has_failed())
        return std::unexpected(failure());
    return {};
}

Result<size_t> Parser::bare_item_prefix() noexcept {
    if (state_ != State::begin)
        return refuse(Reason::wrong_order);
    if (!read_bare_item(begin_, Reason::bare_item))
        return std::unexpected(failure());
    state_ = State::end;
    return base_ + static_cast<size_t>(pos_ - begin_);
}

const char* Parser::read_wide_key(const char* p) noexcept {
    const char* stop = p;
    while (options_.wide_keys && stop != end_ && chars::is_wide_key_char(*stop))
        ++stop;
    if (stop == p) {
        (void)fail(key_expected(), p);
        return nullptr;
    }
    key_ = {p, static_cast<size_t>(stop - p)};
    return stop;
}

bool Parser::read_wide_member(const char* p) noexcept {
    p = read_wide_key(p);
    if (p == nullptr)
        return false;
    if (p != end_ && *p == '=')
        return read_member_value(p + 1);
    set_number(Type::boolean, 1);
    return accept(p);
}

bool Parser::read_wide_parameter(const char* p) noexcept {
    p = read_wide_key(p);
    if (p == nullptr)
        return false;
    if (p != end_ && *p == '=')
        return read_bare_item(p + 1, Reason::bare_item);
    set_number(Type::boolean, 1);
    return accept(p);
}

bool Parser::skip_parameters() noexcept {
    while (next_parameter()) {
    }
    return !has_failed();
}

bool Parser::skip_inner_list() noexcept {
    while (next_inner_item()) {
    }
    return !has_failed();
}

bool Parser::next_inner_item_rest() noexcept {
    if (!skip_parameters())
        return false;
    if (pos_ == end_ || (*pos_ != ' ' && *pos_ != ')'))
        return fail(Reason::inner_separator, pos_);
    return next_inner_item();
}

bool Parser::next_member_rest() noexcept {
    return (state_ == State::parameters || skip_inner_list()) && skip_parameters() && next_member();
}

bool Parser::next_line() noexcept {
    if (field_type_ == FieldType::item)
        return fail(Reason::end, end_);
    go_to_next_line();
    const char* const p = scan::skip_ows(pos_, end_);
    return p == end_ ? fail_after_comma(p) : read_member(p);
}

/// Sections 4.2.4 and 4.2.9.
bool Parser::fail_fraction(const char* p, const char* digits) noexcept {
    if (p - digits > 12)
        return fail(Reason::max_12_digits, digits + 12);
    const char* const stop = scan::skip(p + 1, end_, chars::digit);
    if (stop == p + 1)
        return fail(Reason::digit, stop);
    if (stop - p > 4)
        return fail(Reason::max_3_digits, p + 4);
    return fail(Reason::date_integer, p);
}

/// A string that may continue on further lines: what it has in the lines before the current one.
struct Parser::SplitText {
    Parser& parser;
    const char* start;   ///< of the whole text
    const char* segment; ///< of what is in the current line
    const std::string_view* first_line = parser.line_;
    size_t before = 0;
    bool is_split = false;
    bool is_encoded = false;

    /// Moves to the next line at the end of the current one; false if that is not allowed.
    bool go_on(const char*& p, Reason expected) noexcept {
        if (!parser.has_next_line())
            return parser.fail(expected, p);
        if (parser.options_.strict_lines)
            return parser.fail(Reason::whole_line, p);
        before += static_cast<size_t>(p - segment) + 2;
        is_split = true;
        parser.go_to_next_line();
        segment = p = parser.pos_;
        return true;
    }
    bool close(Type type, const char* p) const noexcept {
        using enum RawItem::Flags;
        parser.set_text(type, start, start,
                        is_split     ? (is_encoded ? split_encoded : split)
                        : is_encoded ? encoded
                                     : none);
        parser.value_.size_ = before + static_cast<size_t>(p - segment);
        parser.value_.line_ = first_line;
        return parser.accept(p + 1);
    }
};

const char* Parser::find_string_end(const char* p, const char* end, const char* begin) noexcept {
    while (p != end && *p == '\\') {
        ++p;
        if (p == end || (*p != '"' && *p != '\\'))
            return nullptr;
        p = scan::skip_string_chars(p + 1, end, begin);
    }
    return p != end && *p == '"' ? p : nullptr;
}

/// Section 4.2.5.
bool Parser::read_split_string(const char* start) noexcept {
    SplitText text{*this, start, start};
    const char* p = start;
    for (;;) {
        p = scan::skip_string_chars(p, end_, begin_);
        if (p == end_) {
            if (!text.go_on(p, Reason::string_char))
                return false;
        } else if (*p == '"') {
            return text.close(Type::string, p);
        } else if (*p != '\\') {
            return fail(Reason::string_char, p);
        } else {
            ++p;
            if (p == end_ || (*p != '"' && *p != '\\'))
                return fail(Reason::string_escape, p);
            ++p;
            text.is_encoded = true;
        }
    }
}

/// Section 4.2.7.
bool Parser::check_byte_sequence(const char* p) noexcept {
    const char* const start = p + 1;
    p = scan::skip_base64_chars(start, end_, begin_);
    const char* const data_end = p;
    const size_t rest = static_cast<size_t>(p - start) % 4; // characters after the last complete group
    size_t padding = 0;
    while (p != end_ && *p == '=' && rest >= 2 && padding < 4 - rest) {
        ++p;
        ++padding;
    }
    if (p == end_ || *p != ':')
        return fail(padding != 0 && padding < 4 - rest ? Reason::base64_padding : Reason::base64, p);
    if (rest == 1)
        return fail(Reason::base64_length, p);
    // Missing padding SHOULD be accepted; partial padding is an error.
    if (rest != 0 && padding != 4 - rest && (padding != 0 || options_.strict_padding))
        return fail(Reason::base64_padding, p);
    if (options_.strict_pad_bits && rest != 0) {
        // The characters whose last four, or two, of six bits are zero.
        const std::string_view good = rest == 2 ? "AQgw" : "AEIMQUYcgkosw048";
        if (good.find(data_end[-1]) == std::string_view::npos)
            return fail(Reason::base64_pad_bits, data_end - 1);
    }
    set_text(Type::byte_sequence, start, p, p == start ? RawItem::Flags::none : RawItem::Flags::encoded);
    return accept(p + 1);
}

const char* Parser::find_display_end(const char* p, const char* end, const char* begin) noexcept {
    while (p != end && *p == '%') {
        // A run of percent escapes must be UTF-8 by itself, since all other characters are ASCII.
        Utf8Checker utf8;
        do {
            if (end - p < 3)
                return nullptr;
            const int byte = lower_hex(p[1]) * 16 | lower_hex(p[2]); // negative if either is
            if (byte < 0 || !utf8.take(static_cast<uint8_t>(byte)))
                return nullptr;
            p += 3;
        } while (p != end && *p == '%');
        if (!utf8.is_complete())
            return nullptr;
        p = scan::skip_display_chars(p, end, begin);
    }
    return p != end && *p == '"' ? p : nullptr;
}

/// Section 4.2.10.
bool Parser::read_split_display_string(const char* start) noexcept {
    SplitText text{*this, start, start};
    const char* p = start;
    Utf8Checker utf8;
    for (;;) {
        p = scan::skip_display_chars(p, end_, begin_);
        if (p == end_) {
            if (!text.go_on(p, Reason::display_char))
                return false;
            continue;
        }
        if (*p == '"') {
            return text.close(Type::display_string, p);
        }
        while (p != end_ && *p == '%') {
            const int high = p + 1 != end_ ? lower_hex(p[1]) : -1;
            const int low = high >= 0 && p + 2 != end_ ? lower_hex(p[2]) : -1;
            if (low < 0)
                return fail(Reason::display_hex, high < 0 ? p + 1 : p + 2);
            if (!utf8.take(static_cast<uint8_t>(high * 16 + low)))
                return fail(Reason::utf8, p);
            p += 3;
            text.is_encoded = true;
        }
        if (!utf8.is_complete())
            return fail(Reason::utf8, p);
        if (p != end_ && !chars::is(*p, chars::display_char) && *p != '"')
            return fail(Reason::display_char, p);
    }
}

} // namespace warpbeam::sfv
