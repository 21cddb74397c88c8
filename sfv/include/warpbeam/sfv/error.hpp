#pragma once

#include <warpbeam/sfv/export.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

namespace warpbeam::sfv {

/// Why a field, a value or a call was refused.
enum class Reason : uint8_t {
    // Parsing: what was expected at the offset.
    bare_item,       ///< a bare item
    member,          ///< a bare item or an inner list
    member_after,    ///< another member after a comma
    key,             ///< a key
    wide_key,        ///< a key (ParseOptions::wide_keys)
    comma_or_end,    ///< a comma or the end of the field
    end,             ///< the end of the field
    inner_separator, ///< a space or the end of the inner list
    digit,           ///< a digit
    max_15_digits,   ///< no further digit of an integer
    max_12_digits,   ///< no further digit before the decimal point
    max_3_digits,    ///< no further digit after the decimal point
    string_char,     ///< a printable ASCII character or the closing quote
    string_escape,   ///< a quote or a backslash after a backslash
    base64,          ///< a base64 character or the closing colon
    base64_length,   ///< complete base64: a single character encodes no byte
    base64_padding,  ///< complete padding, or none (not with ParseOptions::strict_padding)
    base64_pad_bits, ///< pad bits that are zero (ParseOptions::strict_pad_bits)
    boolean,         ///< 0 or 1
    date_integer,    ///< an integer in a date, not a decimal
    date_range,      ///< a date in the years 1 to 9999 (ParseOptions::strict_dates)
    display_quote,   ///< the quote that opens a display string
    display_char,    ///< a printable ASCII character or the closing quote
    display_hex,     ///< two lower-case hexadecimal digits
    utf8,            ///< valid UTF-8
    rfc8941_type,    ///< a type that RFC 8941 has (ParseOptions::rfc8941)
    whole_line,      ///< the closing quote in the same field line (ParseOptions::strict_lines)
    // Values that the RFC cannot carry; the offset is within the text, if there is one.
    invalid_key,
    invalid_wide_key, ///< (WriteOptions::wide_keys)
    invalid_token,
    invalid_string,
    invalid_utf8,
    integer_range,
    decimal_range,
    not_a_number,
    nested_list,
    nested_map,
    no_value,     ///< an empty std::optional, a std::variant without a value
    undecoded,    ///< a text of the pull parser that has not been decoded (C)
    unknown_type, ///< not a type of the RFC (C)
    // Invalid calls, and resources.
    wrong_order,
    nothing_read,     ///< the pull parser's last call returned no value (C)
    not_inner_list,   ///< an item instead of an inner list (C)
    buffer_too_small, ///< the offset is the required size
    too_long,
    out_of_memory,
};

/// What was expected, or what is wrong, as a phrase; a static string.
[[nodiscard]] WARPBEAM_SFV_API std::string_view describe(Reason reason) noexcept;

/// One line of text that owns its bytes and allocates nothing.
class Message {
public:
    /// @{ The text.
    [[nodiscard]] std::string_view view() const noexcept { return {text_, size_}; }
    operator std::string_view() const noexcept { return view(); }
    /// @}

private:
    friend struct Error;
    char text_[180];
    size_t size_ = 0;
};

/// A failure as a value.
struct WARPBEAM_SFV_API Error {
    static constexpr int found_end = -1;     ///< the field ended
    static constexpr int found_nothing = -2; ///< not an error of parsing

    Reason reason = Reason::bare_item; ///< what was expected, or why it was refused
    int found = found_nothing;         ///< the byte at `offset`, or one of the above
    /// In bytes from the start of the field; several field lines count as joined by ", ".
    size_t offset = 0;

    /// For people to read: `expected a key, found '%' at offset 7`.
    [[nodiscard]] Message message() const noexcept;

    friend bool operator==(const Error&, const Error&) = default;
};

/// A value, or why there is none.
template <typename T>
using Result = std::expected<T, Error>;

/// The error of a result.
[[nodiscard]] inline std::unexpected<Error> refuse(Reason reason, size_t offset = 0) noexcept {
    return std::unexpected(Error{reason, Error::found_nothing, offset});
}

} // namespace warpbeam::sfv
