#pragma once

#include <warpbeam/sfv/error.hpp>
#include <warpbeam/sfv/export.hpp>

#include <concepts>
#include <cstdint>
#include <span>
#include <string_view>

namespace warpbeam::sfv {

/// The three types that a field can have as a whole (section 3).
enum class FieldType : uint8_t { item, list, dictionary };

/// What a value is: a bare item of one of the types of section 3.3, or an inner list.
enum class Type : uint8_t {
    integer,
    decimal,
    string,
    token,
    byte_sequence,
    boolean,
    date,
    display_string,
    inner_list,
};

/// `integer`, `byte_sequence`, ...; a static string.
[[nodiscard]] WARPBEAM_SFV_API std::string_view name_of(Type type) noexcept;

/// The largest integer, date and number of thousandths: 15 digits.
inline constexpr int64_t max_integer = 999'999'999'999'999;
/// The dates of the first second of year 1 and of the last day of year 9999 (section 3.3.7), which everybody
/// has to support.
inline constexpr int64_t min_supported_date = -62'135'596'800;
inline constexpr int64_t max_supported_date = 253'402'300'799;

/// A decimal number with three digits behind the point (section 3.3.2), exact: there is no floating-point
/// number in it. Every value up to ±999,999,999,999.999 can be carried.
struct WARPBEAM_SFV_API Decimal {
    int64_t thousandths = 0;

    /// The decimal that is nearest to a text such as `-12.3456` or `1e-3` (a number as in JSON), rounded half
    /// to even. Refused: other text, and numbers that are too large.
    [[nodiscard]] static Result<Decimal> from_text(std::string_view text) noexcept;
    /// The same for the shortest decimal text that stands for `number` among those of its type, so that 1.05
    /// stays 1.05 and 0.0025, a tie, becomes 0.002. Refused: infinities, NaN, and numbers that are too large.
    [[nodiscard]] static Result<Decimal> from_double(double number) noexcept;
    /// The text that is the shortest for a float is not that of the double which is equal to it.
    [[nodiscard]] static Result<Decimal> from_float(float number) noexcept;
    /// It would be rounded twice; see BareItemRef.
    template <std::same_as<long double> T>
    static Result<Decimal> from_double(T number) = delete;
    [[nodiscard]] double to_double() const noexcept { return static_cast<double>(thousandths) / 1000; }

    friend auto operator<=>(const Decimal&, const Decimal&) = default;
};

/// Seconds since 1970-01-01T00:00:00Z without leap seconds, negative before (section 3.3.7).
struct Date {
    int64_t seconds = 0;
    friend auto operator<=>(const Date&, const Date&) = default;
};

/// Marks a text as a token (section 3.3.4). Borrows it.
struct Token {
    std::string_view text;
};

/// Marks a text, in UTF-8, as a display string (section 3.3.8). Borrows it.
struct DisplayString {
    std::string_view text;
};

/// Marks bytes as a byte sequence (section 3.3.5). Borrows them.
struct ByteSequence {
    std::string_view bytes;

    constexpr ByteSequence() noexcept = default;
    explicit constexpr ByteSequence(std::string_view text) noexcept : bytes{text} {}
    explicit ByteSequence(std::span<const uint8_t> span) noexcept
        : bytes{reinterpret_cast<const char*>(span.data()), span.size()} {}
};

} // namespace warpbeam::sfv
