#include <warpbeam/sfv/document.hpp>

namespace warpbeam::sfv {

Result<BareItem> BareItem::from(const BareItemRef& value) noexcept {
    if (const auto checked = value.check(); !checked)
        return std::unexpected(checked.error());
    BareItem item;
    if (!has_text(value.type())) {
        item.become_number(value.type(), value.number());
        return item;
    }
    if (value.text().size() > Text::max_size)
        return refuse(Reason::too_long);
    if (!item.become_text(value.type()).copy_from(value.text()))
        return refuse(Reason::out_of_memory);
    return item;
}

BareItemRef BareItem::ref() const noexcept {
    switch (type_) {
    case Type::integer:
        return number_;
    case Type::decimal:
        return decimal();
    case Type::string:
        return text();
    case Type::token:
        return Token{text()};
    case Type::byte_sequence:
        return ByteSequence{text()};
    case Type::date:
        return date();
    case Type::display_string:
        return DisplayString{text()};
    case Type::boolean:
    case Type::inner_list: // never
        break;
    }
    return boolean();
}

Member::Member(Member&& other) noexcept : is_inner_list_{other.is_inner_list_} {
    if (is_inner_list_)
        ::new (&inner_list_) InnerList(std::move(other.inner_list_));
    else
        ::new (&item_) Item(std::move(other.item_));
}

Member& Member::operator=(Member&& other) noexcept {
    if (this == &other)
        return *this;
    end();
    return *::new (this) Member(std::move(other));
}

namespace {

/// What `add` and `set` return: a part of the inserted value.
template <typename Part, typename Whole>
Result<Part*> part_of(Result<Whole*> inserted, Part* (Whole::*part)() noexcept) noexcept {
    if (!inserted)
        return std::unexpected(inserted.error());
    return ((*inserted)->*part)();
}

template <typename T, uint32_t inline_capacity>
Result<T*> append(Sequence<T, inline_capacity>& sequence, T&& element) noexcept {
    T* const place = sequence.emplace(std::move(element));
    if (place == nullptr)
        return refuse(Reason::out_of_memory);
    return place;
}

template <typename T, uint32_t inline_capacity>
Result<Sequence<T, inline_capacity>> clone_all(const Sequence<T, inline_capacity>& sequence) noexcept {
    Sequence<T, inline_capacity> copies;
    for (const T& element : sequence) {
        auto copy = element.clone();
        if (!copy)
            return std::unexpected(copy.error());
        if (copies.emplace(std::move(*copy)) == nullptr)
            return refuse(Reason::out_of_memory);
    }
    return copies;
}

template <typename Map>
Result<Map> clone_map(const Map& map) noexcept {
    Map copies;
    for (const auto& entry : map) {
        auto copy = entry.value.clone();
        if (!copy)
            return std::unexpected(copy.error());
        // The keys were checked when they came into the map.
        if (const auto put = copies.put(entry.key(), std::move(*copy), {.wide_keys = true}); !put)
            return std::unexpected(put.error());
    }
    return copies;
}

} // namespace

Result<BareItem*> Parameters::set(std::string_view key, const BareItemRef& value) noexcept {
    auto item = BareItem::from(value);
    if (!item)
        return std::unexpected(item.error());
    return put(key, std::move(*item));
}

Result<Parameters> Parameters::clone() const noexcept { return clone_map(*this); }

Result<Item> Item::from(const BareItemRef& value) noexcept {
    auto bare = BareItem::from(value);
    if (!bare)
        return std::unexpected(bare.error());
    return Item{std::move(*bare), {}};
}

Result<Item> Item::clone() const noexcept {
    auto bare = value.clone();
    if (!bare)
        return std::unexpected(bare.error());
    auto own_parameters = parameters.clone();
    if (!own_parameters)
        return std::unexpected(own_parameters.error());
    return Item{std::move(*bare), std::move(*own_parameters)};
}

Result<Item*> InnerList::add(const BareItemRef& value) noexcept {
    auto item = Item::from(value);
    if (!item)
        return std::unexpected(item.error());
    return append(items, std::move(*item));
}

Result<InnerList> InnerList::clone() const noexcept {
    auto copies = clone_all(items);
    if (!copies)
        return std::unexpected(copies.error());
    auto own_parameters = parameters.clone();
    if (!own_parameters)
        return std::unexpected(own_parameters.error());
    return InnerList{std::move(*copies), std::move(*own_parameters)};
}

Result<Member> Member::clone() const noexcept {
    if (is_inner_list_)
        return inner_list_.clone();
    return item_.clone();
}

Result<Member*> List::add(Member&& member) noexcept { return append(members_, std::move(member)); }

Result<Item*> List::add(const BareItemRef& value) noexcept {
    auto item = Item::from(value);
    if (!item)
        return std::unexpected(item.error());
    return part_of<Item>(add(Member{std::move(*item)}), &Member::item);
}

Result<InnerList*> List::add_inner_list() noexcept {
    return part_of<InnerList>(add(Member{InnerList{}}), &Member::inner_list);
}

Result<List> List::clone() const noexcept {
    auto members = clone_all(members_);
    if (!members)
        return std::unexpected(members.error());
    List list;
    list.members_ = std::move(*members);
    return list;
}

Result<Item*> Dictionary::set(std::string_view key, const BareItemRef& value) noexcept {
    auto item = Item::from(value);
    if (!item)
        return std::unexpected(item.error());
    return part_of<Item>(put(key, Member{std::move(*item)}), &Member::item);
}

Result<InnerList*> Dictionary::set_inner_list(std::string_view key) noexcept {
    return part_of<InnerList>(put(key, Member{InnerList{}}), &Member::inner_list);
}

Result<Dictionary> Dictionary::clone() const noexcept { return clone_map(*this); }

} // namespace warpbeam::sfv
