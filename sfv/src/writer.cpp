#include "base64.hpp"

#include <warpbeam/sfv/chars.hpp>
#include <warpbeam/sfv/writer.hpp>

#include <cstring>

namespace warpbeam::sfv {

void Writer::fail(const Error& error) noexcept {
    if (failed_)
        return;
    failed_ = true;
    error_ = error;
}

void Writer::put(char c) noexcept {
    if (size_ < capacity_)
        buffer_[size_] = c;
    ++size_;
}

void Writer::put(std::string_view text) noexcept {
    if (!text.empty() && size_ <= capacity_ && text.size() <= capacity_ - size_)
        std::memcpy(buffer_ + size_, text.data(), text.size());
    size_ += text.size();
}

void Writer::put_key(std::string_view key) noexcept {
    if (options_.wide_keys ? !chars::is_wide_key(key) : !chars::is_key(key))
        return fail(options_.wide_keys ? Reason::invalid_wide_key : Reason::invalid_key);
    put(key);
}

/// Section 4.1.4.
void Writer::put_integer(int64_t number) noexcept {
    char digits[20];
    char* const end = digits + sizeof digits;
    char* p = end;
    uint64_t rest = number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
    do {
        *--p = static_cast<char>('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (number < 0)
        *--p = '-';
    put({p, static_cast<size_t>(end - p)});
}

/// Section 4.1.5.
void Writer::put_decimal(int64_t thousandths) noexcept {
    if (thousandths < 0)
        put('-');
    const int64_t magnitude = thousandths < 0 ? -thousandths : thousandths;
    put_integer(magnitude / 1000);
    const auto fraction = static_cast<int>(magnitude % 1000);
    const char digits[] = {'.', static_cast<char>('0' + fraction / 100),
                           static_cast<char>('0' + fraction / 10 % 10),
                           static_cast<char>('0' + fraction % 10)};
    put({digits, fraction % 10 != 0 ? 4u : fraction % 100 != 0 ? 3u : 2u});
}

/// Section 4.1.6.
void Writer::put_string(std::string_view text) noexcept {
    put('"');
    while (!text.empty()) {
        size_t plain = 0;
        while (plain < text.size() && chars::is(text[plain], chars::string_char))
            ++plain;
        put(text.substr(0, plain));
        text.remove_prefix(plain);
        if (!text.empty()) {
            put('\\');
            put(text.front());
            text.remove_prefix(1);
        }
    }
    put('"');
}

/// Section 4.1.8.
void Writer::put_byte_sequence(std::string_view bytes) noexcept {
    put(':');
    const size_t encoded = base64_encoded_size(bytes.size());
    if (size_ <= capacity_ && encoded <= capacity_ - size_)
        base64_encode(bytes, buffer_ + size_);
    size_ += encoded;
    put(':');
}

/// Section 4.1.11.
void Writer::put_display_string(std::string_view text) noexcept {
    constexpr std::string_view hex = "0123456789abcdef";
    put("%\"");
    for (const char c : text) {
        if (chars::is(c, chars::display_char)) {
            put(c);
        } else {
            const auto byte = static_cast<uint8_t>(c);
            const char escape[] = {'%', hex[byte >> 4], hex[byte & 15]};
            put({escape, sizeof escape});
        }
    }
    put('"');
}

/// Section 4.1.3.1.
void Writer::put_bare_item(const BareItemRef& value) noexcept {
    switch (value.type()) {
    case Type::integer:
        return put_integer(value.number());
    case Type::decimal:
        return put_decimal(value.number());
    case Type::string:
        return put_string(value.text());
    case Type::token:
        return put(value.text());
    case Type::byte_sequence:
        return put_byte_sequence(value.text());
    case Type::boolean:
        return put(value.number() != 0 ? "?1" : "?0");
    case Type::date:
        put('@');
        return put_integer(value.number());
    case Type::display_string:
        return put_display_string(value.text());
    case Type::inner_list:
        return fail(Reason::nested_list);
    }
}

/// Writes the separator between a value and what precedes it; false if no value is allowed here.
bool Writer::begin_value(bool is_boolean_true) noexcept {
    switch (state_) {
    case State::begin:
        if (field_type_ == FieldType::dictionary)
            break;
        state_ = State::value;
        return true;
    case State::value:
        if (field_type_ != FieldType::list)
            break;
        put(", ");
        return true;
    case State::key:
        if (!is_boolean_true)
            put('=');
        state_ = State::value;
        return true;
    case State::inner_value:
        put(' ');
        return true;
    case State::inner_begin:
        state_ = State::inner_value;
        return true;
    }
    fail(Reason::wrong_order);
    return false;
}

Writer& Writer::key(std::string_view key) noexcept {
    if (failed_)
        return *this;
    if (field_type_ != FieldType::dictionary || (state_ != State::begin && state_ != State::value)) {
        fail(Reason::wrong_order);
        return *this;
    }
    if (state_ == State::value)
        put(", ");
    put_key(key);
    state_ = State::key;
    return *this;
}

Writer& Writer::value(const BareItemRef& value) noexcept {
    if (failed_)
        return *this;
    if (const auto checked = value.check(); !checked) {
        fail(checked.error());
        return *this;
    }
    const bool is_true = value.type() == Type::boolean && value.number() != 0;
    const bool is_implied = is_true && state_ == State::key;
    if (begin_value(is_true) && !is_implied)
        put_bare_item(value);
    return *this;
}

Writer& Writer::begin_inner_list() noexcept {
    if (failed_)
        return *this;
    if (state_ == State::inner_begin || state_ == State::inner_value || field_type_ == FieldType::item)
        fail(Reason::nested_list);
    else if (begin_value(false)) {
        put('(');
        state_ = State::inner_begin;
    }
    return *this;
}

Writer& Writer::end_inner_list() noexcept {
    if (failed_)
        return *this;
    if (state_ != State::inner_begin && state_ != State::inner_value) {
        fail(Reason::wrong_order);
        return *this;
    }
    put(')');
    state_ = State::value;
    return *this;
}

Writer& Writer::parameter(std::string_view key, const BareItemRef& value) noexcept {
    if (failed_)
        return *this;
    if (state_ != State::value && state_ != State::inner_value) {
        fail(Reason::wrong_order);
        return *this;
    }
    if (const auto checked = value.check(); !checked) {
        fail(checked.error());
        return *this;
    }
    put(';');
    put_key(key);
    if (value.type() != Type::boolean || value.number() == 0) {
        put('=');
        put_bare_item(value);
    }
    return *this;
}

Result<size_t> Writer::finish_size() const noexcept {
    if (failed_)
        return std::unexpected(error_);
    const bool may_end = state_ == State::value || (state_ == State::begin && field_type_ != FieldType::item);
    if (!may_end)
        return refuse(Reason::wrong_order);
    return size_;
}

Result<std::string_view> Writer::finish() const noexcept {
    const auto size = finish_size();
    if (!size)
        return std::unexpected(size.error());
    if (*size > capacity_)
        return refuse(Reason::buffer_too_small, *size);
    return std::string_view{buffer_, *size};
}

Result<std::string_view> write_bare_item(const BareItemRef& value, std::span<char> buffer) noexcept {
    return Writer{FieldType::item, buffer}.value(value).finish();
}

} // namespace warpbeam::sfv
