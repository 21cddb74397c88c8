#pragma once

#include <warpbeam/sfv/export.hpp>
#include <warpbeam/sfv/seconds.hpp>
#include <warpbeam/sfv/types.hpp>

#include <chrono>
#include <concepts>
#include <limits>
#include <ranges>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace warpbeam::sfv {

namespace detail {

template <typename T>
concept Character = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
                    std::same_as<T, char16_t> || std::same_as<T, char32_t>;
template <typename T>
concept Integer = std::integral<T> && !std::same_as<T, bool> && !Character<T>;
template <typename T>
concept StringLike = std::is_convertible_v<const T&, std::string_view>;
/// Whether it converts to a view without code that may throw. C strings do, although the standard does not
/// say so.
template <typename T>
inline constexpr bool is_nothrow_string =
    std::is_pointer_v<std::decay_t<const T&>> || std::is_nothrow_convertible_v<const T&, std::string_view>;
template <typename T>
concept Byte = std::same_as<T, uint8_t> || std::same_as<T, std::byte>;
/// A vector, array or span of `uint8_t` or `std::byte`.
template <typename T>
concept Bytes = std::ranges::contiguous_range<const T> && std::ranges::sized_range<const T> &&
                Byte<std::ranges::range_value_t<const T>>;

} // namespace detail

/// A bare item to be written: a C++ value that is treated as one of the RFC's types. It converts implicitly
/// from
///
///     bool                                    a boolean
///     integers                                an integer
///     float, double, Decimal                  a decimal, exactly rounded (see Decimal); convert a long
///                                             double first
///     std::string, const char*, ...           a string
///     Token, DisplayString, ByteSequence      the type they name
///     contiguous uint8_t or std::byte         a byte sequence
///     Date, std::chrono::sys_time             a date: the seconds, rounded down
///
/// Nothing else converts: a character is not a text; a range of `char` may be bytes or a text with a
/// terminator (use std::string_view or ByteSequence); and UTF-8 in `char8_t` may be a string or a display
/// string. It borrows texts and bytes. A value that the RFC cannot carry converts too, but functions that
/// take it then refuse it, with the reason that `check` returns.
class WARPBEAM_SFV_API BareItemRef {
public:
    /// @{ From a C++ value, as listed above.
    template <std::same_as<bool> T>
    constexpr BareItemRef(T value) noexcept : type_{Type::boolean}, number_{value} {}
    template <detail::Integer T>
    constexpr BareItemRef(T value) noexcept : type_{Type::integer} {
        if (std::in_range<int64_t>(value))
            number_ = static_cast<int64_t>(value);
        else
            refuse(Reason::integer_range);
    }
    template <std::same_as<double> T>
    BareItemRef(T value) noexcept : BareItemRef{Decimal::from_double(value)} {}
    template <std::same_as<float> T>
    BareItemRef(T value) noexcept : BareItemRef{Decimal::from_float(value)} {}
    /// @}
    /// Not all C++ libraries can print the shortest text of other types, and converting one to a double first
    /// would round twice: convert it yourself, or use Decimal::from_text.
    template <std::floating_point T>
        requires(!std::same_as<T, float> && !std::same_as<T, double>)
    BareItemRef(T value) = delete;
    /// @{ From a C++ value, as listed above.
    constexpr BareItemRef(Decimal value) noexcept : type_{Type::decimal}, number_{value.thousandths} {}
    constexpr BareItemRef(Date value) noexcept : type_{Type::date}, number_{value.seconds} {}
    template <typename Count, typename Period>
    constexpr BareItemRef(std::chrono::sys_time<std::chrono::duration<Count, Period>> value) noexcept
        : type_{Type::date} {
        static_assert(std::integral<Count> || std::floating_point<Count>,
                      "a date needs a time point that counts in a built-in number type");
        const Count count = value.time_since_epoch().count();
        if constexpr (std::floating_point<Count>) {
            using Limits = std::numeric_limits<Count>;
            if (!(count >= Limits::lowest() && count <= Limits::max())) {
                refuse(Reason::not_a_number);
                return;
            }
        }
        if (const auto seconds = detail::floor_to_seconds<Period>(count))
            number_ = *seconds;
        else
            refuse(Reason::integer_range);
    }
    template <detail::StringLike T>
    constexpr BareItemRef(const T& value) noexcept(detail::is_nothrow_string<T>)
        : type_{Type::string}, text_{static_cast<std::string_view>(value)} {}
    constexpr BareItemRef(Token value) noexcept : type_{Type::token}, text_{value.text} {}
    constexpr BareItemRef(DisplayString value) noexcept : type_{Type::display_string}, text_{value.text} {}
    constexpr BareItemRef(ByteSequence value) noexcept : type_{Type::byte_sequence}, text_{value.bytes} {}
    template <detail::Bytes T>
        requires(!detail::StringLike<T>)
    BareItemRef(const T& value) noexcept(noexcept(std::ranges::data(value)) &&
                                         noexcept(std::ranges::size(value)))
        : type_{Type::byte_sequence},
          text_{reinterpret_cast<const char*>(std::ranges::data(value)), std::ranges::size(value)} {}
    /// @}

    /// A value that cannot be carried: functions that take it refuse it for this reason.
    [[nodiscard]] static constexpr BareItemRef refused(Reason reason) noexcept {
        BareItemRef value{false};
        value.refuse(reason);
        return value;
    }

    /// The type that it is written as.
    [[nodiscard]] constexpr Type type() const noexcept { return type_; }
    /// An integer, a date, a boolean (0 or 1), or the thousandths of a decimal.
    [[nodiscard]] constexpr int64_t number() const noexcept { return number_; }
    /// The value of a string, token, byte sequence or display string, not encoded.
    [[nodiscard]] constexpr std::string_view text() const noexcept { return text_; }

    /// Whether the RFC can carry it; otherwise why not, with the offset in the text.
    [[nodiscard]] Result<void> check() const noexcept;

private:
    explicit BareItemRef(const Result<Decimal>& value) noexcept : type_{Type::decimal} {
        if (value)
            number_ = value->thousandths;
        else
            refuse(value.error().reason);
    }
    constexpr void refuse(Reason reason) noexcept {
        refused_ = true;
        reason_ = reason;
    }

    Type type_;
    bool refused_ = false;
    Reason reason_{};
    int64_t number_ = 0;
    std::string_view text_;
};

} // namespace warpbeam::sfv
