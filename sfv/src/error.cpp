#include <warpbeam/sfv/error.hpp>

#include <cstdio>

namespace warpbeam::sfv {

std::string_view describe(Reason reason) noexcept {
    switch (reason) {
    case Reason::bare_item:
        return "a bare item";
    case Reason::member:
        return "a bare item or an inner list";
    case Reason::member_after:
        return "a member after the comma";
    case Reason::key:
        return "a key, which begins with a lower-case letter or '*'";
    case Reason::wide_key:
        return "a key, which consists of letters, digits, '_', '-', '.', '*' and '%'";
    case Reason::comma_or_end:
        return "a comma or the end of the field";
    case Reason::end:
        return "the end of the field";
    case Reason::inner_separator:
        return "a space or ')'";
    case Reason::digit:
        return "a digit";
    case Reason::max_15_digits:
        return "no more than 15 digits";
    case Reason::max_12_digits:
        return "no more than 12 digits before the decimal point";
    case Reason::max_3_digits:
        return "no more than 3 digits after the decimal point";
    case Reason::string_char:
        return "a printable ASCII character or the closing '\"'";
    case Reason::string_escape:
        return "'\"' or '\\' after the backslash";
    case Reason::base64:
        return "a base64 character or the closing ':'";
    case Reason::base64_length:
        return "another base64 character, since one alone encodes no byte";
    case Reason::base64_padding:
        return "complete base64 padding";
    case Reason::base64_pad_bits:
        return "a base64 character whose pad bits are zero";
    case Reason::boolean:
        return "'0' or '1'";
    case Reason::date_integer:
        return "no decimal point in a date";
    case Reason::date_range:
        return "a date in the years 1 to 9999";
    case Reason::display_quote:
        return "'\"' after '%'";
    case Reason::display_char:
        return "a printable ASCII character or the closing '\"'";
    case Reason::display_hex:
        return "two lower-case hexadecimal digits after '%'";
    case Reason::utf8:
        return "valid UTF-8";
    case Reason::rfc8941_type:
        return "a bare item of RFC 8941, which has no dates or display strings";
    case Reason::whole_line:
        return "the closing '\"' in the same field line";
    case Reason::invalid_key:
        return "not a key: use lower-case letters, digits, '_', '-', '.' and '*', and begin with a letter "
               "or '*'";
    case Reason::invalid_wide_key:
        return "not a key: use letters, digits, '_', '-', '.', '*' and '%'";
    case Reason::invalid_token:
        return "not a token";
    case Reason::invalid_string:
        return "a string can only contain printable ASCII characters; use a display string for others";
    case Reason::invalid_utf8:
        return "a display string must be valid UTF-8";
    case Reason::integer_range:
        return "more than 15 digits";
    case Reason::decimal_range:
        return "more than 12 digits before the decimal point";
    case Reason::not_a_number:
        return "not a finite number";
    case Reason::nested_list:
        return "a list inside an inner list, or where only a bare item is allowed";
    case Reason::nested_map:
        return "a map inside another value";
    case Reason::no_value:
        return "a value is missing";
    case Reason::undecoded:
        return "text from the parser that was not decoded";
    case Reason::unknown_type:
        return "a value of a type that does not exist";
    case Reason::wrong_order:
        return "invalid order of calls";
    case Reason::nothing_read:
        return "nothing to decode: the previous call returned no value";
    case Reason::not_inner_list:
        return "an item where an inner list is needed";
    case Reason::buffer_too_small:
        return "the buffer is too small";
    case Reason::too_long:
        return "more than 4 GiB";
    case Reason::out_of_memory:
        return "out of memory";
    }
    return "";
}

Message Error::message() const noexcept {
    Message message;
    const std::string_view what = describe(reason);
    const int size = static_cast<int>(what.size());
    int written = 0;
    if (found == found_nothing && reason != Reason::buffer_too_small)
        written = std::snprintf(message.text_, sizeof message.text_, "%.*s", size, what.data());
    else if (found == found_nothing)
        written = std::snprintf(message.text_, sizeof message.text_, "%.*s: %zu bytes are needed", size,
                                what.data(), offset);
    else if (found == found_end)
        written = std::snprintf(message.text_, sizeof message.text_,
                                "expected %.*s, found the end at offset %zu", size, what.data(), offset);
    else if (found > 0x20 && found < 0x7f)
        written = std::snprintf(message.text_, sizeof message.text_,
                                "expected %.*s, found '%c' at offset %zu", size, what.data(), found, offset);
    else
        written =
            std::snprintf(message.text_, sizeof message.text_, "expected %.*s, found 0x%02x at offset %zu",
                          size, what.data(), static_cast<unsigned>(found), offset);
    message.size_ = written < 0 ? 0 : static_cast<size_t>(written);
    if (message.size_ >= sizeof message.text_)
        message.size_ = sizeof message.text_ - 1;
    return message;
}

} // namespace warpbeam::sfv
