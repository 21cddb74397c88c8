#include "walk.hpp"

#ifdef WARPBEAM_SFPARSE
#include <sfparse.h>
#endif

namespace warpbeam::bench {

#ifdef WARPBEAM_SFPARSE
namespace {

uint64_t weigh(const sfparse_value& value) {
    switch (value.type) {
    case SFPARSE_TYPE_INTEGER:
    case SFPARSE_TYPE_DATE:
        return static_cast<uint64_t>(value.integer);
    case SFPARSE_TYPE_DECIMAL:
        return 1;
    case SFPARSE_TYPE_BOOLEAN:
        return static_cast<uint64_t>(value.boolean);
    case SFPARSE_TYPE_INNER_LIST:
        return 7;
    default:
        return value.vec.len + 3;
    }
}

template <sfv::FieldType type>
uint64_t walk(std::string_view field) {
    uint64_t sum = 1'000'000;
    sfparse_parser parser;
    sfparse_parser_init(&parser, reinterpret_cast<const uint8_t*>(field.data()), field.size());
    sfparse_vec key{};
    sfparse_value value;
    int result = 0;
    const auto parameters = [&] {
        while ((result = sfparse_parser_param(&parser, &key, &value)) == 0)
            sum += key.len + weigh(value);
        return result == SFPARSE_ERR_EOF;
    };
    const auto next = [&] {
        switch (type) {
        case sfv::FieldType::item:
            return sfparse_parser_item(&parser, &value);
        case sfv::FieldType::list:
            return sfparse_parser_list(&parser, &value);
        case sfv::FieldType::dictionary:
            break;
        }
        return sfparse_parser_dict(&parser, &key, &value);
    };
    while ((result = next()) == 0) {
        if (type == sfv::FieldType::dictionary)
            sum += key.len;
        sum += weigh(value);
        if (value.type == SFPARSE_TYPE_INNER_LIST) {
            while ((result = sfparse_parser_inner_list(&parser, &value)) == 0) {
                sum += weigh(value);
                if (!parameters())
                    return 0;
            }
            if (result != SFPARSE_ERR_EOF)
                return 0;
        }
        if (!parameters())
            return 0;
    }
    return result == SFPARSE_ERR_EOF ? sum : 0;
}

} // namespace

const Walk walk_sfparse{walk<sfv::FieldType::item>, walk<sfv::FieldType::list>,
                        walk<sfv::FieldType::dictionary>};
#else
const Walk walk_sfparse{};
#endif

} // namespace warpbeam::bench
