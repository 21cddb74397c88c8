#pragma once

#include <warpbeam/sfv/export.hpp>
#include <warpbeam/sfv/raw_item.hpp>
#include <warpbeam/sfv/scan.hpp>
#include <warpbeam/sfv/types.hpp>

#include <optional>
#include <span>
#include <string_view>

namespace warpbeam::sfv {

/// What is accepted. As it is made, everything that RFC 9651 says a parser SHOULD accept.
struct ParseOptions {
    bool rfc8941 = false;        ///< refuse dates and display strings, which RFC 8941 does not have
    bool strict_padding = false; ///< refuse byte sequences without their base64 padding
    bool strict_pad_bits =
        false;                 ///< refuse byte sequences whose last character has pad bits that are not zero
    bool strict_dates = false; ///< refuse dates outside of the years 1 to 9999
    bool strict_lines = false; ///< refuse strings that begin in one field line and end in another
};

/// A pull parser over the bytes of a field (section 4.2). It borrows them, allocates nothing and looks at
/// each byte once. A walk over a dictionary:
///
///     Parser parser{FieldType::dictionary, field};
///     while (parser.next_member()) {
///         use(parser.key(), parser.value());
///         while (parser.next_inner_item()) { ... }    // when the value is an inner list
///         while (parser.next_parameter())
///             use(parser.key(), parser.value());
///     }
///     if (const auto done = parser.finish(); !done) ... // nothing that was read may be used
///
/// What is not asked for is skipped, but checked. Keys that occur twice are reported twice: the last one
/// counts, in the place of the first. Once something failed every call returns false, and the whole field has
/// failed: what was read so far has to be thrown away.
///
/// Not thread-safe; two parsers never share anything but the field's bytes.
class WARPBEAM_SFV_API Parser {
public:
    /// Of one field line. The bytes must outlive the parser and the values.
    Parser(FieldType type, std::string_view field, ParseOptions options = {}) noexcept
        : pos_{field.data()}, end_{field.data() + field.size()}, begin_{field.data()}, field_type_{type},
          options_{options} {}

    /// Of a field that has several lines (or none), which are read as if they were joined by ", ". The array
    /// and the bytes must outlive the parser and the values.
    Parser(FieldType type, std::span<const std::string_view> lines, ParseOptions options = {}) noexcept
        : Parser{type, lines.empty() ? std::string_view{} : lines.front(), options} {
        if (!lines.empty()) {
            line_ = lines.data();
            last_line_ = lines.data() + lines.size() - 1;
        }
    }

    /// Goes on to the next member of the list or dictionary, or to the one item. False at the end, and when
    /// the field is malformed.
    bool next_member() noexcept;
    /// Goes on to the next item of the inner list that `next_member` came to. False at its end, when the
    /// member is none, and when the field is malformed.
    bool next_inner_item() noexcept;
    /// Goes on to the next parameter of that to which the last of the other functions came; of an inner list
    /// once `next_inner_item` has returned false, or whose items are to be skipped. False at the end of the
    /// parameters, and when the field is malformed.
    bool next_parameter() noexcept;

    [[nodiscard]] FieldType field_type() const noexcept { return field_type_; }
    /// The key of the dictionary's member or of the parameter that the call directly before came to, which
    /// must have returned true: a call that returns false may have left anything here that it skipped.
    [[nodiscard]] std::string_view key() const noexcept { return key_; }
    /// Likewise the value. A copy of it stays good as long as the field's bytes do.
    [[nodiscard]] const RawItem& value() const noexcept { return value_; }

    /// Checks all that has not been read yet, and says whether the field is well-formed as a whole.
    [[nodiscard]] Result<void> finish() noexcept {
        return state_ == State::end ? Result<void>{} : finish_rest();
    }
    /// What went wrong; nothing as long as nothing did.
    [[nodiscard]] std::optional<Error> error() const noexcept;

private:
    friend class Builder;
    enum class State : uint8_t {
        begin,            ///< nothing has been read
        parameters,       ///< in or behind the parameters of a member
        inner_items,      ///< behind the "(" of an inner list
        inner_parameters, ///< in or behind the parameters of an item in an inner list
        end,
        failed,
    };

    bool fail(Reason reason, const char* at) noexcept {
        pos_ = at;
        reason_ = reason;
        state_ = State::failed;
        return false;
    }
    [[nodiscard]] bool has_next_line() const noexcept { return line_ != last_line_; }
    void go_to_next_line() noexcept {
        base_ += static_cast<size_t>(end_ - begin_) + 2;
        ++line_;
        pos_ = begin_ = line_->data();
        end_ = begin_ + line_->size();
    }

    bool accept(const char* p) noexcept {
        pos_ = p;
        return true;
    }

    // Each reads what its name says at `p`, sets the value and the position behind it, and returns false when
    // it failed. They come last in whatever calls them, so that calls become jumps. Where one begins within a
    // cache line makes up to a third of a short field's time, so those that most fields need begin with one.
    const char* read_key(const char* p) noexcept;
    bool read_bare_item(const char* p, Reason expected) noexcept;
    bool read_number(const char* digits, bool negative) noexcept;
    bool read_signed_number(const char* p) noexcept;
    bool read_fraction(const char* p, const char* digits, int64_t integer, bool negative) noexcept;
    bool read_string(const char* p) noexcept;
    /// A string from `p` on: escapes, and what goes on in the next field line.
    [[gnu::aligned(64)]] bool read_string_rest(const char* p, const char* start) noexcept;
    bool read_token(const char* p) noexcept;
    /// The types that are less usual.
    [[gnu::aligned(64)]] bool read_other(const char* p, Reason expected) noexcept;
    [[gnu::aligned(64)]] bool read_byte_sequence(const char* p) noexcept;
    bool read_date(const char* p) noexcept;
    bool read_display_string(const char* p) noexcept;
    struct SplitText;

    [[gnu::aligned(64)]] bool read_member() noexcept;
    [[gnu::aligned(64)]] bool read_parameter() noexcept;
    [[gnu::aligned(64)]] bool read_inner_item() noexcept;
    bool begin_empty_line(const char* p) noexcept;
    bool end_item(const char* p) noexcept;
    bool fail_after_comma(const char* p) noexcept;
    /// Skips all parameters; false when one is malformed.
    bool skip_parameters() noexcept;
    /// Skips the rest of an inner list without its parameters; false when it is malformed.
    bool skip_inner_list() noexcept;
    /// Skips the rest of a member; false when that is malformed, or when there is none.
    bool skip_rest() noexcept;
    [[nodiscard]] Result<void> finish_rest() noexcept;
    void set_text(Type type, const char* start, const char* stop, RawItem::Flags flags) noexcept {
        value_.type_ = type;
        value_.flags_ = flags;
        value_.data_ = start;
        value_.size_ = static_cast<size_t>(stop - start);
    }
    void set_number(Type type, int64_t number) noexcept {
        value_.type_ = type;
        value_.flags_ = RawItem::Flags::none;
        value_.number_ = number;
    }

    const char* pos_;
    const char* end_;   ///< of the line
    const char* begin_; ///< of the line
    const std::string_view* line_ = nullptr;
    const std::string_view* last_line_ = nullptr;
    size_t base_ = 0; ///< the offset of the line in the whole field
    State state_ = State::begin;
    FieldType field_type_;
    Reason reason_{};
    ParseOptions options_;
    std::string_view key_;
    RawItem value_;
};

} // namespace warpbeam::sfv

#include <warpbeam/sfv/parser_inline.hpp>
