// Builds documents with the pull parser.

#include <warpbeam/sfv/document.hpp>

#include <algorithm>

namespace warpbeam::sfv {

// Inline, so that the value, which is a part of the parser, stays in registers.
[[gnu::always_inline]] inline bool BareItem::take(const RawItem& raw) noexcept {
    const Type type = raw.type();
    if (!has_text(type)) {
        type_ = type;
        number_ = type == Type::boolean ? raw.boolean() : raw.integer();
        return true;
    }
    Text& text = become_text(type);
    return raw.needs_decoding() ? decode(raw, text) : text.copy_from(raw.raw());
}

// It takes a copy of the value: see Parser::on_copy.
bool BareItem::decode(RawItem raw, Text& text) noexcept {
    const size_t capacity = raw.decode_capacity();
    char* const buffer = text.prepare(capacity);
    if (buffer == nullptr)
        return false;
    text.truncate(raw.decode({buffer, capacity})->size());
    return true;
}

/// One walk over a field. Every function returns false if memory runs out. A malformed field ends the walk
/// too; `finish` reports it.
class Builder {
public:
    [[gnu::always_inline]] static bool build(Parser& parser, Item& item) noexcept {
        return !parser.next_member() || fill(parser, item);
    }
    [[gnu::always_inline]] static bool build(Parser& parser, List& list) noexcept {
        while (parser.next_member()) {
            if (!make_room(parser, list.members_))
                return false;
            Member* const member = list.members_.emplace();
            if (member == nullptr || !fill(parser, *member))
                return false;
        }
        return true;
    }
    [[gnu::always_inline]] static bool build(Parser& parser, Dictionary& dictionary) noexcept {
        while (parser.next_member()) {
            Member* const member =
                make_room(parser, dictionary.entries_) ? place_of(dictionary, parser.key()) : nullptr;
            if (member == nullptr || !fill(parser, *member))
                return false;
        }
        return true;
    }

private:
    /// If the members are full: makes room for the number of members the field will have if the rest is like
    /// the beginning.
    template <typename T, uint32_t inline_capacity>
    [[gnu::always_inline]] static bool make_room(const Parser& parser,
                                                 Sequence<T, inline_capacity>& members) noexcept {
        if (members.size() != members.capacity()) [[likely]]
            return true;
        // The address of the parser must not leave its function.
        return grow(members, static_cast<size_t>(parser.pos_ - parser.begin_) + 1,
                    static_cast<size_t>(parser.end_ - parser.pos_), parser.has_next_line());
    }
    template <typename T, uint32_t inline_capacity>
    [[gnu::noinline]] static bool grow(Sequence<T, inline_capacity>& members, size_t done, size_t rest,
                                       bool has_next_line) noexcept {
        const size_t size = members.size();
        // Bounded, since the sender of the field may want the estimate to be wrong.
        const size_t least = has_next_line ? size : std::min(size, rest + 2);
        return members.grow(size + std::clamp(size * rest / done + 1, least, size * 7));
    }
    /// The value of a key in a map: a new value, even if the key is there already.
    template <typename T, uint32_t inline_capacity>
    [[gnu::always_inline]] static T* place_of(KeyMap<T, inline_capacity>& map,
                                              std::string_view key) noexcept {
        const size_t size = map.size();
        T* const place = map.place_of(key, [key](Text& to) { return to.copy_from(key); });
        if (map.size() == size && place != nullptr) [[unlikely]]
            *place = T{};
        return place;
    }
    [[gnu::always_inline]] static bool fill(Parser& parser, Parameters& parameters) noexcept {
        while (parser.next_parameter()) {
            BareItem* const value = place_of(parameters, parser.key());
            if (value == nullptr || !value->take(parser.value()))
                return false;
        }
        return true;
    }
    [[gnu::always_inline]] static bool fill(Parser& parser, Item& item) noexcept {
        return item.value.take(parser.value()) && fill(parser, item.parameters);
    }
    [[gnu::always_inline]] static bool fill(Parser& parser, Member& member) noexcept {
        return parser.value().is(Type::inner_list) ? fill(parser, member.become_inner_list())
                                                   : fill(parser, member.item_);
    }
    [[gnu::always_inline]] static bool fill(Parser& parser, InnerList& list) noexcept {
        while (parser.next_inner_item()) {
            Item* const item = list.items.emplace();
            if (item == nullptr || !fill(parser, *item))
                return false;
        }
        return fill(parser, list.parameters);
    }
};

namespace {

/// Whether the length of every text and the number of members fit their counters.
bool is_countable(std::span<const std::string_view> lines) noexcept {
    size_t size = 0;
    for (const std::string_view line : lines) {
        size += 2;
        if (line.size() > Text::max_size || size > Text::max_size - line.size())
            return false;
        size += line.size();
    }
    return true;
}

/// The parser is a local variable of each function below: see Parser::on_copy.
template <typename T>
[[gnu::always_inline]] inline Result<T> parse(Parser parser) noexcept {
    Result<T> document{};
    const bool has_memory = Builder::build(parser, *document);
    if (const auto finished = parser.finish();
        !finished) // first, so that the error does not depend on memory
        document = std::unexpected(finished.error());
    else if (!has_memory)
        document = refuse(Reason::out_of_memory);
    return document;
}

template <typename T>
[[gnu::always_inline]] inline Result<T> parse_lines(FieldType type, std::span<const std::string_view> lines,
                                                    ParseOptions options) noexcept {
    if (!is_countable(lines))
        return refuse(Reason::too_long);
    return sfv::parse<T>(Parser{type, lines, options});
}

} // namespace

Result<Item> Item::parse(std::span<const std::string_view> lines, ParseOptions options) noexcept {
    return parse_lines<Item>(FieldType::item, lines, options);
}

Result<Item> Item::parse(std::string_view field, ParseOptions options) noexcept {
    return parse(std::span{&field, 1}, options);
}

Result<List> List::parse(std::span<const std::string_view> lines, ParseOptions options) noexcept {
    return parse_lines<List>(FieldType::list, lines, options);
}

Result<List> List::parse(std::string_view field, ParseOptions options) noexcept {
    return parse(std::span{&field, 1}, options);
}

Result<Dictionary> Dictionary::parse(std::span<const std::string_view> lines, ParseOptions options) noexcept {
    return parse_lines<Dictionary>(FieldType::dictionary, lines, options);
}

Result<Dictionary> Dictionary::parse(std::string_view field, ParseOptions options) noexcept {
    return parse(std::span{&field, 1}, options);
}

} // namespace warpbeam::sfv
