#include <warpbeam/sfv/serialize.hpp>
#include <warpbeam/sfv/sfv.h>

#include <cstring>
#include <new>
#include <type_traits>

namespace {

using namespace warpbeam::sfv;

std::string_view view(wb_sfv_text text) noexcept {
    return text.size == 0 ? std::string_view{} : std::string_view{text.data, text.size};
}
wb_sfv_text text_of(std::string_view text) noexcept { return {text.data(), text.size()}; }

ParseOptions options_of(unsigned bits) noexcept {
    return {(bits & WB_SFV_RFC8941) != 0,         (bits & WB_SFV_STRICT_PADDING) != 0,
            (bits & WB_SFV_STRICT_PAD_BITS) != 0, (bits & WB_SFV_STRICT_DATES) != 0,
            (bits & WB_SFV_STRICT_LINES) != 0,    (bits & WB_SFV_WIDE_KEYS) != 0};
}

void report(wb_sfv_error* to, const Error& error) noexcept {
    if (to == nullptr)
        return;
    const Message message = error.message();
    const std::string_view text = message.view();
    to->offset = error.offset;
    std::memcpy(to->message, text.data(), text.size());
    to->message[text.size()] = '\0';
}

/// A value from a caller, who may have set anything.
BareItemRef ref_of(const wb_sfv_value& value) noexcept {
    if (value.needs_decoding)
        return BareItemRef::refused(Reason::undecoded);
    switch (value.type) {
    case WB_SFV_INTEGER:
        return value.number;
    case WB_SFV_DECIMAL:
        return Decimal{value.number};
    case WB_SFV_STRING:
        return view(value.text);
    case WB_SFV_TOKEN:
        return Token{view(value.text)};
    case WB_SFV_BYTE_SEQUENCE:
        return ByteSequence{view(value.text)};
    case WB_SFV_BOOLEAN:
        return value.number != 0;
    case WB_SFV_DATE:
        return Date{value.number};
    case WB_SFV_DISPLAY_STRING:
        return DisplayString{view(value.text)};
    case WB_SFV_INNER_LIST:
        return BareItemRef::refused(Reason::nested_list);
    }
    return BareItemRef::refused(Reason::unknown_type);
}

bool has_text(Type type) noexcept {
    return type == Type::string || type == Type::token || type == Type::byte_sequence ||
           type == Type::display_string;
}

size_t decode_capacity(const RawItem& value) noexcept {
    return has_text(value.type()) ? value.decode_capacity() : 0;
}

wb_sfv_value value_of(const RawItem& raw) noexcept {
    wb_sfv_value value{static_cast<wb_sfv_type>(raw.type()), false, 0, {nullptr, 0}};
    if (has_text(raw.type())) {
        value.needs_decoding = raw.needs_decoding();
        value.text = text_of(raw.raw());
    } else if (!raw.is(Type::inner_list)) {
        value.number = raw.integer();
    }
    return value;
}

wb_sfv_value value_of(const BareItem& item) noexcept {
    wb_sfv_value value{static_cast<wb_sfv_type>(item.type()), false, 0, {nullptr, 0}};
    if (has_text(item.type()))
        value.text = text_of(item.text());
    else
        value.number = item.integer();
    return value;
}

static_assert(sizeof(std::string_view) == sizeof(wb_sfv_line) &&
              alignof(std::string_view) <= alignof(wb_sfv_line));
/// A parser that knows whether the last call returned a value: calls that return false may skip others, which
/// C code must not mistake for the one it read before.
struct Pull {
    Parser parser;
    bool has_value = false;

