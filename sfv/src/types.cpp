#include "utf8.hpp"

#include <warpbeam/sfv/bare_item_ref.hpp>
#include <warpbeam/sfv/chars.hpp>
#include <warpbeam/sfv/types.hpp>

#include <charconv>
#include <cmath>

namespace warpbeam::sfv {

std::string_view name_of(Type type) noexcept {
    switch (type) {
    case Type::integer:
        return "integer";
    case Type::decimal:
        return "decimal";
    case Type::string:
        return "string";
    case Type::token:
        return "token";
    case Type::byte_sequence:
        return "byte_sequence";
    case Type::boolean:
        return "boolean";
    case Type::date:
        return "date";
    case Type::display_string:
        return "display_string";
    case Type::inner_list:
        return "inner_list";
    }
    return "";
}

namespace {

/// The parts of a number as text, all of them only digits.
struct NumberText {
    bool negative = false;
    std::string_view integer;
    std::string_view fraction;
    int64_t exponent = 0;

    [[nodiscard]] size_t size() const noexcept { return integer.size() + fraction.size(); }
    /// Counted through both parts; zero after the end.
    [[nodiscard]] int digit(size_t i) const noexcept {
        if (i < integer.size())
            return integer[i] - '0';
        i -= integer.size();
        return i < fraction.size() ? fraction[i] - '0' : 0;
    }
};

std::string_view take_digits(std::string_view& text) noexcept {
    size_t size = 0;
    while (size < text.size() && chars::is(text[size], chars::digit))
        ++size;
    const std::string_view digits = text.substr(0, size);
    text.remove_prefix(size);
    return digits;
}

bool take(std::string_view& text, char c) noexcept {
    if (!text.starts_with(c))
        return false;
    text.remove_prefix(1);
    return true;
}

/// False if the text is not a number.
bool split_number(std::string_view text, NumberText& number) noexcept {
    number.negative = take(text, '-');
    number.integer = take_digits(text);
    if (number.integer.empty())
        return false;
    if (take(text, '.')) {
        number.fraction = take_digits(text);
        if (number.fraction.empty())
            return false;
    }
    if (take(text, 'e') || take(text, 'E')) {
        const bool negative = take(text, '-');
        if (!negative)
            (void)take(text, '+');
        const std::string_view digits = take_digits(text);
        if (digits.empty())
            return false;
        constexpr int64_t huge = 1'000'000'000'000'000; // more than the digits of any text
        for (const char c : digits)
            if (number.exponent < huge)
                number.exponent = number.exponent * 10 + (c - '0');
        if (negative)
            number.exponent = -number.exponent;
    }
    return text.empty();
}

} // namespace

Result<Decimal> Decimal::from_text(std::string_view text) noexcept {
    NumberText number;
    if (!split_number(text, number))
        return refuse(Reason::not_a_number);
    size_t first = 0;
    while (first < number.size() && number.digit(first) == 0)
        ++first;
    if (first == number.size())
        return Decimal{0};
    // Digits before this one are whole thousandths, those from it on are rounded away.
    const int64_t stop = static_cast<int64_t>(number.integer.size()) + number.exponent + 3;
    const int64_t significant = stop - static_cast<int64_t>(first);
    if (significant < 0)
        return Decimal{0};
    if (significant > 15)
        return refuse(Reason::decimal_range);
    int64_t thousandths = 0;
    size_t i = first;
    for (int64_t count = 0; count < significant; ++count)
        thousandths = thousandths * 10 + number.digit(i++);
    const int next = number.digit(i++);
    bool more = false;
    for (; i < number.size(); ++i)
        more |= number.digit(i) != 0;
    if (next > 5 || (next == 5 && (more || thousandths % 2 != 0)))
        ++thousandths;
    if (thousandths > max_integer)
        return refuse(Reason::decimal_range);
    return Decimal{number.negative ? -thousandths : thousandths};
}

namespace {

template <typename Number>
Result<Decimal> from_shortest_text(Number number) noexcept {
    if (!std::isfinite(number))
        return refuse(Reason::not_a_number);
    char text[32];
    const auto [end, fault] = std::to_chars(text, text + sizeof text, number, std::chars_format::scientific);
    if (fault != std::errc{})
        return refuse(Reason::not_a_number);
    return Decimal::from_text({text, static_cast<size_t>(end - text)});
}

} // namespace

Result<Decimal> Decimal::from_double(double number) noexcept { return from_shortest_text(number); }
Result<Decimal> Decimal::from_float(float number) noexcept { return from_shortest_text(number); }

namespace {

Result<void> check_text(std::string_view text, unsigned mask, Reason reason) noexcept {
    for (size_t i = 0; i < text.size(); ++i)
        if (!chars::is(text[i], mask))
            return refuse(reason, i);
    return {};
}

Result<void> check_utf8(std::string_view text) noexcept {
    Utf8Checker utf8;
    for (size_t i = 0; i < text.size(); ++i)
        if (!utf8.take(static_cast<uint8_t>(text[i])))
            return refuse(Reason::invalid_utf8, i);
    return utf8.is_complete() ? Result<void>{} : refuse(Reason::invalid_utf8, text.size());
}

bool in_range(int64_t number) noexcept { return number >= -max_integer && number <= max_integer; }

} // namespace

Result<void> BareItemRef::check() const noexcept {
    if (refused_)
        return sfv::refuse(reason_);
    switch (type_) {
    case Type::integer:
    case Type::date:
        return in_range(number_) ? Result<void>{} : sfv::refuse(Reason::integer_range);
    case Type::decimal:
        return in_range(number_) ? Result<void>{} : sfv::refuse(Reason::decimal_range);
    case Type::string:
        // Every class that needs no escape in a string, and what is escaped.
        for (size_t i = 0; i < text_.size(); ++i)
            if (!chars::is(text_[i], chars::string_char) && text_[i] != '"' && text_[i] != '\\')
                return sfv::refuse(Reason::invalid_string, i);
        return {};
    case Type::token:
        if (text_.empty() || !chars::is(text_.front(), chars::token_start))
            return sfv::refuse(Reason::invalid_token);
        return check_text(text_, chars::token_char, Reason::invalid_token);
    case Type::display_string:
        return check_utf8(text_);
    case Type::byte_sequence:
    case Type::boolean:
        return {};
    case Type::inner_list:
        break;
    }
    return sfv::refuse(Reason::nested_list);
}

} // namespace warpbeam::sfv
