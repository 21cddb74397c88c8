#pragma once

#include <warpbeam/sfv/document.hpp>

#include <optional>
#include <ranges>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

/// Which C++ types convert.hpp takes for what.

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

/// What iterating over a vector<bool> that is not const gives.
template <typename T>
concept BitReference = std::same_as<T, std::vector<bool>::reference>;

/// An entry of parameters or of a dictionary.
template <typename T>
concept DocumentEntry = std::same_as<std::remove_cvref_t<T>, Parameters::Entry> ||
                        std::same_as<std::remove_cvref_t<T>, Dictionary::Entry>;

/// A range as it can be iterated over: const where that can be, or else as it is, or else a copy, of a view
/// that is const.
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
                  "this is no range, or one that cannot be iterated over when it is const");
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

/// What becomes an inner list where it is a member.
template <typename T>
concept ListLike = Range<T> && !MapLike<T> && !KeyedPart<T>;

/// Does not compile, with the reason, when a value is nothing that can be in a field, or may be several
/// things.
template <typename T>
constexpr void require_meaning() {
    using Value = std::remove_cvref_t<T>;
    static_assert(!Character<Value>, "a character is neither a text nor a number: make it one of these");
    static_assert(!std::same_as<Value, long double>,
                  "a long double is no decimal: convert it to a double, or use Decimal::from_text");
    if constexpr (!Character<Value> && !std::same_as<Value, long double>)
        static_assert(Range<T>, "there is nothing of this type in a field");
    if constexpr (Range<T>) {
        static_assert(!std::same_as<Element<T>, char>,
                      "a range of char may be a text or bytes: say std::string_view or ByteSequence");
        static_assert(
            !std::same_as<Element<T>, char8_t>,
            "whether UTF-8 in char8_t is a string or a display string is not known: say which, of char");
        static_assert(std::same_as<Element<T>, char> || std::same_as<Element<T>, char8_t> ||
                          !Character<Element<T>>,
                      "texts are of char: ASCII in strings, UTF-8 in a DisplayString");
        static_assert(
            !Byte<Element<T>>,
            "bytes have to be contiguous to be a byte sequence; to make a list of the numbers, call "
            "list_of or inner_list_of");
        static_assert(
            !std::same_as<Element<T>, Value>,
            "a range of what it is itself, such as a path, is no list: pass a string that it gives");
    }
}

} // namespace warpbeam::sfv::detail
