// Documents made by the pull parser.

#include <warpbeam/sfv/document.hpp>

namespace warpbeam::sfv {

bool BareItem::assign(const RawItem& raw) noexcept {
    const Type type = raw.type();
    if (!has_text(type)) {
        become_number(type, type == Type::boolean ? raw.boolean() : raw.integer());
        return true;
    }
    Text& text = become_text(type);
    if (!raw.needs_decoding())
        return text.copy_from(raw.raw());
    const size_t capacity = raw.decode_capacity();
    char* const buffer = text.prepare(capacity);
    if (buffer == nullptr)
        return false;
    text.truncate(raw.decode({buffer, capacity})->size());
    return true;
}

/// One walk over a field. Every function returns false when there is no memory; what is malformed ends the
/// walk, too, and is found by `finish`.
class Builder {
public:
    static bool build(Parser& parser, Item& item) noexcept {
        return !parser.next_member() || fill(parser, item);
    }
    static bool build(Parser& parser, List& list) noexcept {
        while (parser.next_member()) {
            Member* const member = list.members_.emplace();
            if (member == nullptr || !fill(parser, *member))
                return false;
        }
        return true;
    }
    static bool build(Parser& parser, Dictionary& dictionary) noexcept {
        while (parser.next_member()) {
            Member* const member = dictionary.place_of(parser.key());
            if (member == nullptr || !fill(parser, *member))
                return false;
        }
        return true;
    }

private:
    [[gnu::always_inline]] static bool fill(Parser& parser, Parameters& parameters) noexcept {
        while (parser.next_parameter()) {
            BareItem* const value = parameters.place_of(parser.key());
            if (value == nullptr || !value->assign(parser.value()))
                return false;
        }
        return true;
    }
    /// The item must be new.
    [[gnu::always_inline]] static bool fill(Parser& parser, Item& item) noexcept {
        return item.value.assign(parser.value()) && fill(parser, item.parameters);
    }
    static bool fill(Parser& parser, Member& member) noexcept {
        if (!parser.value().is(Type::inner_list)) {
            // Of a key that occurred before nothing is to be left.
            if (member.is_inner_list() || !member.parameters().empty()) [[unlikely]]
                member = Member{};
            return fill(parser, member.item_);
        }
        InnerList& list = member.become_inner_list();
        while (parser.next_inner_item()) {
            Item* const item = list.items.emplace();
            if (item == nullptr || !fill(parser, *item))
                return false;
        }
        return fill(parser, list.parameters);
    }
};

namespace {

/// Whether the length of every text and the number of all members can be counted.
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

template <typename T>
Result<T> parse(FieldType type, std::span<const std::string_view> lines, ParseOptions options) noexcept {
    if (!is_countable(lines))
        return refuse(Reason::too_long);
    Parser parser{type, lines, options};
    Result<T> document{};
    const bool has_memory = Builder::build(parser, *document);
    if (const auto finished = parser.finish(); !finished) // first, so that it does not depend on the memory
        document = std::unexpected(finished.error());
    else if (!has_memory)
        document = refuse(Reason::out_of_memory);
    return document;
}

} // namespace

Result<Item> Item::parse(std::span<const std::string_view> lines, ParseOptions options) noexcept {
    return sfv::parse<Item>(FieldType::item, lines, options);
}

Result<Item> Item::parse(std::string_view field, ParseOptions options) noexcept {
    return parse(std::span{&field, 1}, options);
}

Result<List> List::parse(std::span<const std::string_view> lines, ParseOptions options) noexcept {
    return sfv::parse<List>(FieldType::list, lines, options);
}

Result<List> List::parse(std::string_view field, ParseOptions options) noexcept {
    return parse(std::span{&field, 1}, options);
}

Result<Dictionary> Dictionary::parse(std::span<const std::string_view> lines, ParseOptions options) noexcept {
    return sfv::parse<Dictionary>(FieldType::dictionary, lines, options);
}

Result<Dictionary> Dictionary::parse(std::string_view field, ParseOptions options) noexcept {
    return parse(std::span{&field, 1}, options);
}

} // namespace warpbeam::sfv
