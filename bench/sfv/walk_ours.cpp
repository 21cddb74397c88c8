#include "walk.hpp"

#include <warpbeam/sfv/document.hpp>
#include <warpbeam/sfv/parser.hpp>

namespace warpbeam::bench {

namespace {

[[gnu::always_inline]] inline uint64_t weigh(const sfv::RawItem& value) {
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

template <sfv::FieldType type>
uint64_t walk(std::string_view field) {
    uint64_t sum = 1'000'000;
    sfv::Parser parser{type, field};
    // Inline, so that the parser stays in registers.
    const auto parameters = [&] [[gnu::always_inline]] {
        while (parser.next_parameter())
            sum += parser.key().size() + weigh(parser.value());
    };
    while (parser.next_member()) {
        if (type == sfv::FieldType::dictionary)
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

uint64_t make_item(std::string_view field) {
    const auto item = sfv::Item::parse(field);
    return item ? 1 + item->parameters.size() : 0;
}

template <typename Document>
uint64_t make(std::string_view field) {
    const auto document = Document::parse(field);
    return document ? 1 + document->size() : 0;
}

} // namespace

const Walk walk_ours{walk<sfv::FieldType::item>, walk<sfv::FieldType::list>,
                     walk<sfv::FieldType::dictionary>};
const Walk walk_document{make_item, make<sfv::List>, make<sfv::Dictionary>};

} // namespace warpbeam::bench
