#include "characters.hpp"
#include "decimal.hpp"
#include "float_format.hpp"

#include <warpbeam/text/number.hpp>

#include <algorithm>
#include <bit>
#include <charconv>
#include <type_traits>

namespace warpbeam::text {
namespace {

/// Consumes parts of a number's syntax from the front.
struct Scanner {
    std::string_view rest;

    bool accept(char c) noexcept {
        if (!rest.starts_with(c))
            return false;
        rest.remove_prefix(1);
        return true;
    }
    bool accept(std::string_view prefix) noexcept {
        if (!rest.starts_with(prefix))
            return false;
        rest.remove_prefix(prefix.size());
        return true;
    }
    bool accept_sign() noexcept { return accept('+') || accept('-'); }

    /// Digits with single underscores between them; false if there are none.
    bool digits(unsigned base) noexcept {
        const auto digit_at = [&](size_t i) {
            return i < rest.size() && hex_digit(static_cast<unsigned char>(rest[i])) < base;
        };
        if (!digit_at(0))
            return false;
        size_t length = 1;
        while (digit_at(length) || (length < rest.size() && rest[length] == '_' && digit_at(length + 1)))
            ++length;
        rest.remove_prefix(length);
        return true;
    }
};

/// The magnitude of an integer; empty if it does not fit 64 bits.
std::optional<uint64_t> parse_magnitude(std::string_view digits) noexcept {
    unsigned base = 10;
    if (digits.starts_with("0x")) {
        base = 16;
        digits.remove_prefix(2);
    }
    uint64_t value = 0;
    for (const char c : digits) {
        if (c == '_')
            continue;
        const uint64_t digit = hex_digit(static_cast<unsigned char>(c));
        if (__builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value))
            return std::nullopt;
    }
    return value;
}

constexpr uint64_t low_bits(unsigned bits) noexcept {
    return bits == 64 ? UINT64_MAX : (uint64_t{1} << bits) - 1;
}

/// The exponent of a literal; a huge one is clamped to a value that is still out of range.
int64_t parse_exponent(std::string_view text) noexcept {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+'))
        text.remove_prefix(1);
    int64_t value = 0;
    for (const char c : text)
        if (c != '_')
            value = std::min<int64_t>(value * 10 + (c - '0'), int64_t{1} << 48);
    return negative ? -value : value;
}

std::optional<uint64_t> parse_hex(std::string_view text, const FloatFormat& format) noexcept {
    uint64_t mantissa = 0;
    int64_t exponent = 0;
    bool sticky = false;
    bool fraction = false;
    size_t i = 0;
    for (; i < text.size() && text[i] != 'p' && text[i] != 'P'; ++i) {
        if (text[i] == '.') {
            fraction = true;
            continue;
        }
        if (text[i] == '_')
            continue;
        const unsigned digit = hex_digit(static_cast<unsigned char>(text[i]));
        if (mantissa >> 60 == 0) {
            mantissa = mantissa << 4 | digit;
            exponent -= fraction ? 4 : 0;
        } else {
            sticky = sticky || digit != 0;
            exponent += fraction ? 0 : 4;
        }
    }
    if (i < text.size())
        exponent += parse_exponent(text.substr(i + 1));
    return round_binary(format, mantissa, exponent, sticky);
}

template <typename Float>
using BitsOf = std::conditional_t<sizeof(Float) == 4, uint32_t, uint64_t>;

constexpr size_t room_for_exponent = 24;

/// The magnitude bits of the number nearest to digits * 10^exponent; empty if that is infinity. After the
/// digits there is room for an exponent.
template <typename Float>
std::optional<uint64_t> nearest(char* digits, size_t count, int64_t exponent,
                                const FloatFormat& format) noexcept {
#ifdef __cpp_lib_to_chars
    static_cast<void>(format);
    char* end = digits + count;
    *end++ = 'e';
    end = std::to_chars(end, end + room_for_exponent - 1, exponent).ptr;
    Float value = 0;
    // An out-of-range exponent makes the number too large, or zero.
    if (std::from_chars(digits, end, value).ec == std::errc::result_out_of_range)
        return exponent + static_cast<int64_t>(count) > 0 ? std::nullopt : std::optional<uint64_t>{0};
    return std::bit_cast<BitsOf<Float>>(value);
#else
    const Binary binary = binary_of({digits, count}, exponent);
    return round_binary(format, binary.mantissa, binary.exponent, binary.sticky);
#endif
}

/// The magnitude bits of the number nearest to a decimal literal; empty if that is infinity.
template <typename Float>
std::optional<uint64_t> parse_decimal(std::string_view text, const FloatFormat& format) noexcept {
    // Of the digits that there is no room for, it only matters whether any is not zero; a digit 1 at the end
    // then stands for them.
    constexpr size_t max_digits = max_decimal_digits - 1;
    char digits[max_decimal_digits + room_for_exponent];
    size_t count = 0;
    int64_t exponent = 0;
    bool fraction = false;
    bool sticky = false;
    size_t i = 0;
    for (; i < text.size() && text[i] != 'e' && text[i] != 'E'; ++i) {
        if (text[i] == '.') {
            fraction = true;
        } else if (text[i] != '_') {
            const bool dropped = count == max_digits;
            sticky |= dropped && text[i] != '0';
            if (!dropped && (count != 0 || text[i] != '0'))
                digits[count++] = text[i];
            exponent += (dropped ? 1 : 0) - (fraction ? 1 : 0);
        }
    }
    if (count == 0)
        return 0;
    if (i < text.size())
        exponent += parse_exponent(text.substr(i + 1));
    if (sticky) {
        digits[count++] = '1';
        --exponent;
    }
    return nearest<Float>(digits, count, exponent, format);
}

template <typename Float>
std::optional<uint64_t> parse_float(std::string_view text, const FloatFormat& format) noexcept {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+'))
        text.remove_prefix(1);
    std::optional<uint64_t> magnitude;
    if (text == "inf") {
        magnitude = format.infinity();
    } else if (text == "nan") {
        magnitude = format.infinity() | uint64_t{1} << (format.fraction_bits - 1);
    } else if (text.starts_with("nan:")) {
        const std::optional<uint64_t> payload = parse_magnitude(text.substr(4));
        if (payload && *payload != 0 && *payload <= low_bits(format.fraction_bits))
            magnitude = format.infinity() | *payload;
    } else if (text.starts_with("0x")) {
        magnitude = parse_hex(text.substr(2), format);
    } else {
        magnitude = parse_decimal<Float>(text, format);
    }
    if (magnitude && negative)
        *magnitude |= format.sign();
    return magnitude;
}

template <typename Float>
std::string_view print_float(BitsOf<Float> bits, const FloatFormat& format,
                             std::span<char, 40> buffer) noexcept {
    char* at = buffer.data();
    char* const end = at + buffer.size();
    const uint64_t magnitude = bits & ~format.sign();
    if (magnitude < format.infinity())
        return {at, std::to_chars(at, end, std::bit_cast<Float>(bits)).ptr};
    if (bits != magnitude)
        *at++ = '-';
    const uint64_t payload = magnitude - format.infinity();
    const bool is_canonical = payload == uint64_t{1} << (format.fraction_bits - 1);
    const std::string_view word = payload == 0 ? "inf" : is_canonical ? "nan" : "nan:0x";
    at += word.copy(at, word.size());
    if (payload != 0 && !is_canonical)
        at = std::to_chars(at, end, payload, 16).ptr;
    return {buffer.data(), at};
}

} // namespace

