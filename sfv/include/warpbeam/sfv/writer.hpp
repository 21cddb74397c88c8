#pragma once

#include <warpbeam/sfv/bare_item_ref.hpp>
#include <warpbeam/sfv/export.hpp>

#include <span>
#include <string_view>

namespace warpbeam::sfv {

/// Writes a field piece by piece in its canonical form (section 4.1) into a buffer of the caller, without a
/// document and without allocating:
///
///     char buffer[64];
///     Writer writer{FieldType::dictionary, buffer};
///     writer.key("u").value(2).key("i").value(true).parameter("why", Token{"prefetch"});
///     if (const auto field = writer.finish())
///         use(*field); // u=2, i;why=prefetch
///
/// It checks everything, also the order of calls, so that what `finish` returns is always well-formed and
/// holds no control character. The first failure sticks: all calls behind it do nothing, and `finish` reports
/// it. Keys that are written twice are the caller's affair: readers take the last value.
class WARPBEAM_SFV_API Writer {
public:
    /// Texts that are written must not overlap the buffer. With an empty buffer, `size` tells how large one
    /// must be.
    explicit Writer(FieldType type, std::span<char> buffer = {}) noexcept
        : buffer_{buffer.data()}, capacity_{buffer.size()}, field_type_{type} {}

    /// Begins a member of a dictionary; its value follows.
    Writer& key(std::string_view key) noexcept;
    /// The one item, a member of a list, the value of a dictionary's member, or an item of an inner list, in
    /// whatever place this call stands.
    Writer& value(const BareItemRef& value) noexcept;
    /// An inner list in place of a value. Each `value` until `end_inner_list` is an item of it.
    Writer& begin_inner_list() noexcept;
    Writer& end_inner_list() noexcept;
    /// A parameter of the value before, or of the inner list that has just ended.
    Writer& parameter(std::string_view key, const BareItemRef& value = true) noexcept;

    /// The length of what has been written, or would have been in a buffer that is large enough.
    [[nodiscard]] size_t size() const noexcept { return size_; }
    /// The whole field; it lies in the buffer. An empty one, of a list or dictionary without members, stands
    /// for a field that is to be left out. When the buffer was too small the error's offset is the size that
    /// is needed.
    [[nodiscard]] Result<std::string_view> finish() const noexcept;
    /// The same where only the length is wanted, in whatever buffer.
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
    State state_ = State::begin;
    bool failed_ = false;
    Error error_{};
};

} // namespace warpbeam::sfv
