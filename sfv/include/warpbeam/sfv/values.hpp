#pragma once

#include <warpbeam/sfv/document.hpp>

#include <optional>
#include <ranges>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

/// @file
/// Concepts that tell which C++ types convert.hpp accepts, and what it makes of them.

namespace warpbeam::sfv::detail {

template <typename T>
concept Bare = std::constructible_from<BareItemRef, const T&>;

template <typename T>
inline constexpr bool is_variant = false;
template <typename... T>
inline constexpr bool is_variant<std::variant<T...>> = true;

template <typename T>
inline constexpr bool is_optional = false;
template <typename T>
inline constexpr bool is_optional<std::optional<T>> = true;

/// What an element of a vector<bool> is, a proxy; with libc++ also if the vector is const.
template <typename T>
concept BitReference = !std::same_as<T, bool> && (std::same_as<T, std::vector<bool>::reference> ||
                                                  std::same_as<T, std::vector<bool>::const_reference>);

/// An entry of parameters or of a dictionary.
template <typename T>
concept DocumentEntry = std::same_as<std::remove_cvref_t<T>, Parameters::Entry> ||
                        std::same_as<std::remove_cvref_t<T>, Dictionary::Entry>;

/// How a range can be iterated over: as a const range if possible, else as it is, else, for a const view, as
/// a copy.
template <typename T>
concept ConstRange = std::ranges::input_range<const std::remove_cvref_t<T>>;
template <typename T>
concept MutableRange = std::ranges::input_range<std::remove_reference_t<T>>;
template <typename T>
concept CopiedView =
    std::ranges::view<std::remove_cvref_t<T>> && std::copy_constructible<std::remove_cvref_t<T>> &&
    std::ranges::input_range<std::remove_cvref_t<T>>;

template <typename T>
concept Range = (ConstRange<T> || MutableRange<T> || CopiedView<T>) && !Bare<std::remove_cvref_t<T>>;

template <typename T>
[[nodiscard]] constexpr decltype(auto) iterable(T& range) {
    static_assert(ConstRange<T> || MutableRange<T> || CopiedView<T>,
                  "this is not a range, or it is const and cannot be iterated over");
    if constexpr (ConstRange<T>)
        return static_cast<const T&>(range);
    else if constexpr (MutableRange<T>)
        return static_cast<T&>(range);
    else
        return std::remove_cv_t<T>{range};
}

template <typename T>
using Iterable = std::remove_reference_t<decltype(iterable(std::declval<std::remove_reference_t<T>&>()))>;
template <typename T>
using Element = std::ranges::range_value_t<Iterable<T>>;

template <typename T>
concept MapLike = Range<T> && requires(std::ranges::range_reference_t<Iterable<T>> entry) {
    { entry.first } -> std::convertible_to<std::string_view>;
    entry.second;
};

template <typename T>
concept KeyedPart =
    std::same_as<std::remove_cvref_t<T>, Parameters> || std::same_as<std::remove_cvref_t<T>, Dictionary>;

/// A range that becomes an inner list when it is a member of a list or dictionary.
template <typename T>
concept ListLike = Range<T> && !MapLike<T> && !KeyedPart<T>;

/// Does not compile, with an explanation, if a value can't be in a field or could mean several things.
template <typename T>
constexpr void require_meaning() {
    using Value = std::remove_cvref_t<T>;
    static_assert(!Character<Value>, "a character is neither text nor a number: convert it to one of them");
    static_assert(!std::same_as<Value, long double>,
                  "a long double is not a decimal: convert it to a double, or use Decimal::from_text");
    if constexpr (!Character<Value> && !std::same_as<Value, long double>)
        static_assert(Range<T>, "a field cannot hold a value of this type");
    if constexpr (Range<T>) {
        static_assert(!std::same_as<Element<T>, char>,
                      "a range of char may be text or bytes: use std::string_view or ByteSequence");
        static_assert(
            !std::same_as<Element<T>, char8_t>,
            "UTF-8 in char8_t may be a string or a display string: use a char string or DisplayString");
        static_assert(std::same_as<Element<T>, char> || std::same_as<Element<T>, char8_t> ||
                          !Character<Element<T>>,
                      "text must consist of char: ASCII in strings, UTF-8 in a DisplayString");
        static_assert(!Byte<Element<T>>,
                      "bytes must be contiguous to become a byte sequence; for a list of numbers, call "
                      "list_of or inner_list_of");
        static_assert(!std::same_as<Element<T>, Value>, "a range whose elements have its own type, such as a "
                                                        "path, is not a list: pass a string made from it");
    }
}

} // namespace warpbeam::sfv::detail
