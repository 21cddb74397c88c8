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
    const char* const stop = scan::skip_key_chars(p + 1, end_, begin_);
    key_ = {p, static_cast<size_t>(stop - p)};
    return stop;
}

/// Reads an integer (section 4.2.4); if it turns out to be a decimal, `read_fraction` continues. The caller
/// has checked that there is a digit at `digits`.
[[gnu::always_inline]] inline bool Parser::read_number(const char* digits, bool negative) noexcept {
    uint64_t number = 0;
    const char* const p = scan::read_digits(digits, end_, number);
    const auto integer = static_cast<int64_t>(number);
    if (p != end_ && *p == '.')
        return read_fraction(p, digits, integer, negative);
    if (p - digits > 15)
        return fail(Reason::max_15_digits, digits + 15);
    set_number(Type::integer, negative ? -integer : integer);
    return accept(p);
}

/// Reads a string (section 4.2.5).
[[gnu::always_inline]] inline bool Parser::read_string(const char* p) noexcept {
    const char* const start = p + 1;
    p = scan::skip_string_chars(start, end_, begin_);
    if (p == end_ || *p != '"') [[unlikely]]
        return read_string_rest(p, start);
    set_text(Type::string, start, p, RawItem::Flags::none);
    return accept(p + 1);
}

/// Reads a token (section 4.2.6).
[[gnu::always_inline]] inline bool Parser::read_token(const char* p) noexcept {
    const char* const stop = scan::skip_token_chars(p + 1, end_, begin_);
    set_text(Type::token, p, stop, RawItem::Flags::none);
    return accept(stop);
}

/// Reads a bare item (section 4.2.3.1). If there is none, the error says that `expected` was expected.
[[gnu::always_inline]] inline bool Parser::read_bare_item(const char* p, Reason expected) noexcept {
    if (p == end_)
        return fail(expected, p);
    if (chars::is(*p, chars::token_start))
        return read_token(p);
    if (chars::is(*p, chars::digit))
        return read_number(p, false);
    if (*p == '"')
        return read_string(p);
    if (*p == '?' && end_ - p >= 2 && (p[1] == '0' || p[1] == '1')) {
        set_number(Type::boolean, p[1] - '0');
        return accept(p + 2);
    }
    return read_other(p, expected);
}

/// Reads one parameter (section 4.2.3.2).
inline bool Parser::read_parameter() noexcept {
    const char* const start = scan::skip_spaces(pos_ + 1, end_);
    const char* const p = read_key(start);
    if (p == nullptr) [[unlikely]]
        return read_wide_parameter(start);
    if (p != end_ && *p == '=')
        return read_bare_item(p + 1, Reason::bare_item);
    if (options_.wide_keys) [[unlikely]]
        return read_wide_parameter(start);
    set_number(Type::boolean, 1);
    return accept(p);
}

[[gnu::always_inline]] inline bool Parser::next_parameter() noexcept {
    if (state_ == State::inner_items && !skip_inner_list())
        return false;
    // At the end, and after a failure, nothing more is read.
    return pos_ != end_ && *pos_ == ';' &&
           (state_ == State::parameters || state_ == State::inner_parameters) && read_parameter();
}

/// Reads one item of an inner list, or its end (section 4.2.1.2).
[[gnu::always_inline]] inline bool Parser::next_inner_item() noexcept {
    if (state_ != State::inner_items && state_ != State::inner_parameters)
        return false;
    const char* p = pos_;
    if (state_ == State::inner_parameters && (p == end_ || (*p != ' ' && *p != ')'))) [[unlikely]]
        return p != end_ && *p == ';' ? skip_to_inner_item() : fail(Reason::inner_separator, p);
    p = scan::skip_spaces(p, end_);
    if (p != end_ && *p == ')') {
        state_ = State::parameters;
        pos_ = p + 1;
        return false;
    }
    state_ = State::inner_parameters;
    return read_bare_item(p, Reason::bare_item);
}

/// Goes to the next member and reads what `read_member` reads. The rare cases are functions of their own, so
/// that callers, which seldom have more than one such call, contain all that most fields need.
[[gnu::always_inline]] inline bool Parser::next_member() noexcept {
    const char* p = pos_;
    if (state_ == State::parameters) {
        // Most fields end directly after a value.
        if (p == end_ && !has_next_line()) {
            state_ = State::end;
            return false;
        }
        if (p != end_ && *p == ';') [[unlikely]]
            return skip_to_member();
        if (field_type_ == FieldType::item)
            return end_item(p);
        if (p != end_ && *p != ',') [[unlikely]]
            p = scan::skip_ows(p, end_);
        if (p == end_) [[unlikely]]
            return end_line(p);
        if (*p != ',') [[unlikely]]
            return fail(Reason::comma_or_end, p);
        p = scan::skip_ows(p + 1, end_);
        if (p == end_) [[unlikely]]
            return fail_after_comma(p);
    } else {
        if (state_ != State::begin) [[unlikely]]
            return skip_to_member();
        p = scan::skip_spaces(p, end_);
        if (p == end_) [[unlikely]]
            return begin_empty_line(p);
    }
    return read_member(p);
}

/// Reads a member without its parameters, or the `(` of an inner list (sections 4.2.1, 4.2.2 and 4.2.3).
[[gnu::always_inline]] inline bool Parser::read_member(const char* p) noexcept {
    state_ = State::parameters;
    if (field_type_ == FieldType::item)
        return read_bare_item(p, Reason::bare_item);
    if (field_type_ == FieldType::dictionary) {
        const char* const start = p;
        p = read_key(start);
        if (p == nullptr) [[unlikely]]
            return read_wide_member(start);
        if (p == end_ || *p != '=') {
            if (options_.wide_keys) [[unlikely]]
                return read_wide_member(start);
            set_number(Type::boolean, 1);
            return accept(p);
        }
        ++p;
    }
    return read_member_value(p);
}

/// Reads an item without its parameters, or the `(` of an inner list.
[[gnu::always_inline]] inline bool Parser::read_member_value(const char* p) noexcept {
    if (p != end_ && *p == '(') {
        state_ = State::inner_items;
        set_number(Type::inner_list, 0);
        return accept(p + 1);
    }
    return read_bare_item(p, Reason::member);
}

/// Checks the end of a field that is a single item.
[[gnu::always_inline]] inline bool Parser::end_item(const char* p) noexcept {
    p = scan::skip_spaces(p, end_);
    if (p != end_ || has_next_line())
        return fail(Reason::end, p);
    pos_ = p;
    state_ = State::end;
    return false;
}

} // namespace warpbeam::sfv
