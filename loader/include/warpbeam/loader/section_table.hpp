#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace warpbeam {

/// What a module begins with: the magic number, then the version.
inline constexpr uint8_t binary_header[] = {0, 'a', 's', 'm', 1, 0, 0, 0};

/// The ids of sections. https://webassembly.github.io/spec/core/binary/modules.html#sections
enum class SectionId : uint8_t {
    custom,
    type,
    import,
    func,
    table,
    memory,
    global,
    export_,
    start,
    elem,
    code,
    data,
    data_count,
    tag
};

/// What is known about a section.
struct SectionRow {
    const char* name; ///< its name in messages
    /// Its keyword in the text format: `(@custom "name" (before func))` places a section before this one.
    std::string_view keyword;
    /// Its position in the required order; custom sections may appear anywhere, all others at most once.
    uint8_t rank;
};
/// All sections, by their ids.
inline constexpr SectionRow section_table[] = {
    {"custom", "", 0},
    {"type", "type", 1},
    {"import", "import", 2},
    {"function", "func", 3},
    {"table", "table", 4},
    {"memory", "memory", 5},
    {"global", "global", 7},
    {"export", "export", 8},
    {"start", "start", 9},
    {"element", "elem", 10},
    {"code", "code", 12},
    {"data", "data", 13},
    {"data count", "datacount", 11},
    {"tag", "tag", 6},
};

/// The ids in the required order.
inline constexpr auto section_order = [] {
    std::array<SectionId, std::size(section_table)> order{};
    for (size_t id = 0; id < order.size(); ++id)
        order[section_table[id].rank] = static_cast<SectionId>(id);
    return order;
}();

} // namespace warpbeam
