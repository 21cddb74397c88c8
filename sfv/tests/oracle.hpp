#pragma once

#include <warpbeam/sfv/types.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The parsing algorithms of RFC 9651, section 4.2, transcribed step by step. Slow, and sharing nothing with
/// the library but the names of types: a reference for the parser. Joins the lines first.

namespace warpbeam::sfv::oracle {

struct Bare {
    Type type = Type::boolean;
    int64_t number = 1; ///< as in BareItem: thousandths, seconds, 0 or 1
    std::string text;   ///< the value, decoded
};

using Parameters = std::vector<std::pair<std::string, Bare>>;

struct Item {
    Bare value;
    Parameters parameters;
};

/// An item, or an inner list, which has no value.
struct Member {
    bool is_inner_list = false;
    Item item;
    std::vector<Item> inner;
    Parameters parameters; ///< of the inner list
};

/// The key of a list member or an item is empty.
using Field = std::vector<std::pair<std::string, Member>>;

/// The choices of ParseOptions.
struct Choices {
    bool no_rfc9651_types = false;
    bool needs_padding = false;
    bool needs_zero_pad_bits = false;
    bool needs_common_dates = false;
    bool needs_whole_lines = false;
    bool wide_keys = false;
};

/// Nothing when parsing fails.
[[nodiscard]] std::optional<Field> parse(FieldType type, const std::vector<std::string_view>& lines,
                                         const Choices& choices);

} // namespace warpbeam::sfv::oracle