    /// Handles a call's result, and sets the key and value that are requested.
    bool came(bool to_value, wb_sfv_value* value, wb_sfv_text* key, bool has_key) noexcept {
        has_value = to_value;
        if (to_value && key != nullptr)
            *key = text_of(has_key ? parser.key() : std::string_view{});
        if (to_value && value != nullptr)
            *value = value_of(parser.value());
        return to_value;
    }
};

static_assert(sizeof(Pull) <= sizeof(wb_sfv_parser) && alignof(Pull) <= alignof(wb_sfv_parser));
static_assert(sizeof(Writer) <= sizeof(wb_sfv_writer) && alignof(Writer) <= alignof(wb_sfv_writer));
// C copies them as bytes and never destroys them.
static_assert(std::is_trivially_copyable_v<std::string_view> && std::is_trivially_copyable_v<Pull> &&
              std::is_trivially_copyable_v<Writer>);

std::span<const std::string_view> lines_of(const wb_sfv_line* lines, size_t count) noexcept {
    return {reinterpret_cast<const std::string_view*>(lines), count};
}

Pull& unwrap(wb_sfv_parser* parser) noexcept {
    return *std::launder(reinterpret_cast<Pull*>(parser->opaque));
}
const Pull& unwrap(const wb_sfv_parser* parser) noexcept {
    return *std::launder(reinterpret_cast<const Pull*>(parser->opaque));
}
Writer& unwrap(wb_sfv_writer* writer) noexcept {
    return *std::launder(reinterpret_cast<Writer*>(writer->opaque));
}
const Writer& unwrap(const wb_sfv_writer* writer) noexcept {
    return *std::launder(reinterpret_cast<const Writer*>(writer->opaque));
}

} // namespace

/// Only the document that matches the type is used. A single item is stored as a Member, so that all nodes
/// are alike.
struct wb_sfv_document {
    FieldType type;
    Member item;
    List list;
    Dictionary dictionary;
};

namespace {

/// A node is the address of a Member, or that of an Item in an inner list, marked by its lowest bit.
wb_sfv_node* node_of(const Member* member) noexcept {
    return reinterpret_cast<wb_sfv_node*>(reinterpret_cast<uintptr_t>(member));
}
wb_sfv_node* node_of(const Item* item) noexcept {
    return reinterpret_cast<wb_sfv_node*>(reinterpret_cast<uintptr_t>(item) | 1);
}
/// The item of a node; null if it is an inner list.
Item* item_of(const wb_sfv_node* node) noexcept {
    const auto address = reinterpret_cast<uintptr_t>(node);
    if ((address & 1) != 0)
        return reinterpret_cast<Item*>(address & ~uintptr_t{1});
    return reinterpret_cast<Member*>(address)->item();
}
/// The inner list of a node; null if it is an item.
InnerList* inner_list_in(const wb_sfv_node* node) noexcept {
    const auto address = reinterpret_cast<uintptr_t>(node);
    return (address & 1) != 0 ? nullptr : reinterpret_cast<Member*>(address)->inner_list();
}
Parameters& parameters_in(const wb_sfv_node* node) noexcept {
    Item* const item = item_of(node);
    return item != nullptr ? item->parameters : inner_list_in(node)->parameters;
}

template <typename T>
bool store(Result<T> parsed, T& to, wb_sfv_error* error) noexcept {
    if (!parsed) {
        report(error, parsed.error());
        return false;
    }
    to = std::move(*parsed);
    return true;
}

bool parse(wb_sfv_document& document, std::span<const std::string_view> lines, ParseOptions options,
           wb_sfv_error* error) noexcept {
    switch (document.type) {
    case FieldType::item:
        return store(Item::parse(lines, options), *document.item.item(), error);
    case FieldType::list:
        return store(List::parse(lines, options), document.list, error);
    case FieldType::dictionary:
        break;
    }
    return store(Dictionary::parse(lines, options), document.dictionary, error);
}

Result<Member> member_of(const wb_sfv_value& value) noexcept {
    if (value.type == WB_SFV_INNER_LIST)
        return InnerList{};
    auto item = Item::from(ref_of(value));
    if (!item)
        return std::unexpected(item.error());
    return std::move(*item);
}

Result<Member*> set_member(wb_sfv_document& document, std::string_view key, Member&& member) noexcept {
    switch (document.type) {
    case FieldType::item:
        if (member.is_inner_list())
            return refuse(Reason::nested_list);
        document.item = std::move(member);
        return &document.item;
    case FieldType::list:
        return document.list.add(std::move(member));
    case FieldType::dictionary:
        break;
    }
    return document.dictionary.set(key, std::move(member));
}

} // namespace

