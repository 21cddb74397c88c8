#pragma once

// The parts of the pull parser that ordinary fields need; the rest is in src/parser.cpp. Included by
// parser.hpp. The sections are those of RFC 9651.

#include <warpbeam/sfv/parser.hpp>

namespace warpbeam::sfv {

/// Reads a key (section 4.2.3.3). Returns the position after it; null if there is no key. Keys beyond the RFC
/// begin or go on with something else: the functions for them read again from `p`.
[[gnu::always_inline]] inline const char* Parser::read_key(const char* p) noexcept {
    if (p == end_ || !chars::is(*p, chars::key_start))
        return nullptr;
    const char* const stop = scan::skip_key_chars(p, end_, begin_);
    key_ = {p, static_cast<size_t>(stop - p)};
    return stop;
}

/// Reads an integer (section 4.2.4) that has no sign; most numbers are such integers. The caller has checked
/// that there is a digit.
[[gnu::always_inline]] inline bool Parser::read_unsigned(const char* digits) noexcept {
    uint64_t number = 0;
    const char* const p = scan::read_digits(digits, end_, number);
    if ((p != end_ && *p == '.') || p - digits > 15) [[unlikely]]
        return read_fraction(p, digits, number, false, Type::integer);
    set_number(Type::integer, static_cast<int64_t>(number));
    return accept(p);
}

/// Reads an integer or a decimal, or the number of a date (section 4.2.9).
[[gnu::always_inline]] inline bool Parser::read_number(const char* p, Type type) noexcept {
    const bool negative = p != end_ && *p == '-';
    if (negative) [[likely]]
        ++p;
    if (p == end_ || !chars::is(*p, chars::digit)) [[unlikely]]
        return fail(Reason::digit, p);
    uint64_t number = 0;
    const char* const stop = scan::read_digits(p, end_, number);
    return read_fraction(stop, p, number, negative, type);
}

/// Reads what follows the digits before the point, if anything does.
[[gnu::always_inline]] inline bool Parser::read_fraction(const char* p, const char* digits, uint64_t number,
                                                         bool negative, Type type) noexcept {
    if (p != end_ && *p == '.') {
        const char* const point = p++;
        for (; p != end_ && chars::is(*p, chars::digit) && p - point <= 3; ++p)
            number = number * 10 + static_cast<uint64_t>(*p - '0');
        const auto places = p - point - 1;
        if (places == 0 || (p != end_ && chars::is(*p, chars::digit)) || point - digits > 12 ||
            type != Type::integer) [[unlikely]]
            return value_on_copy(&Parser::fail_fraction, point, digits);
        constexpr uint8_t scales[] = {0, 100, 10, 1};
        number *= scales[places];
        type = Type::decimal;
    } else if (p - digits > 15) [[unlikely]] {
        return fail(Reason::max_15_digits, digits + 15);
    }
    const auto magnitude = static_cast<int64_t>(number);
    const int64_t value = negative ? -magnitude : magnitude;
    if (type == Type::date && options_.strict_dates &&
        (value < min_supported_date || value > max_supported_date)) [[unlikely]]
        return fail(Reason::date_range, digits - negative);
    set_number(type, value);
    return accept(p);
}

/// Reads a string (section 4.2.5).
[[gnu::always_inline]] inline bool Parser::read_string(const char* p) noexcept {
    const char* const start = p + 1;
    const char* stop = scan::skip_string_chars(start, end_, begin_);
    auto flags = RawItem::Flags::none;
    if (stop == end_ || *stop != '"') [[unlikely]] {
        stop = find_string_end(stop, end_, begin_);
        if (stop == nullptr)
            return value_on_copy(&Parser::read_split_string, start);
        flags = RawItem::Flags::encoded;
    }
    set_text(Type::string, start, stop, flags);
    return accept(stop + 1);
}

/// Reads a display string (section 4.2.10), from the percent sign on.
[[gnu::always_inline]] inline bool Parser::read_display_string(const char* p) noexcept {
    ++p;
    if (p == end_ || *p != '"') [[unlikely]]
        return fail(Reason::display_quote, p);
    const char* const start = p + 1;
    const char* stop = scan::skip_display_chars(start, end_, begin_);
    auto flags = RawItem::Flags::none;
    if (stop == end_ || *stop != '"') [[likely]] {
        stop = find_display_end(stop, end_, begin_);
        if (stop == nullptr)
            return value_on_copy(&Parser::read_split_display_string, start);
        flags = RawItem::Flags::encoded;
    }
    set_text(Type::display_string, start, stop, flags);
    return accept(stop + 1);
}

/// Reads a token (section 4.2.6).
[[gnu::always_inline]] inline bool Parser::read_token(const char* p) noexcept {
    const char* const stop = scan::skip_token_chars(p, end_, begin_);
    set_text(Type::token, p, stop, RawItem::Flags::none);
    return accept(stop);
}

/// Reads a byte sequence (section 4.2.7), from its colon on.
[[gnu::always_inline]] inline bool Parser::read_byte_sequence(const char* p) noexcept {
    const char* const start = p + 1;
    const char* stop = scan::skip_base64_chars(start, end_, begin_);
    const auto rest = (stop - start) % 4; // characters after the last complete group
    if (rest == 2 && end_ - stop >= 2 && stop[0] == '=' && stop[1] == '=')
        stop += 2;
    else if (rest == 3 && stop != end_ && *stop == '=')
        ++stop;
    if (stop == end_ || *stop != ':' || rest == 1 || options_.strict_pad_bits || options_.strict_padding)
        [[unlikely]]
        return value_on_copy(&Parser::check_byte_sequence, p);
    set_text(Type::byte_sequence, start, stop,
             stop == start ? RawItem::Flags::none : RawItem::Flags::encoded);
    return accept(stop + 1);
}

/// Reads a bare item (section 4.2.3.1). If there is none, the error says that `expected` was expected.
[[gnu::always_inline]] inline bool Parser::read_bare_item(const char* p, Reason expected) noexcept {
    if (p == end_)
        return fail(expected, p);
    if (chars::is(*p, chars::token_start))
        return read_token(p);
    if (chars::is(*p, chars::digit))
        return read_unsigned(p);
    if (*p == '"') [[likely]]
        return read_string(p);
    switch (*p) {
    case '?':
        if (++p == end_ || (*p != '0' && *p != '1')) [[unlikely]]
            return fail(Reason::boolean, p);
        set_number(Type::boolean, *p - '0');
        return accept(p + 1);
    case ':':
        return read_byte_sequence(p);
    case '-':
        return read_number(p, Type::integer);
    case '@':
        if (options_.rfc8941) [[unlikely]]
            return fail(Reason::rfc8941_type, p);
        return read_number(p + 1, Type::date);
    case '%':
        if (options_.rfc8941) [[unlikely]]
            return fail(Reason::rfc8941_type, p);
        return read_display_string(p);
    case '(':
        if (expected == Reason::member)
            return begin_inner_list(p);
        [[fallthrough]];
    default:
        return fail(expected, p);
    }
}

[[gnu::always_inline]] inline bool Parser::begin_inner_list(const char* p) noexcept {
    state_ = State::inner_items;
    set_number(Type::inner_list, 0);
    return accept(p + 1);
}

/// Reads one parameter (section 4.2.3.2), from the semicolon on.
[[gnu::always_inline]] inline bool Parser::read_parameter() noexcept {
    const char* start = pos_ + 1;
    if (start != end_ && *start == ' ') [[unlikely]]
        start = scan::skip_spaces(start + 1, end_);
    const char* const p = read_key(start);
    if (p == nullptr) [[unlikely]]
        return on_copy(&Parser::read_wide_parameter, start);
    if (p != end_ && *p == '=') [[likely]]
        return read_bare_item(p + 1, Reason::bare_item);
    if (options_.wide_keys) [[unlikely]]
        return on_copy(&Parser::read_wide_parameter, start);
    set_number(Type::boolean, 1);
    return accept(p);
}

[[gnu::always_inline]] inline bool Parser::next_parameter() noexcept {
    if (field_type_ != FieldType::item && state_ == State::inner_items && !on_copy(&Parser::skip_inner_list))
        [[unlikely]]
        return false;
    // At the end, and after a failure, nothing more is read.
    return pos_ != end_ && *pos_ == ';' && state_ <= State::parameters && read_parameter();
}

[[gnu::always_inline]] inline bool Parser::end_inner_list(const char* p) noexcept {
    state_ = State::parameters;
    pos_ = p + 1;
    return false;
}

/// Reads one item of an inner list, or its end (section 4.2.1.2).
[[gnu::always_inline]] inline bool Parser::next_inner_item() noexcept {
    if (state_ > State::inner_items || field_type_ == FieldType::item)
        return false;
    const char* p = pos_;
    if (p != end_ && *p == ')')
        return end_inner_list(p);
    if (state_ == State::inner_parameters) {
        if (p == end_ || *p != ' ') [[unlikely]]
            return on_copy(&Parser::next_inner_item_rest);
        ++p;
    }
    if (p == end_ || *p == ' ' || *p == ')') [[unlikely]] {
        p = scan::skip_spaces(p, end_);
        if (p != end_ && *p == ')')
            return end_inner_list(p);
    }
    state_ = State::inner_parameters;
    return read_bare_item(p, Reason::bare_item);
}

[[gnu::always_inline]] inline bool Parser::end_field(const char* p) noexcept {
    pos_ = p;
    state_ = State::end;
    return false;
}

[[gnu::always_inline]] inline bool Parser::begin_empty_line(const char* p) noexcept {
    if (field_type_ == FieldType::item)
        return fail(Reason::bare_item, p);
    return has_next_line() ? fail_after_comma(p) : end_field(p);
}

[[gnu::always_inline]] inline bool Parser::fail_after_comma(const char* p) noexcept {
    if (!has_next_line())
        return fail(Reason::member_after, p);
    return fail(field_type_ == FieldType::list ? Reason::member : key_expected(), p);
}

/// Goes to the next member and reads what `read_member` reads. The rare cases are a function of their own, so
/// that callers, which seldom have more than one such call, contain little more than most fields need.
[[gnu::always_inline]] inline bool Parser::next_member() noexcept {
    const char* p = pos_;
    if (state_ == State::parameters) {
        if (p == end_)
            return has_next_line() ? on_copy(&Parser::next_line) : end_field(p);
        if (field_type_ == FieldType::item || *p != ',') [[unlikely]] {
            if (*p == ';')
                return on_copy(&Parser::next_member_rest);
            p = field_type_ == FieldType::item ? scan::skip_spaces(p, end_) : scan::skip_ows(p, end_);
            if (p == end_)
                return has_next_line() ? on_copy(&Parser::next_line) : end_field(p);
            if (field_type_ == FieldType::item)
                return fail(Reason::end, p);
            if (*p != ',')
                return fail(Reason::comma_or_end, p);
        }
        ++p;
        if (p != end_ && *p == ' ') [[likely]]
            ++p;
        if (p == end_ || *p == ' ' || *p == '\t') [[unlikely]] {
            p = scan::skip_ows(p, end_);
            if (p == end_)
                return fail_after_comma(p);
        }
    } else {
        if (state_ >= State::end)
            return false;
        if (state_ != State::begin) [[unlikely]]
            return on_copy(&Parser::next_member_rest);
        if (p == end_) [[unlikely]]
            return begin_empty_line(p);
    }
    return read_member(p);
}

/// Reads a member without its parameters, or the `(` of an inner list (sections 4.2.1, 4.2.2 and 4.2.3).
[[gnu::always_inline]] inline bool Parser::read_member(const char* p) noexcept {
    state_ = State::parameters;
    if (field_type_ == FieldType::dictionary) {
        const char* const start = p;
        p = read_key(start);
        if (p == nullptr) [[unlikely]]
            return on_copy(&Parser::read_wide_member, start);
        if (p == end_ || *p != '=') {
            if (options_.wide_keys) [[unlikely]]
                return on_copy(&Parser::read_wide_member, start);
            set_number(Type::boolean, 1);
            return accept(p);
        }
        ++p;
    }
    return read_member_value(p);
}

/// Reads an item without its parameters, or the `(` of an inner list.
[[gnu::always_inline]] inline bool Parser::read_member_value(const char* p) noexcept {
    return read_bare_item(p, field_type_ == FieldType::item ? Reason::bare_item : Reason::member);
}

} // namespace warpbeam::sfv
