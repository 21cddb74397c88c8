#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

namespace warpbeam::text {

/// The sections in the order of the binary format, by the names that placements use.
/// https://webassembly.github.io/spec/core/binary/modules.html#binary-module
enum class SectionOrder : uint8_t {
    type,
    import,
    func,
    table,
    memory,
    tag,
    global,
    export_,
    start,
    elem,
    datacount,
    code,
    data,
};
inline constexpr std::string_view section_keywords[] = {"type",      "import", "func",   "table", "memory",
                                                        "tag",       "global", "export", "start", "elem",
                                                        "datacount", "code",   "data"};

/// Their ids, https://webassembly.github.io/spec/core/binary/modules.html#sections
inline constexpr uint8_t section_ids[] = {1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11};
static_assert(std::size(section_ids) == std::size(section_keywords));

/// What a module begins with, as numbers of four bytes.
inline constexpr uint32_t binary_magic = 0x6d73'6100;
inline constexpr uint32_t binary_version = 1;

/// A place for custom sections: in front of a section or behind it.
constexpr uint8_t place_of(size_t section, bool after) noexcept {
    return static_cast<uint8_t>(2 * section + (after ? 1 : 0));
}
inline constexpr uint8_t last_place = place_of(static_cast<size_t>(SectionOrder::data), true);

constexpr std::optional<uint8_t> section_order(std::string_view keyword) noexcept {
    if (keyword == "first")
        return static_cast<uint8_t>(SectionOrder::type);
    if (keyword == "last")
        return static_cast<uint8_t>(SectionOrder::data);
    for (size_t i = 0; i < std::size(section_keywords); ++i)
        if (section_keywords[i] == keyword)
            return static_cast<uint8_t>(i);
    return std::nullopt;
}

} // namespace warpbeam::text
