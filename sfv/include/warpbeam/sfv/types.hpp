#pragma once

#include <warpbeam/sfv/error.hpp>
#include <warpbeam/sfv/export.hpp>

#include <concepts>
#include <cstdint>
#include <span>
#include <string_view>

namespace warpbeam::sfv {

/// The three types of a whole field (RFC 9651, section 3; section numbers below are of that RFC).
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

/// The name of a type, such as `byte_sequence`; a static string.
[[nodiscard]] WARPBEAM_SFV_API std::string_view name_of(Type type) noexcept;

/// The largest integer, the largest date, and the largest number of thousandths of a decimal: 15 digits.
inline constexpr int64_t max_integer = 999'999'999'999'999;
/// @{ The dates of the first second of year 1 and the last second of year 9999 (section 3.3.7); every
/// implementation must support this range.
inline constexpr int64_t min_supported_date = -62'135'596'800;
inline constexpr int64_t max_supported_date = 253'402'300'799;
/// @}

/// A decimal number with three digits after the point (section 3.3.2). It is exact, without floating point.
/// The values of fields go up to ±999,999,999,999.999.
struct WARPBEAM_SFV_API Decimal {
    int64_t thousandths = 0; ///< the number, times 1000

    /// The decimal nearest to a text such as `-12.3456` or `1e-3` (a number as in JSON); ties are
    /// rounded to even. Other text and numbers that are too large are refused.
    [[nodiscard]] static Result<Decimal> from_text(std::string_view text) noexcept;
    /// The same for the shortest decimal text that identifies `number` in its type, so that 1.05 stays 1.05
    /// and 0.0025, a tie, becomes 0.002. Infinities, NaN and numbers that are too large are refused.
    [[nodiscard]] static Result<Decimal> from_double(double number) noexcept;
    /// The same for a float, whose shortest text may differ from that of the equal double.
    [[nodiscard]] static Result<Decimal> from_float(float number) noexcept;
    /// A long double would be rounded twice; see BareItemRef.
    template <std::same_as<long double> T>
    static Result<Decimal> from_double(T number) = delete;
    /// The double that is nearest to this number.
    [[nodiscard]] double to_double() const noexcept { return static_cast<double>(thousandths) / 1000; }

    friend auto operator<=>(const Decimal&, const Decimal&) = default;
};

/// Seconds since 1970-01-01T00:00:00Z without leap seconds; earlier dates are negative (section 3.3.7).
struct Date {
    int64_t seconds = 0; ///< since 1970, see above
    friend auto operator<=>(const Date&, const Date&) = default;
};

/// What is written although the RFC does not allow it.
struct WriteOptions {
    bool wide_keys = false; ///< see ParseOptions::wide_keys
};

/// Marks a borrowed text as a token (section 3.3.4).
struct Token {
    std::string_view text; ///< in ASCII
};

/// Marks a borrowed UTF-8 text as a display string (section 3.3.8).
struct DisplayString {
    std::string_view text; ///< in UTF-8
};

/// Marks borrowed bytes as a byte sequence (section 3.3.5).
struct ByteSequence {
    std::string_view bytes; ///< not encoded

    constexpr ByteSequence() noexcept = default;
    /// @{ Borrows these bytes.
    explicit constexpr ByteSequence(std::string_view text) noexcept : bytes{text} {}
    explicit ByteSequence(std::span<const uint8_t> span) noexcept
        : bytes{reinterpret_cast<const char*>(span.data()), span.size()} {}
    /// @}
};

} // namespace warpbeam::sfv
