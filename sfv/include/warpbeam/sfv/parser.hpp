#pragma once

#include <warpbeam/sfv/export.hpp>
#include <warpbeam/sfv/raw_item.hpp>
#include <warpbeam/sfv/scan.hpp>
#include <warpbeam/sfv/types.hpp>

#include <optional>
#include <span>
#include <string_view>

namespace warpbeam::sfv {

/// What is accepted. By default, everything that RFC 9651 says a parser SHOULD accept.
struct ParseOptions {
    bool rfc8941 = false;        ///< refuse dates and display strings, which RFC 8941 does not have
    bool strict_padding = false; ///< refuse byte sequences without their base64 padding
    bool strict_pad_bits =
        false;                 ///< refuse byte sequences whose last character has pad bits that are not zero
    bool strict_dates = false; ///< refuse dates outside the years 1 to 9999
    bool strict_lines = false; ///< refuse strings that begin in one field line and end in another
    /// Beyond the RFC: keys may consist of letters, digits, '_', '-', '.', '*' and '%', and begin with any of
    /// them. For fields whose keys are names of fields, or percent-encoded.
    bool wide_keys = false;
};

/// A pull parser over the bytes of a field (section 4.2). It borrows them, allocates nothing and reads each
/// byte once. To walk over a dictionary:
///
///     Parser parser{FieldType::dictionary, field};
///     while (parser.next_member()) {
///         use(parser.key(), parser.value());
///         while (parser.next_inner_item()) { ... }    // if the value is an inner list
///         while (parser.next_parameter())
///             use(parser.key(), parser.value());
///     }
///     if (const auto done = parser.finish(); !done) ... // discard what was read
///
/// What you do not ask for is skipped but still checked. Duplicate keys are reported each time: the last
/// value counts, in the position of the first. After a failure every call returns false and the whole field
/// has failed: discard what was read so far.
///
/// It is fastest as a local variable whose address does not leave the function, with a constant type: then
/// the compiler keeps it in registers. A function that gets a reference should be inline.
///
/// Thread-safety: one thread at a time may use a parser; two parsers share nothing except the field's bytes.
class WARPBEAM_SFV_API Parser {
public:
    /// Parses one field line. The bytes must outlive the parser and the values.
    Parser(FieldType type, std::string_view field, ParseOptions options = {}) noexcept
        : pos_{field.data()}, end_{field.data() + field.size()}, begin_{field.data()}, field_type_{type},
          options_{options} {
        if (pos_ != end_ && *pos_ == ' ') [[unlikely]]
            pos_ = scan::skip_spaces(pos_ + 1, end_);
    }

    /// Parses a field with several lines (or none), which are read as if joined by ", ". The array and the
    /// bytes must outlive the parser and the values.
    Parser(FieldType type, std::span<const std::string_view> lines, ParseOptions options = {}) noexcept
        : Parser{type, lines.empty() ? std::string_view{} : lines.front(), options} {
        if (!lines.empty()) {
            line_ = lines.data();
            last_line_ = lines.data() + lines.size() - 1;
        }
    }

    /// Moves to the next member of the list or dictionary, or to the only item. False at the end, and if the
    /// field is malformed.
    bool next_member() noexcept;
    /// Moves to the next item of the inner list that `next_member` found. False at its end, if the member is
    /// not an inner list, and if the field is malformed.
    bool next_inner_item() noexcept;
    /// Moves to the next parameter of whatever the last call of another function found. For an inner list,
    /// call it after `next_inner_item` has returned false, or to skip the items. False at the end of the
    /// parameters, and if the field is malformed.
    bool next_parameter() noexcept;

    /// What the field is read as.
    [[nodiscard]] FieldType field_type() const noexcept { return field_type_; }
    /// The key of the dictionary member or parameter that the previous call found. That call must have
    /// returned true: after one that returned false, this may be any key that was skipped.
    [[nodiscard]] std::string_view key() const noexcept { return key_; }
    /// The value, under the same condition. A copy of it stays valid as long as the field's bytes.
    [[nodiscard]] const RawItem& value() const noexcept { return value_; }

    /// Instead of the functions above: reads the bare item that the field begins with, and ignores what comes
    /// after it. Returns the number of bytes that it takes; `value` is the item. Spaces before it are not
    /// skipped. This must be the first call; after it, the parser is at the end of the field. An offset in a
    /// field with several lines counts them as joined by ", ".
    [[nodiscard]] Result<size_t> bare_item_prefix() noexcept;

    /// Checks everything that has not been read yet, and returns whether the whole field is well-formed.
    [[nodiscard]] Result<void> finish() noexcept {
        // After an item, or after the last value if the caller knew that it is the last one.
        const bool is_at_end = state_ == State::parameters && pos_ == end_ && !has_next_line();
        if (state_ == State::end || is_at_end) [[likely]]
            return {};
        return on_copy(&Parser::finish_rest);
    }
    /// The error, if there was one so far.
    [[nodiscard]] std::optional<Error> error() const noexcept {
        if (!has_failed())
            return std::nullopt;
        return Parser{Copy{*this}}.failure();
    }

private:
    friend class Builder;
    /// In this order, what a function can do needs one comparison.
    enum class State : uint8_t {
        inner_parameters, ///< in or after the parameters of an item in an inner list
        inner_items,      ///< after the "(" of an inner list
        parameters,       ///< in or after the parameters of a member
        begin,            ///< nothing has been read
        end,
        failed, ///< plus the reason: one variable less to keep
    };

