#pragma once

#include <warpbeam/sfv/serialize.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What must hold for any input, for the property tests and the fuzz targets. Independent of any test
/// framework.

namespace warpbeam::sfv::testing {

inline std::string join(std::span<const std::string_view> lines) {
    std::string field;
    for (size_t i = 0; i < lines.size(); ++i)
        field.append(i == 0 ? "" : ", ").append(lines[i]);
    return field;
}

/// Converts a pull parser's bare item to a document's.
inline Result<BareItem> decoded(const RawItem& raw) {
    std::vector<char> buffer(raw.decode_capacity());
    const auto text = [&] { return *raw.decode(buffer); };
    switch (raw.type()) {
    case Type::integer:
        return BareItem::from(raw.integer());
    case Type::decimal:
        return BareItem::from(raw.decimal());
    case Type::string:
        return BareItem::from(text());
    case Type::token:
        return BareItem::from(Token{text()});
    case Type::byte_sequence:
        return BareItem::from(ByteSequence{text()});
    case Type::date:
        return BareItem::from(raw.date());
    case Type::display_string:
        return BareItem::from(DisplayString{text()});
    case Type::boolean:
    case Type::inner_list:
        break;
    }
    return BareItem::from(raw.boolean());
}

/// Builds documents from the rest of a parser, using only the public interface.
class Walker {
public:
    Walker(Parser& parser, WriteOptions options) : parser_{parser}, options_{options} {}

    bool walk(Item& item) {
        if (!parser_.next_member() || !take(item))
            return false;
        return !parser_.next_member();
    }
    bool walk(List& list) {
        while (parser_.next_member()) {
            Member member;
            if (!take(member) || !list.add(std::move(member)))
                return false;
        }
        return true;
    }
    bool walk(Dictionary& dictionary) {
        while (parser_.next_member()) {
            const std::string key{parser_.key()};
            Member member;
            if (!take(member) || !dictionary.put(key, std::move(member), options_))
                return false;
        }
        return true;
    }

private:
    bool take(Parameters& parameters) {
        while (parser_.next_parameter()) {
            auto value = decoded(parser_.value());
            if (!value || !parameters.put(parser_.key(), std::move(*value), options_))
                return false;
        }
        return true;
    }
    bool take(Item& item) {
        auto value = decoded(parser_.value());
        if (!value)
            return false;
        item.value = std::move(*value);
        return take(item.parameters);
    }
    bool take(Member& member) {
        if (!parser_.value().is(Type::inner_list))
            return take(*member.item());
        InnerList list;
        while (parser_.next_inner_item()) {
            Item item;
            if (!take(item) || list.items.emplace(std::move(item)) == nullptr)
                return false;
        }
        if (!take(list.parameters))
            return false;
        member = Member{std::move(list)};
        return true;
    }

    Parser& parser_;
    WriteOptions options_;
};

/// The same for a bare item as a prefix of an item: what it takes is the same item without parameters.
inline const char* prefix_disagreement(std::span<const std::string_view> lines, const Result<Item>& item,
                                       ParseOptions options) {
    const std::string joined = join(lines);
    Parser parser{FieldType::item, lines, options};
    const auto size = parser.bare_item_prefix();
    if (parser.next_member() || parser.next_parameter() || parser.next_inner_item())
        return "there is something after a prefix";
    if (parser.finish().has_value() != size.has_value())
        return "finish and a prefix differ";
    if (!size)
        return item && !joined.starts_with(' ') ? "an item has no bare item" : nullptr;
    if (*size > joined.size())
        return "a prefix is longer than the field";
    options.strict_lines = false;
    const auto alone = Item::parse(joined.substr(0, *size), options);
    const auto value = decoded(parser.value());
    if (!alone || !alone->parameters.empty() || !value || !(alone->value == *value))
        return "a prefix alone is another item";
    return item && !(item->value == *value) ? "the value of an item and its prefix differ" : nullptr;
}

/// What does not hold for this input, or null: documents and the pull parser agree on values and errors;
/// separate lines are equivalent to the joined field; serialization gives the same document back, and is a
/// fixed point.
template <typename T>
const char* disagreement(std::span<const std::string_view> lines, ParseOptions options = {}) {
    const FieldType type = field_type_of(T{});
    const auto document = T::parse(lines, options);
    Parser checker{type, lines, options};
    const auto checked = checker.finish();
    if (checked.has_value() != document.has_value())
        return "finish and the document differ";
    Parser parser{type, lines, options};
    T walked;
    const bool whole = Walker{parser, {options.wide_keys}}.walk(walked);
    const auto finished = parser.finish();
    if (finished.has_value() != document.has_value())
        return "a walk and the document differ";
    if constexpr (std::same_as<T, Item>)
        if (const char* const fault = prefix_disagreement(lines, document, options))
            return fault;
    const std::string joined = join(lines);
    if (!options.strict_lines) {
        const auto from_joined = T::parse(joined, options);
        if (from_joined.has_value() != document.has_value())
            return "lines and the joined field differ";
        if (!document && !(from_joined.error() == document.error()))
            return "the errors of lines and of the joined field differ";
        if (document && !(*from_joined == *document))
            return "the values of lines and of the joined field differ";
    }
    if (!document) {
        if (!(document.error() == finished.error()) || !(document.error() == checked.error()))
            return "errors differ";
        const Error& error = document.error();
        if (error.offset > joined.size())
            return "an error after the end";
        const int found =
            error.offset == joined.size() ? Error::found_end : static_cast<uint8_t>(joined[error.offset]);
        return error.found == found ? nullptr : "the wrong byte was reported";
    }
    if (!whole || !(walked == *document))
        return "the walk gave another document";
    const std::string field = to_string(*document);
    for (const char c : field)
        if (c < 0x20 || c > 0x7e)
            return "a control character was written";
    const auto again = T::parse(field, options);
    std::vector<char> buffer(field.size());
    Writer strict{type, buffer};
    write(strict, *document);
    if (!options.wide_keys && strict.finish() != field)
        return "a document has a key that is not the RFC's";
    // An item is never empty; an empty list or dictionary is an empty field.
    if (!again || !(*again == *document))
        return "the serialized field is a different document";
    if (to_string(*again) != field)
        return "serialization is not a fixed point";
    const auto copy = document->clone();
    if (!copy || !(*copy == *document))
        return "a clone differs";
    return nullptr;
}

} // namespace warpbeam::sfv::testing
