#include "walk.hpp"

#include <warpbeam/sfv/document.hpp>
#include <warpbeam/sfv/parser.hpp>

namespace warpbeam::bench {

namespace {

uint64_t weigh(const sfv::RawItem& value) {
    switch (value.type()) {
    case sfv::Type::integer:
    case sfv::Type::date:
        return static_cast<uint64_t>(value.integer());
    case sfv::Type::decimal:
        return 1;
    case sfv::Type::boolean:
        return value.boolean();
    case sfv::Type::inner_list:
        return 7;
    default:
        return value.raw().size() + 3;
    }
}

} // namespace

uint64_t walk_ours(const Field& field) {
    uint64_t sum = 1'000'000;
    const bool has_keys = field.type == sfv::FieldType::dictionary;
    sfv::Parser parser{field.type, field.text};
    const auto parameters = [&] {
        while (parser.next_parameter())
            sum += parser.key().size() + weigh(parser.value());
    };
    while (parser.next_member()) {
        if (has_keys)
            sum += parser.key().size();
        sum += weigh(parser.value());
        while (parser.next_inner_item()) {
            sum += weigh(parser.value());
            parameters();
        }
        parameters();
    }
    return parser.finish() ? sum : 0;
}

uint64_t walk_document(const Field& field) {
    switch (field.type) {
    case sfv::FieldType::item: {
        const auto item = sfv::Item::parse(field.text);
        return item ? 1 + item->parameters.size() : 0;
    }
    case sfv::FieldType::list: {
        const auto list = sfv::List::parse(field.text);
        return list ? 1 + list->size() : 0;
    }
    case sfv::FieldType::dictionary:
        break;
    }
    const auto dictionary = sfv::Dictionary::parse(field.text);
    return dictionary ? 1 + dictionary->size() : 0;
}

} // namespace warpbeam::bench
