#pragma once

#include <warpbeam/sfv/export.hpp>
#include <warpbeam/sfv/types.hpp>

#include <optional>
#include <span>
#include <string_view>

namespace warpbeam::sfv {

/// What the pull parser returns: a bare item as written in the field, or the start of an inner list. It
/// borrows the field's bytes; copying it is cheap.
class WARPBEAM_SFV_API RawItem {
public:
    /// The type of the value.
    [[nodiscard]] Type type() const noexcept { return type_; }
    /// Whether the value has this type.
    [[nodiscard]] bool is(Type type) const noexcept { return type_ == type; }

    /// @{ Call each of these only if the value has the type that it names.
    [[nodiscard]] int64_t integer() const noexcept { return number_; }
    [[nodiscard]] Decimal decimal() const noexcept { return {number_}; }
    [[nodiscard]] bool boolean() const noexcept { return number_ != 0; }
    [[nodiscard]] Date date() const noexcept { return {number_}; }
    /// @}

    /// The characters between the delimiters of a string, token, byte sequence or display string. For a
    /// string that continues on the next field line, only those in the first line.
    [[nodiscard]] std::string_view raw() const noexcept { return {data_, first_size()}; }
    /// Whether `raw` differs from the value: because of escapes, base64 or percent encoding, or because it
    /// continues on the next field line. Always false for tokens.
    [[nodiscard]] bool needs_decoding() const noexcept { return flags_ != Flags::none; }
    /// The buffer size that `decode` needs; 0 if it needs none. The value itself may be shorter.
    [[nodiscard]] size_t decode_capacity() const noexcept {
        if (flags_ == Flags::none)
            return 0;
        return type_ == Type::byte_sequence ? size_ / 4 * 3 + 3 : size_;
    }
    /// The value of a string, token, byte sequence or display string (as UTF-8): `raw` itself if there is
    /// nothing to decode, else the part of `buffer` that was written. `nullopt` if `buffer` is shorter than
    /// `decode_capacity()`. The buffer must not overlap the field's bytes.
    [[nodiscard]] std::optional<std::string_view> decode(std::span<char> buffer) const noexcept {
        if (flags_ == Flags::none)
            return std::string_view{data_, size_};
        if (buffer.size() < decode_capacity())
            return std::nullopt;
        return std::string_view{buffer.data(), decode_to(*this, buffer.data())};
    }

private:
    friend class Parser;
    /// An enumeration, not a plain uint8_t: that may alias the characters of the field, so that the compiler
    /// would have to read them again after each store.
    enum class Flags : uint32_t { none, encoded, split, split_encoded };

    [[nodiscard]] size_t first_size() const noexcept {
        if (flags_ < Flags::split)
            return size_;
        return static_cast<size_t>(line_->data() + line_->size() - data_);
    }
    /// Writes the value and returns its length. It takes a copy: see Parser::on_copy.
    static size_t decode_to(RawItem item, char* out) noexcept;

    Type type_ = Type::boolean;
    Flags flags_ = Flags::none;
    union {
        int64_t number_ = 0;
        const char* data_;
    };
    size_t size_ = 0;                        ///< the text's length, including the ", " between lines
    const std::string_view* line_ = nullptr; ///< the line in which it begins, if it is split
};

} // namespace warpbeam::sfv