NumberKind classify_number(std::string_view text) noexcept {
    Scanner scanner{text};
    const bool is_signed = scanner.accept_sign();
    if (scanner.rest == "inf" || scanner.rest == "nan")
        return NumberKind::floating;
    if (scanner.accept("nan:0x"))
        return scanner.digits(16) && scanner.rest.empty() ? NumberKind::floating : NumberKind::none;
    const unsigned base = scanner.accept("0x") ? 16 : 10;
    if (!scanner.digits(base))
        return NumberKind::none;
    if (scanner.rest.empty())
        return is_signed ? NumberKind::integer : NumberKind::natural;
    if (scanner.accept('.'))
        scanner.digits(base);
    const bool has_exponent =
        base == 16 ? scanner.accept('p') || scanner.accept('P') : scanner.accept('e') || scanner.accept('E');
    if (has_exponent) {
        scanner.accept_sign();
        if (!scanner.digits(10))
            return NumberKind::none;
    }
    return scanner.rest.empty() ? NumberKind::floating : NumberKind::none;
}

std::optional<uint64_t> parse_unsigned(std::string_view text, unsigned bits) noexcept {
    const std::optional<uint64_t> value = parse_magnitude(text);
    return value && *value <= low_bits(bits) ? value : std::nullopt;
}

std::optional<uint64_t> parse_integer(std::string_view text, unsigned bits) noexcept {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+'))
        text.remove_prefix(1);
    const std::optional<uint64_t> value = parse_magnitude(text);
    if (!value || *value > (negative ? uint64_t{1} << (bits - 1) : low_bits(bits)))
        return std::nullopt;
    return (negative ? 0 - *value : *value) & low_bits(bits);
}

std::optional<uint32_t> parse_f32(std::string_view text) noexcept {
    const std::optional<uint64_t> bits = parse_float<float>(text, binary32);
    return bits ? std::optional{static_cast<uint32_t>(*bits)} : std::nullopt;
}

std::optional<uint64_t> parse_f64(std::string_view text) noexcept {
    return parse_float<double>(text, binary64);
}

std::string_view print_f32(uint32_t bits, std::span<char, 40> buffer) noexcept {
    return print_float<float>(bits, binary32, buffer);
}

std::string_view print_f64(uint64_t bits, std::span<char, 40> buffer) noexcept {
    return print_float<double>(bits, binary64, buffer);
}

} // namespace warpbeam::text