    bool fail(Reason reason, const char* at) noexcept {
        pos_ = at;
        state_ = static_cast<State>(static_cast<unsigned>(State::failed) + static_cast<unsigned>(reason));
        return false;
    }
    [[nodiscard]] bool has_failed() const noexcept { return state_ >= State::failed; }
    [[nodiscard]] Error failure() const noexcept;
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
    struct Copy {
        const Parser& of;
    };
    /// A copy that has no key and no value.
    explicit Parser(Copy copy) noexcept
        : pos_{copy.of.pos_}, end_{copy.of.end_}, begin_{copy.of.begin_}, line_{copy.of.line_},
          last_line_{copy.of.last_line_}, base_{copy.of.base_}, state_{copy.of.state_},
          field_type_{copy.of.field_type_}, options_{copy.of.options_} {}
    /// Calls a function that is not inline and reads a value, on a copy of this parser, and takes over what
    /// it changed. So the address of a parser that is a local variable is never taken, and it lives in
    /// registers. No such function needs the value of the previous call, which is only kept as long as the
    /// caller uses it.
    template <typename Value, typename... Parameters, typename... Arguments>
    [[gnu::always_inline]] Value value_on_copy(Value (Parser::*function)(Parameters...) noexcept,
                                               Arguments... arguments) noexcept {
        Parser copy{Copy{*this}};
        Value result = (copy.*function)(arguments...);
        take_over(copy);
        return result;
    }
    /// The same for a function that may also read a key.
    template <typename Value, typename... Parameters, typename... Arguments>
    [[gnu::always_inline]] Value on_copy(Value (Parser::*function)(Parameters...) noexcept,
                                         Arguments... arguments) noexcept {
        Parser copy{Copy{*this}};
        Value result = (copy.*function)(arguments...);
        key_ = copy.key_;
        take_over(copy);
        return result;
    }
    [[gnu::always_inline]] void take_over(const Parser& copy) noexcept {
        pos_ = copy.pos_;
        state_ = copy.state_;
        value_ = copy.value_;
        if (has_next_line()) { // else there is no other line to be in
            end_ = copy.end_;
            begin_ = copy.begin_;
            line_ = copy.line_;
            base_ = copy.base_;
        }
    }

    // Each reads what its name says at `p`, sets the value and the position after it, and returns false on
    // failure. Those for rare cases are not inline, and are called through `on_copy`.
    const char* read_key(const char* p) noexcept;
    /// The same with ParseOptions::wide_keys; without it, there is no key.
    const char* read_wide_key(const char* p) noexcept;
    [[nodiscard]] Reason key_expected() const noexcept {
        return options_.wide_keys ? Reason::wide_key : Reason::key;
    }
    bool read_bare_item(const char* p, Reason expected) noexcept;
    bool read_unsigned(const char* digits) noexcept;
    bool read_number(const char* p, Type type) noexcept;
    bool read_fraction(const char* p, const char* digits, uint64_t number, bool negative, Type type) noexcept;
    /// Says what is wrong with a number that has a point at `p`.
    bool fail_fraction(const char* p, const char* digits) noexcept;
    bool read_string(const char* p) noexcept;
    /// @{ The closing quote of a string whose characters before `p` have been checked; null if it has an
    /// error or continues on the next line.
    static const char* find_string_end(const char* p, const char* end, const char* begin) noexcept;
    static const char* find_display_end(const char* p, const char* end, const char* begin) noexcept;
    /// @}
    /// @{ The same strings from their beginning, over several lines, and what is wrong with them.
    bool read_split_string(const char* start) noexcept;
    bool read_split_display_string(const char* start) noexcept;
    /// @}
    bool read_token(const char* p) noexcept;
    bool read_byte_sequence(const char* p) noexcept;
    /// The same with every option, and what is wrong with it.
    bool check_byte_sequence(const char* p) noexcept;
    bool read_display_string(const char* p) noexcept;
    struct SplitText;

    bool read_member(const char* p) noexcept;
    bool read_member_value(const char* p) noexcept;
    bool read_parameter() noexcept;
    /// @{ What has a key that is none of the RFC's.
    bool read_wide_member(const char* p) noexcept;
    bool read_wide_parameter(const char* p) noexcept;
    /// @}
    /// @{ Skips what the caller has not asked for, and reads on.
    bool next_member_rest() noexcept;
    bool next_inner_item_rest() noexcept;
    /// @}
    /// Reads the first member of the next line.
    bool next_line() noexcept;
    bool begin_inner_list(const char* p) noexcept;
    bool end_inner_list(const char* p) noexcept;
    bool begin_empty_line(const char* p) noexcept;
    bool end_field(const char* p) noexcept;
    bool fail_after_comma(const char* p) noexcept;
    /// Skips all parameters; false if one is malformed.
    bool skip_parameters() noexcept;
    /// Skips the rest of an inner list without its parameters; false if it is malformed.
    bool skip_inner_list() noexcept;
    [[nodiscard]] Result<void> finish_rest() noexcept;
    void set_text(Type type, const char* start, const char* stop, RawItem::Flags flags) noexcept {
        value_.type_ = type;
        value_.flags_ = flags;
        value_.data_ = start;
        value_.size_ = static_cast<size_t>(stop - start);
        value_.line_ = nullptr;
    }
    void set_number(Type type, int64_t number) noexcept {
        value_.type_ = type;
        value_.flags_ = RawItem::Flags::none;
        value_.number_ = number;
        value_.size_ = 0;
        value_.line_ = nullptr;
    }

    const char* pos_;
    const char* end_;   ///< of the line
    const char* begin_; ///< of the line
    const std::string_view* line_ = nullptr;
    const std::string_view* last_line_ = nullptr;
    size_t base_ = 0; ///< the offset of the line in the whole field
    State state_ = State::begin;
    FieldType field_type_;
    ParseOptions options_;
    std::string_view key_;
    RawItem value_;
};

} // namespace warpbeam::sfv

#include <warpbeam/sfv/parser_inline.hpp>