extern "C" {

wb_sfv_line wb_sfv_line_of(const char* data, size_t size) {
    wb_sfv_line line;
    ::new (&line) std::string_view(view({data, size}));
    return line;
}

void wb_sfv_parser_init(wb_sfv_parser* parser, wb_sfv_field_type type, const wb_sfv_line* lines, size_t count,
                        unsigned options) {
    ::new (parser->opaque)
        Pull{Parser{static_cast<FieldType>(type), lines_of(lines, count), options_of(options)}};
}

bool wb_sfv_next_member(wb_sfv_parser* parser, wb_sfv_text* key, wb_sfv_value* value) {
    Pull& self = unwrap(parser);
    const bool has_key = self.parser.field_type() == FieldType::dictionary;
    return self.came(self.parser.next_member(), value, key, has_key);
}

bool wb_sfv_next_inner_item(wb_sfv_parser* parser, wb_sfv_value* value) {
    Pull& self = unwrap(parser);
    return self.came(self.parser.next_inner_item(), value, nullptr, false);
}

bool wb_sfv_next_parameter(wb_sfv_parser* parser, wb_sfv_text* key, wb_sfv_value* value) {
    Pull& self = unwrap(parser);
    return self.came(self.parser.next_parameter(), value, key, true);
}

size_t wb_sfv_parser_decode_capacity(const wb_sfv_parser* parser) {
    const Pull& self = unwrap(parser);
    return self.has_value ? decode_capacity(self.parser.value()) : 0;
}

bool wb_sfv_parser_decode(const wb_sfv_parser* parser, char* buffer, size_t size, wb_sfv_text* text,
                          wb_sfv_error* error) {
    const Pull& self = unwrap(parser);
    if (!self.has_value) {
        report(error, refuse(Reason::nothing_read).error());
        return false;
    }
    const RawItem& value = self.parser.value();
    const auto decoded = has_text(value.type()) ? value.decode({buffer, size}) : std::string_view{};
    if (!decoded) {
        report(error, refuse(Reason::buffer_too_small, decode_capacity(value)).error());
        return false;
    }
    *text = text_of(*decoded);
    return true;
}

bool wb_sfv_parser_bare_item(wb_sfv_parser* parser, wb_sfv_value* value, size_t* size, wb_sfv_error* error) {
    Pull& self = unwrap(parser);
    const auto taken = self.parser.bare_item_prefix();
    if (!taken)
        report(error, taken.error());
    else if (size != nullptr)
        *size = *taken;
    return self.came(taken.has_value(), value, nullptr, false);
}

bool wb_sfv_parser_finish(wb_sfv_parser* parser, wb_sfv_error* error) {
    Pull& self = unwrap(parser);
    self.has_value = false;
    const auto finished = self.parser.finish();
    if (!finished)
        report(error, finished.error());
    return finished.has_value();
}

void wb_sfv_writer_init(wb_sfv_writer* writer, wb_sfv_field_type type, char* buffer, size_t size) {
    wb_sfv_writer_init_with(writer, type, buffer, size, 0);
}

void wb_sfv_writer_init_with(wb_sfv_writer* writer, wb_sfv_field_type type, char* buffer, size_t size,
                             unsigned options) {
    ::new (writer->opaque) Writer{
        static_cast<FieldType>(type), {buffer, size}, {.wide_keys = (options & WB_SFV_WIDE_KEYS) != 0}};
}

void wb_sfv_write_key(wb_sfv_writer* writer, wb_sfv_text key) { unwrap(writer).key(view(key)); }
void wb_sfv_write_value(wb_sfv_writer* writer, const wb_sfv_value* value) {
    unwrap(writer).value(ref_of(*value));
}
void wb_sfv_begin_inner_list(wb_sfv_writer* writer) { unwrap(writer).begin_inner_list(); }
void wb_sfv_end_inner_list(wb_sfv_writer* writer) { unwrap(writer).end_inner_list(); }
void wb_sfv_write_parameter(wb_sfv_writer* writer, wb_sfv_text key, const wb_sfv_value* value) {
    unwrap(writer).parameter(view(key), ref_of(*value));
}

bool wb_sfv_writer_finish(const wb_sfv_writer* writer, wb_sfv_text* field, wb_sfv_error* error) {
    const auto finished = unwrap(writer).finish();
    if (!finished) {
        report(error, finished.error());
        return false;
    }
    *field = text_of(*finished);
    return true;
}

wb_sfv_document* wb_sfv_document_new(wb_sfv_field_type type) {
    return new (std::nothrow) wb_sfv_document{static_cast<FieldType>(type), {}, {}, {}};
}

wb_sfv_document* wb_sfv_document_parse(wb_sfv_field_type type, const wb_sfv_line* lines, size_t count,
                                       unsigned options, wb_sfv_error* error) {
    wb_sfv_document* const document = wb_sfv_document_new(type);
    if (document == nullptr) {
        report(error, refuse(Reason::out_of_memory).error());
    } else if (!parse(*document, lines_of(lines, count), options_of(options), error)) {
        wb_sfv_document_free(document);
        return nullptr;
    }
    return document;
}

void wb_sfv_document_free(wb_sfv_document* document) {
    if (document == nullptr)
        return;
    document->~wb_sfv_document();
    ::operator delete(document, std::nothrow);
}

bool wb_sfv_document_equal(const wb_sfv_document* a, const wb_sfv_document* b) {
    return a->type == b->type && a->item == b->item && a->list == b->list && a->dictionary == b->dictionary;
}

size_t wb_sfv_member_count(const wb_sfv_document* document) {
    switch (document->type) {
    case FieldType::item:
        return 1;
    case FieldType::list:
        return document->list.size();
    case FieldType::dictionary:
        break;
    }
    return document->dictionary.size();
}

const wb_sfv_node* wb_sfv_member_at(const wb_sfv_document* document, size_t position, wb_sfv_text* key) {
    if (document->type == FieldType::dictionary) {
        const auto& entry = document->dictionary[position];
        if (key != nullptr)
            *key = text_of(entry.key());
        return node_of(&entry.value);
    }
    if (key != nullptr)
        *key = {nullptr, 0};
    return node_of(document->type == FieldType::list ? &document->list[position] : &document->item);
}

const wb_sfv_node* wb_sfv_member_find(const wb_sfv_document* document, wb_sfv_text key) {
    return node_of(document->dictionary.find(view(key)));
}

wb_sfv_value wb_sfv_node_value(const wb_sfv_node* node) {
    if (const Item* const item = item_of(node))
        return value_of(item->value);
    return {WB_SFV_INNER_LIST, false, 0, {nullptr, 0}};
}

size_t wb_sfv_inner_count(const wb_sfv_node* node) {
    const InnerList* const list = inner_list_in(node);
    return list != nullptr ? list->items.size() : 0;
}

const wb_sfv_node* wb_sfv_inner_at(const wb_sfv_node* node, size_t position) {
    return node_of(&inner_list_in(node)->items[position]);
}

size_t wb_sfv_parameter_count(const wb_sfv_node* node) { return parameters_in(node).size(); }

wb_sfv_value wb_sfv_parameter_at(const wb_sfv_node* node, size_t position, wb_sfv_text* key) {
    const auto& entry = parameters_in(node)[position];
    if (key != nullptr)
        *key = text_of(entry.key());
    return value_of(entry.value);
}

bool wb_sfv_parameter_find(const wb_sfv_node* node, wb_sfv_text key, wb_sfv_value* value) {
    const BareItem* const found = parameters_in(node).find(view(key));
    if (found != nullptr && value != nullptr)
        *value = value_of(*found);
    return found != nullptr;
}

wb_sfv_node* wb_sfv_set_member(wb_sfv_document* document, wb_sfv_text key, const wb_sfv_value* value,
                               wb_sfv_error* error) {
    auto member = member_of(*value);
    const auto set =
        member ? set_member(*document, view(key), std::move(*member)) : std::unexpected(member.error());
    if (!set) {
        report(error, set.error());
        return nullptr;
    }
    return node_of(*set);
}

wb_sfv_node* wb_sfv_add_inner_item(wb_sfv_node* node, const wb_sfv_value* value, wb_sfv_error* error) {
    InnerList* const list = inner_list_in(node);
    const auto added = list != nullptr ? list->add(ref_of(*value)) : refuse(Reason::not_inner_list);
    if (!added) {
        report(error, added.error());
        return nullptr;
    }
    return node_of(*added);
}

bool wb_sfv_set_parameter(wb_sfv_node* node, wb_sfv_text key, const wb_sfv_value* value,
                          wb_sfv_error* error) {
    const auto set = parameters_in(node).set(view(key), ref_of(*value));
    if (!set)
        report(error, set.error());
    return set.has_value();
}

size_t wb_sfv_document_serialize(const wb_sfv_document* document, char* buffer, size_t size) {
    Writer writer{document->type, {buffer, size}, {.wide_keys = true}}; // whatever keys the document has
    switch (document->type) {
    case FieldType::item:
        write(writer, *document->item.item());
        break;
    case FieldType::list:
        write(writer, document->list);
        break;
    case FieldType::dictionary:
        write(writer, document->dictionary);
        break;
    }
    return writer.size();
}

} // extern "C"
