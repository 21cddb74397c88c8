#pragma once

#include <warpbeam/sfv/document.hpp>
#include <warpbeam/sfv/values.hpp>

#include <utility>
#include <variant>

/// @file
/// Makes documents from ordinary C++ values. What BareItemRef converts becomes a bare item; a range of
/// anything else becomes a list or an inner list; a range of pairs with keys, such as std::map, becomes
/// parameters or a dictionary; a std::variant or std::optional becomes what it holds; and Item, InnerList,
/// Member, Parameters, List and Dictionary stay as they are (temporaries are moved, others copied). Views are
/// converted too, even those that need non-const iteration.
///
/// What the RFC cannot carry is refused with a reason: Reason::nested_map, Reason::nested_list, or the reason
/// from BareItemRef::check. An empty std::optional is left out, with its key, as the value of a parameter or
/// dictionary member; elsewhere it is refused with Reason::no_value, and so is a variant that is valueless by
/// exception. Types without a meaning in a field, or with several, do not compile: among them characters,
/// ranges of characters that are not strings, UTF-8 in `char8_t`, paths, bytes that are not contiguous, and
/// long double.
///
/// Nothing here throws, but exceptions from your ranges, iterators and conversions pass through.

namespace warpbeam::sfv {

template <typename T>
[[nodiscard]] Result<Item> item_of(T&& value);
template <typename T>
[[nodiscard]] Result<InnerList> inner_list_of(T&& range);
template <typename T>
[[nodiscard]] Result<Member> member_of(T&& value);

namespace detail {

/// What a value is converted to, or the error.
template <typename To, typename From>
[[nodiscard]] Result<To> as(Result<From> value) noexcept {
    if (!value)
        return std::unexpected(value.error());
    return To{std::move(*value)};
}

/// Whether it worked, for callers that need no result.
template <typename T>
[[nodiscard]] Result<void> done(const Result<T*>& value) noexcept {
    if (!value)
        return std::unexpected(value.error());
    return {};
}

template <typename T>
inline constexpr bool may_be_moved =
    !std::is_lvalue_reference_v<T> && !std::is_const_v<std::remove_reference_t<T>>;

/// A part of a document, unchanged: moved if possible, else copied.
template <typename T>
[[nodiscard]] Result<std::remove_cvref_t<T>> same(T&& part) noexcept {
    if constexpr (may_be_moved<T>)
        return std::move(part);
    else
        return part.clone();
}

/// Calls `convert` with what a variant or an optional holds.
template <typename To, typename T, typename Convert>
[[nodiscard]] Result<To> held(T&& value, const Convert& convert) {
    if constexpr (is_optional<std::remove_cvref_t<T>>) {
        if (!value.has_value())
            return refuse(Reason::no_value);
        return convert(*std::forward<T>(value));
    } else {
        if (value.valueless_by_exception())
            return refuse(Reason::no_value);
        return std::visit(convert, std::forward<T>(value));
    }
}

template <typename T>
[[nodiscard]] bool is_left_out(const T& value) noexcept {
    if constexpr (is_optional<T>)
        return !value.has_value();
    else
        return false;
}

/// Calls `take(key, value)` for the entries of a map until it returns an error.
template <typename T, typename Take>
[[nodiscard]] Result<void> for_each_entry(T&& map, const Take& take) {
    for (auto&& entry : iterable(map)) {
        Result<void> taken;
        if constexpr (DocumentEntry<decltype(entry)>) {
            taken = take(entry.key(), entry.value);
        } else {
            auto&& [key, value] = entry;
            if (!is_left_out(value))
                taken = take(key, value);
        }
        if (!taken)
            return taken;
    }
    return {};
}

} // namespace detail

/// Parameters from a map whose values are bare items.
template <typename T>
[[nodiscard]] Result<Parameters> parameters_of(T&& map) {
    if constexpr (std::same_as<std::remove_cvref_t<T>, Parameters>) {
        return detail::same(std::forward<T>(map));
    } else {
        Parameters parameters;
        const auto filled = detail::for_each_entry(map, [&](const auto& key, auto& value) -> Result<void> {
            auto item = item_of(value);
            if (!item)
                return std::unexpected(item.error());
            if (!item->parameters.empty())
                return refuse(Reason::nested_map);
            return detail::done(parameters.put(key, std::move(item->value)));
        });
        if (!filled)
            return std::unexpected(filled.error());
        return parameters;
    }
}

/// An item from a bare item.
template <typename T>
[[nodiscard]] Result<Item> item_of(T&& value) {
    using Value = std::remove_cvref_t<T>;
    if constexpr (std::same_as<Value, Item>) {
        return detail::same(std::forward<T>(value));
    } else if constexpr (std::same_as<Value, BareItem>) {
        auto bare = detail::same(std::forward<T>(value));
        if (!bare)
            return std::unexpected(bare.error());
        return Item{std::move(*bare), {}};
    } else if constexpr (std::same_as<Value, Member>) {
        if (value.is_inner_list())
            return refuse(Reason::nested_list);
        if constexpr (detail::may_be_moved<T>)
            return std::move(*value.item());
        else
            return value.item()->clone();
    } else if constexpr (detail::is_optional<Value> || detail::is_variant<Value>) {
        return detail::held<Item>(std::forward<T>(value), []<typename Held>(Held&& held_value) {
            return item_of(std::forward<Held>(held_value));
        });
    } else if constexpr (detail::BitReference<Value>) {
        return Item::from(static_cast<bool>(value));
    } else if constexpr (detail::Bare<Value>) {
        return Item::from(value);
    } else if constexpr (detail::MapLike<T> || std::same_as<Value, Parameters> ||
                         std::same_as<Value, Dictionary>) {
        return refuse(Reason::nested_map);
    } else if constexpr (std::same_as<Value, InnerList> || std::same_as<Value, List>) {
        return refuse(Reason::nested_list);
    } else {
        detail::require_meaning<T>();
        return refuse(Reason::nested_list);
    }
}

/// An item with parameters.
template <typename T, typename ParameterMap>
[[nodiscard]] Result<Item> item_of(T&& value, ParameterMap&& parameters) {
    auto item = item_of(std::forward<T>(value));
    if (!item)
        return item;
    auto converted = parameters_of(std::forward<ParameterMap>(parameters));
    if (!converted)
        return std::unexpected(converted.error());
    item->parameters = std::move(*converted);
    return item;
}

/// An inner list from a range.
template <typename T>
[[nodiscard]] Result<InnerList> inner_list_of(T&& range) {
    if constexpr (std::same_as<std::remove_cvref_t<T>, InnerList>) {
        return detail::same(std::forward<T>(range));
    } else {
        InnerList list;
        for (auto&& element : detail::iterable(range)) {
            auto item = item_of(std::forward<decltype(element)>(element));
            if (!item)
                return std::unexpected(item.error());
            if (list.items.emplace(std::move(*item)) == nullptr)
                return refuse(Reason::out_of_memory);
        }
        return list;
    }
}

/// A member of a list or dictionary.
template <typename T>
[[nodiscard]] Result<Member> member_of(T&& value) {
    using Value = std::remove_cvref_t<T>;
    if constexpr (std::same_as<Value, Member> || std::same_as<Value, InnerList>) {
        return detail::as<Member>(detail::same(std::forward<T>(value)));
    } else if constexpr (detail::is_optional<Value> || detail::is_variant<Value>) {
        return detail::held<Member>(std::forward<T>(value), []<typename Held>(Held&& held_value) {
            return member_of(std::forward<Held>(held_value));
        });
    } else if constexpr (detail::ListLike<T>) {
        detail::require_meaning<T>();
        return detail::as<Member>(inner_list_of(std::forward<T>(value)));
    } else {
        return detail::as<Member>(item_of(std::forward<T>(value)));
    }
}

/// A list from a range.
template <typename T>
[[nodiscard]] Result<List> list_of(T&& range) {
    if constexpr (std::same_as<std::remove_cvref_t<T>, List>) {
        return detail::same(std::forward<T>(range));
    } else {
        List list;
        for (auto&& element : detail::iterable(range)) {
            auto member = member_of(std::forward<decltype(element)>(element));
            if (!member)
                return std::unexpected(member.error());
            if (const auto added = list.add(std::move(*member)); !added)
                return std::unexpected(added.error());
        }
        return list;
    }
}

/// A dictionary from a map.
template <typename T>
[[nodiscard]] Result<Dictionary> dictionary_of(T&& map) {
    if constexpr (std::same_as<std::remove_cvref_t<T>, Dictionary>) {
        return detail::same(std::forward<T>(map));
    } else {
        Dictionary dictionary;
        const auto filled = detail::for_each_entry(map, [&](const auto& key, auto& value) -> Result<void> {
            auto member = member_of(value);
            if (!member)
                return std::unexpected(member.error());
            return detail::done(dictionary.set(key, std::move(*member)));
        });
        if (!filled)
            return std::unexpected(filled.error());
        return dictionary;
    }
}

} // namespace warpbeam::sfv
