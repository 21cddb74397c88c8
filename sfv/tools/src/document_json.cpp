#include <warpbeam/sfv/serialize.hpp>
#include <warpbeam/sfv/tools/document_json.hpp>

#include <charconv>
#include <cstdint>

namespace warpbeam::sfv {

using json::Value;

namespace {

/// RFC 4648, section 6.
constexpr std::string_view base32_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr const char* no_base32 = "a binary value that is not base32 of RFC 4648";

std::string base32_encode(std::string_view bytes) {
    std::string text;
    uint32_t bits = 0;
    int count = 0;
    for (const char byte : bytes) {
        bits = bits << 8 | static_cast<uint8_t>(byte);
        for (count += 8; count >= 5; count -= 5)
            text += base32_alphabet[bits >> (count - 5) & 31];
    }
    if (count > 0)
        text += base32_alphabet[bits << (5 - count) & 31];
    text.append((8 - text.size() % 8) % 8, '=');
    return text;
}

/// Accepts only what `base32_encode` makes: whole groups of eight with padding, and pad bits of zero.
std::string base32_decode(std::string_view text) {
    std::string bytes;
    uint32_t bits = 0;
    int count = 0;
    const std::string_view data = text.substr(0, text.find('='));
    for (const char c : data) {
        const size_t value = base32_alphabet.find(c);
        if (value == std::string_view::npos)
            throw json::SyntaxError(no_base32);
        bits = bits << 5 | static_cast<uint32_t>(value);
        count += 5;
        if (count >= 8) {
            count -= 8;
            bytes += static_cast<char>(bits >> count);
            bits &= (1U << count) - 1;
        }
    }
    const size_t padding = text.size() - data.size();
    // Five or more leftover bits are a character that carries nothing.
    const bool is_whole = text.size() % 8 == 0 && padding < 8 && count < 5 && bits == 0;
    if (!is_whole || text.substr(data.size()).find_first_not_of('=') != std::string_view::npos)
        throw json::SyntaxError(no_base32);
    return bytes;
}

Value typed(const char* type, Value value) {
    Value object;
    object.kind = Value::Kind::object;
    object.object.emplace_back("__type", Value::of_string(type));
    object.object.emplace_back("value", std::move(value));
    return object;
}

Value json_of(const BareItem& item) {
    switch (item.type()) {
    case Type::integer:
        return Value::of_number(std::to_string(item.integer()));
    case Type::decimal: {
        char buffer[32];
        Writer writer{FieldType::item, buffer};
        return Value::of_number(std::string(*writer.value(item.decimal()).finish()));
    }
    case Type::string:
        return Value::of_string(std::string(item.text()));
    case Type::token:
        return typed("token", Value::of_string(std::string(item.text())));
    case Type::byte_sequence:
        return typed("binary", Value::of_string(base32_encode(item.text())));
    case Type::date:
        return typed("date", Value::of_number(std::to_string(item.date().seconds)));
    case Type::display_string:
        return typed("displaystring", Value::of_string(std::string(item.text())));
    case Type::boolean:
    case Type::inner_list: // never
        break;
    }
    return Value::of_boolean(item.boolean());
}

Value pair(Value first, Value second) {
    std::vector<Value> both;
    both.push_back(std::move(first));
    both.push_back(std::move(second));
    return Value::of_array(std::move(both));
}

Value json_of(const Parameters& parameters) {
    std::vector<Value> all;
    for (const auto& entry : parameters)
        all.push_back(pair(Value::of_string(std::string(entry.key())), json_of(entry.value)));
    return Value::of_array(std::move(all));
}

Value json_of(const Item& item) { return pair(json_of(item.value), json_of(item.parameters)); }

Value json_of(const Member& member) {
    if (const Item* const item = member.item())
        return json_of(*item);
    std::vector<Value> items;
    for (const Item& item : member.inner_list()->items)
        items.push_back(json_of(item));
    return pair(Value::of_array(std::move(items)), json_of(member.parameters()));
}

Value json_of(const List& list) {
    std::vector<Value> members;
    for (const Member& member : list)
        members.push_back(json_of(member));
    return Value::of_array(std::move(members));
}

Value json_of(const Dictionary& dictionary) {
    std::vector<Value> members;
    for (const auto& entry : dictionary)
        members.push_back(pair(Value::of_string(std::string(entry.key())), json_of(entry.value)));
    return Value::of_array(std::move(members));
}

void require(bool holds, const char* expected) {
    if (!holds)
        throw json::SyntaxError(std::string("the suite's JSON form requires ") + expected);
}

const std::vector<Value>& array_of(const Value& value) {
    require(value.is(Value::Kind::array), "an array here");
    return value.array;
}

const std::vector<Value>& pair_of(const Value& value) {
    require(array_of(value).size() == 2, "an array of two here");
    return value.array;
}

const std::string& string_of(const Value& value) {
    require(value.is(Value::Kind::string), "a string here");
    return value.text;
}

/// A JSON integer; one beyond 64 bits is beyond 15 digits anyway.
int64_t integer_of(const Value& value) {
    require(value.is(Value::Kind::number) && value.text.find_first_of(".eE") == std::string::npos,
            "an integer here");
    int64_t number = 0;
    const char* const end = value.text.data() + value.text.size();
    const auto [stop, fault] = std::from_chars(value.text.data(), end, number);
    return fault == std::errc{} && stop == end ? number : INT64_MAX;
}

Result<BareItem> typed_from(const Value& value) {
    const Value* const type = value.find("__type");
    const Value* const content = value.find("value");
    require(type != nullptr && content != nullptr && value.object.size() == 2,
            "__type and value in an object");
    if (type->text == "token")
        return BareItem::from(Token{string_of(*content)});
    if (type->text == "binary")
        return BareItem::from(ByteSequence{base32_decode(string_of(*content))});
    if (type->text == "date")
        return BareItem::from(Date{integer_of(*content)});
    require(type->text == "displaystring", "the type token, binary, date or displaystring");
    return BareItem::from(DisplayString{string_of(*content)});
}

Result<BareItem> bare_from(const Value& value) {
    switch (value.kind) {
    case Value::Kind::boolean:
        return BareItem::from(value.boolean);
    case Value::Kind::string:
        return BareItem::from(value.text);
    case Value::Kind::object:
        return typed_from(value);
    case Value::Kind::number:
        break;
    case Value::Kind::null:
    case Value::Kind::array:
        require(false, "a bare item here");
    }
    if (value.text.find_first_of(".eE") == std::string::npos)
        return BareItem::from(integer_of(value));
    const auto decimal = Decimal::from_text(value.text);
    if (!decimal)
        return std::unexpected(decimal.error());
    return BareItem::from(*decimal);
}

Result<void> fill(Parameters& parameters, const Value& value) {
    for (const Value& one : array_of(value)) {
        auto bare = bare_from(pair_of(one)[1]);
        if (!bare)
            return std::unexpected(bare.error());
        if (const auto put = parameters.put(string_of(one.array[0]), std::move(*bare)); !put)
            return std::unexpected(put.error());
    }
    return {};
}

Result<Item> item_from(const Value& value) {
    auto bare = bare_from(pair_of(value)[0]);
    if (!bare)
        return std::unexpected(bare.error());
    Item item{std::move(*bare), {}};
    if (const auto filled = fill(item.parameters, value.array[1]); !filled)
        return std::unexpected(filled.error());
    return item;
}

Result<Member> member_from(const Value& value) {
    if (!pair_of(value)[0].is(Value::Kind::array)) {
        auto item = item_from(value);
        if (!item)
            return std::unexpected(item.error());
        return std::move(*item);
    }
    InnerList list;
    for (const Value& one : value.array[0].array) {
        auto item = item_from(one);
        if (!item)
            return std::unexpected(item.error());
        if (list.items.emplace(std::move(*item)) == nullptr)
            return refuse(Reason::out_of_memory);
    }
    if (const auto filled = fill(list.parameters, value.array[1]); !filled)
        return std::unexpected(filled.error());
    return list;
}

Result<AnyDocument> list_from(const Value& value) {
    List list;
    for (const Value& one : array_of(value)) {
        auto member = member_from(one);
        if (!member)
            return std::unexpected(member.error());
        if (const auto added = list.add(std::move(*member)); !added)
            return std::unexpected(added.error());
    }
    return list;
}

Result<AnyDocument> dictionary_from(const Value& value) {
    Dictionary dictionary;
    for (const Value& one : array_of(value)) {
        auto member = member_from(pair_of(one)[1]);
        if (!member)
            return std::unexpected(member.error());
        if (const auto set = dictionary.set(string_of(one.array[0]), std::move(*member)); !set)
            return std::unexpected(set.error());
    }
    return dictionary;
}

template <typename T>
Result<AnyDocument> as_any(Result<T> document) {
    if (!document)
        return std::unexpected(document.error());
    return AnyDocument{std::move(*document)};
}

} // namespace

Result<AnyDocument> parse_any(FieldType type, std::span<const std::string_view> lines, ParseOptions options) {
    switch (type) {
    case FieldType::item:
        return as_any(Item::parse(lines, options));
    case FieldType::list:
        return as_any(List::parse(lines, options));
    case FieldType::dictionary:
        break;
    }
    return as_any(Dictionary::parse(lines, options));
}

std::string to_string(const AnyDocument& document) {
    return std::visit([](const auto& one) { return to_string(one); }, document);
}

Value to_json(const AnyDocument& document) {
    return std::visit([](const auto& one) { return json_of(one); }, document);
}

Result<AnyDocument> from_json(FieldType type, const Value& value) {
    switch (type) {
    case FieldType::item:
        return as_any(item_from(value));
    case FieldType::list:
        return list_from(value);
    case FieldType::dictionary:
        break;
    }
    return dictionary_from(value);
}

} // namespace warpbeam::sfv
