#pragma once

#include <warpbeam/sfv/bare_item_ref.hpp>
#include <warpbeam/sfv/export.hpp>

#include <optional>
#include <span>
#include <string_view>

namespace warpbeam::sfv {

/// Writes a field piece by piece in its canonical form (RFC 9651, section 4.1) into the caller's buffer,
/// without a document and without allocating:
///
///     char buffer[64];
///     Writer writer{FieldType::dictionary, buffer};
///     writer.key("u").value(2).key("i").value(true).parameter("why", Token{"prefetch"});
///     if (const auto field = writer.finish())
///         use(*field); // u=2, i;why=prefetch
///
/// It checks everything, including the order of calls, so what `finish` returns is always well-formed and
/// contains no control character. The first failure is kept: all later calls do nothing, and `finish` reports
/// it. Duplicate keys are not checked: readers take the last value.
/// Thread-safety: one thread at a time may use a writer; two writers share nothing except their buffers.
class WARPBEAM_SFV_API Writer {
public:
    /// The texts passed to the functions below must not overlap the buffer. With an empty buffer, `size`
    /// gives the required size.
    explicit Writer(FieldType type, std::span<char> buffer = {}, WriteOptions options = {}) noexcept
        : buffer_{buffer.data()}, capacity_{buffer.size()}, field_type_{type}, options_{options} {}

    /// Begins a member of a dictionary; its value follows.
    Writer& key(std::string_view key) noexcept;
    /// The only item, a member of a list, the value of a dictionary member, or an item of an inner list,
    /// depending on the calls before.
    Writer& value(const BareItemRef& value) noexcept;
    /// An inner list as a value. Each `value` until `end_inner_list` is one of its items.
    Writer& begin_inner_list() noexcept;
    /// Ends an inner list; its parameters may follow.
    Writer& end_inner_list() noexcept;
    /// A parameter of the previous value, or of the inner list that has just ended.
    Writer& parameter(std::string_view key, const BareItemRef& value = true) noexcept;

    /// The length of what has been written, or would have been with a large enough buffer.
    [[nodiscard]] size_t size() const noexcept { return size_; }
    /// The first failure, if there was one so far. A buffer that is too small is none, and neither is an
    /// incomplete field; see `finish`.
    [[nodiscard]] std::optional<Error> error() const noexcept {
        return failed_ ? std::optional{error_} : std::nullopt;
    }
    /// The whole field; it lies in the buffer. A list or dictionary without members gives an empty field,
    /// which should be left out. If the buffer was too small, the error's offset is the required size.
    [[nodiscard]] Result<std::string_view> finish() const noexcept;
    /// Like `finish`, if only the length of the field is needed; the buffer may be too small, or empty.
    [[nodiscard]] Result<size_t> finish_size() const noexcept;

private:
    enum class State : uint8_t { begin, key, value, inner_begin, inner_value };

    void fail(const Error& error) noexcept;
    void fail(Reason reason) noexcept { fail({reason, Error::found_nothing, 0}); }
    void put(char c) noexcept;
    void put(std::string_view text) noexcept;
    void put_key(std::string_view key) noexcept;
    void put_bare_item(const BareItemRef& value) noexcept;
    void put_integer(int64_t number) noexcept;
    void put_decimal(int64_t thousandths) noexcept;
    void put_string(std::string_view text) noexcept;
    void put_byte_sequence(std::string_view bytes) noexcept;
    void put_display_string(std::string_view text) noexcept;
    bool begin_value(bool is_boolean_true) noexcept;

    char* buffer_;
    size_t capacity_;
    size_t size_ = 0;
    FieldType field_type_;
    WriteOptions options_;
    State state_ = State::begin;
    bool failed_ = false;
    Error error_{};
};

/// Writes one bare item, such as `1.5`, into the caller's buffer, which the result points into. A value that
/// the RFC cannot carry is refused. If the buffer is too small, the error's offset is the required size. The
/// text of the value must not overlap the buffer.
[[nodiscard]] WARPBEAM_SFV_API Result<std::string_view> write_bare_item(const BareItemRef& value,
                                                                        std::span<char> buffer) noexcept;

} // namespace warpbeam::sfv
