#pragma once

#include <warpbeam/sfv/document.hpp>

#include <ranges>
#include <type_traits>
#include <variant>

/// Documents of ordinary C++ values. What BareItemRef converts is a bare item; a range of anything else is a
/// list or an inner list; a range of pairs with keys, such as std::map, makes parameters or a dictionary; a
/// std::variant is what it holds; and Item, InnerList and Member stand for themselves (a copy is made). What
/// the RFC cannot carry is refused with the reason: Reason::nested_map, Reason::nested_list, or that of
/// BareItemRef::check.

namespace warpbeam::sfv {

namespace detail {

template <typename T>
concept Bare = std::constructible_from<BareItemRef, const T&>;

template <typename T>
concept Range = std::ranges::input_range<const T> && !Bare<T>;

template <typename T>
concept Map = Range<T> && requires(std::ranges::range_reference_t<const T> entry) {
    { entry.first } -> std::convertible_to<std::string_view>;
    entry.second;
};

template <typename T>
inline constexpr bool is_variant = false;
template <typename... T>
inline constexpr bool is_variant<std::variant<T...>> = true;

/// What a value is made to be, through an error where that is one.
template <typename To, typename From>
Result<To> as(Result<From> value) noexcept {
    if (!value)
        return std::unexpected(value.error());
    return To{std::move(*value)};
}

} // namespace detail

template <typename T>
[[nodiscard]] Result<Item> item_of(const T& value) noexcept;
template <typename T>
[[nodiscard]] Result<InnerList> inner_list_of(const T& range) noexcept;
template <typename T>
[[nodiscard]] Result<Member> member_of(const T& value) noexcept;

/// Parameters of a map whose values are bare items.
template <typename T>
[[nodiscard]] Result<Parameters> parameters_of(const T& map) noexcept {
    Parameters parameters;
    for (const auto& [key, value] : map) {
        auto item = item_of(value);
        if (!item)
            return std::unexpected(item.error());
        if (!item->parameters.empty())
            return refuse(Reason::nested_map);
        if (const auto put = parameters.put(key, std::move(item->value)); !put)
            return std::unexpected(put.error());
    }
    return parameters;
}

/// An item of a bare item.
template <typename T>
[[nodiscard]] Result<Item> item_of(const T& value) noexcept {
    if constexpr (std::same_as<T, Item>)
        return value.clone();
    else if constexpr (std::same_as<T, BareItem>)
        return Item::from(value.ref());
    else if constexpr (detail::is_variant<T>)
        return std::visit([](const auto& held) { return item_of(held); }, value);
    else if constexpr (detail::Bare<T>)
        return Item::from(value);
    else if constexpr (detail::Map<T>)
        return refuse(Reason::nested_map);
    else {
        static_assert(detail::Range<T> || std::same_as<T, InnerList>,
                      "there is nothing of this type in a field");
        return refuse(Reason::nested_list);
    }
}

/// An item with parameters.
template <typename T, typename Map>
[[nodiscard]] Result<Item> item_of(const T& value, const Map& parameters) noexcept {
    auto item = item_of(value);
    if (!item)
        return item;
    auto converted = parameters_of(parameters);
    if (!converted)
        return std::unexpected(converted.error());
    item->parameters = std::move(*converted);
    return item;
}

/// An inner list of a range.
template <typename T>
[[nodiscard]] Result<InnerList> inner_list_of(const T& range) noexcept {
    InnerList list;
    for (const auto& element : range) {
        auto item = item_of(element);
        if (!item)
            return std::unexpected(item.error());
        if (list.items.emplace(std::move(*item)) == nullptr)
            return refuse(Reason::out_of_memory);
    }
    return list;
}

/// A member of a list or dictionary.
template <typename T>
[[nodiscard]] Result<Member> member_of(const T& value) noexcept {
    if constexpr (std::same_as<T, Member> || std::same_as<T, InnerList>)
        return detail::as<Member>(value.clone());
    else if constexpr (detail::is_variant<T>)
        return std::visit([](const auto& held) { return member_of(held); }, value);
    else if constexpr (detail::Range<T> && !detail::Map<T>)
        return detail::as<Member>(inner_list_of(value));
    else
        return detail::as<Member>(item_of(value));
}

/// A list of a range.
template <typename T>
[[nodiscard]] Result<List> list_of(const T& range) noexcept {
    List list;
    for (const auto& element : range) {
        auto member = member_of(element);
        if (!member)
            return std::unexpected(member.error());
        if (const auto added = list.add(std::move(*member)); !added)
            return std::unexpected(added.error());
    }
    return list;
}

/// A dictionary of a map.
template <typename T>
[[nodiscard]] Result<Dictionary> dictionary_of(const T& map) noexcept {
    Dictionary dictionary;
    for (const auto& [key, value] : map) {
        auto member = member_of(value);
        if (!member)
            return std::unexpected(member.error());
        if (const auto set = dictionary.set(key, std::move(*member)); !set)
            return std::unexpected(set.error());
    }
    return dictionary;
}

} // namespace warpbeam::sfv
